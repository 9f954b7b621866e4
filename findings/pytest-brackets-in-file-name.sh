#!/usr/bin/env bash
# pytest 9.2.0 (PyPI): tests of a file with brackets in its name are listed, and cannot be selected.
#
# Expected: a name that `pytest --collect-only -q` prints selects that test, and the path of a file selects the file.
# Real:     if the file is called `test_[x].py`, both end with a usage error (4): a path cannot contain parametrization. The folder that
#           the file is in can be selected, and runs its tests.
#
# Output seen, 2026-11-29:
#   listed test_[x].py::test_a[1], test_[x].py::test_b; exit codes 4 4 4, folder 0
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
python3 -m venv venv && venv/bin/pip install -q pytest==9.2.0
cat >'test_[x].py' <<'PY'
import pytest

@pytest.mark.parametrize("n", [1])
def test_a(n):
    pass

def test_b():
    pass
PY
run() { venv/bin/python -m pytest -q -p no:cacheprovider "$@"; }
listed=$(run --collect-only 2>/dev/null | grep :: | paste -sd, | sed 's/,/, /g')
codes=
for name in 'test_[x].py::test_a[1]' 'test_[x].py::test_b' 'test_[x].py'; do
    code=0 && run "$name" >/dev/null 2>&1 || code=$?
    codes="$codes $code"
done
code=0 && run . >/dev/null 2>&1 || code=$?
seen="listed $listed; exit codes$codes, folder $code" && echo "$seen"
[ "$seen" = 'listed test_[x].py::test_a[1], test_[x].py::test_b; exit codes 4 4 4, folder 0' ]
