#!/usr/bin/env bash
# Meson 1.12.0 (PyPI): where the name of a project has a blank, the names of `meson test --list` select nothing.
#
# Expected: `meson test NAME` runs a test whose NAME is what `meson test --list` prints.
# Real:     the list and all logs have `_` for the blank: `a_b:one` is listed, and "does not match any test". `a b:one` runs it.
#
# Output seen, 2026-11-30:
#   listed a_b:one
#   a_b:one: exit code 1
#   a b:one: exit code 0
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check meson==1.12.0 ninja==1.13.0
export PATH=$work/venv/bin:$PATH
mkdir source
cat >source/meson.build <<'MESON'
project('a b', meson_version: '>=1.0')
test('one', find_program('true'))
MESON
meson setup build source >setup.txt
run() {
    local code=0
    meson test -C build "$1" >out.txt 2>&1 || code=$?
    echo "$1: exit code $code"
}
listed=$(meson test -C build --no-rebuild --list)
{
    echo "listed $listed"
    run "$listed"
    run 'a b:one'
} | tee seen.txt
diff - seen.txt <<'SEEN' || { echo "Meson behaves differently from the description above" >&2; exit 1; }
listed a_b:one
a_b:one: exit code 1
a b:one: exit code 0
SEEN
