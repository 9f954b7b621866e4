#!/usr/bin/env bash
# CTest 4.4.5 (PyPI: cmake; 3.25.2 does the same): a pattern that is too long selects no test, and the exit code is 0.
#
# Expected: an error. A pattern of 46788 characters, names of 14 characters with `|` between them, runs its 3119 tests.
# Real:     with one name more `-R` runs nothing, and `-E` leaves nothing out. Exit code 0; the only signs are a line on stdout and
#           "No tests were found!!!". The limit is for the compiled pattern, about 64 KiB, where every `|` takes some
#           bytes: with names of five characters 32 KiB are too much. `--tests-from-file` (not in 3.25.2) takes all names.
#
# Output seen, 2026-11-29:
#   R 3119: total: 3119
#   R 3120: Expression too big. total: 0
#   E 3119: total: 81
#   E 3120: Expression too big. total: 3200
#   file: total: 3200
#   R 3120 without -N: exit 0
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
python3 -m venv venv && venv/bin/pip install -q cmake==4.4.5 2>/dev/null
seq -f 'test_%09.0f' 3200 >names
sed 's/.*/add_test(& true)/' names >CTestTestfile.cmake
seen=
run() { seen+="$1: $(venv/bin/ctest -N "${@:2}" | sed -n 's/^RegularExpression::compile(): //p; s/^Total Tests/total/p' | paste -sd' ')
"; }
pattern() { echo "^($(head -n "$1" names | paste -sd'|'))\$"; }
run 'R 3119' -R "$(pattern 3119)"
run 'R 3120' -R "$(pattern 3120)"
run 'E 3119' -E "$(pattern 3119)"
run 'E 3120' -E "$(pattern 3120)"
run 'file' --tests-from-file names
code=0 && venv/bin/ctest -R "$(pattern 3120)" >/dev/null 2>&1 || code=$?
seen+="R 3120 without -N: exit $code" && echo "$seen"
[ "$seen" = 'R 3119: total: 3119
R 3120: Expression too big. total: 0
E 3119: total: 81
E 3120: Expression too big. total: 3200
file: total: 3200
R 3120 without -N: exit 0' ]
