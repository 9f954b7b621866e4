#!/usr/bin/env bash
# Meson 1.12.0 (PyPI): the JUnit file shows only passes for a TAP test that Meson reports as an error.
#
# Expected: a <failure> or an <error> for a test whose plan has three parts and whose output ends after the first, as Meson
#           counts it as failed and ends with exit code 1.
# Real:     testlog.junit.xml has the first part as passed, and failures="0" errors="0" in its suite and at the root. A part
#           that is skipped looks passed too. testlog.json has the result ERROR.
#
# Output seen, 2026-11-30:
#   exit code 1
#   json: ERROR
#   junit: 1 cases, 0 with a failure or an error
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check meson==1.12.0 ninja==1.13.0
export PATH=$work/venv/bin:$PATH
mkdir source
cat >source/meson.build <<'MESON'
project('p', meson_version: '>=1.0')
sh = find_program('sh')
test('short', sh, args: ['-c', 'echo 1..3; echo ok 1 one'], protocol: 'tap')
MESON
meson setup build source >setup.txt
code=0
meson test -C build >out.txt 2>&1 || code=$?
{
    echo "exit code $code"
    python3 - <<'PY'
import json
import xml.etree.ElementTree as tree
with open("build/meson-logs/testlog.json") as log:
    print("json:", json.loads(log.readline())["result"])
cases = list(tree.parse("build/meson-logs/testlog.junit.xml").iter("testcase"))
bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
print(f"junit: {len(cases)} cases, {len(bad)} with a failure or an error")
PY
} | tee seen.txt
diff - seen.txt <<'SEEN' || { echo "Meson behaves differently from the description above" >&2; exit 1; }
exit code 1
json: ERROR
junit: 1 cases, 0 with a failure or an error
SEEN
