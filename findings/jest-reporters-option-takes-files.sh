#!/usr/bin/env bash
# jest 30.5.2 (npm): `--reporters=NAME` also takes the words after it, so that a test file behind it becomes a reporter.
#
# Expected: a value given by `=` is the whole value, and `a.test.js` behind it is the file for --runTestsByPath.
# Real:     "Could not resolve a module for a custom reporter", with the test file as its name; exit code 1, no test runs. Any other
#           option between the two ends the list, as --ci does.
#
# Output seen, 2026-11-30:
#   file after --reporters: exit 1, Module name: a.test.js
#   --ci between them: exit 0, Tests: 1 passed, 1 total
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
npm install --prefix . --silent --ignore-scripts --no-audit --no-fund jest@30.5.2 >/dev/null
echo '{ "private": true }' >package.json
echo "test('one', () => {});" >a.test.js
jest() {
    code=0 && out=$(node_modules/.bin/jest --runTestsByPath --reporters=default "$@" 2>&1) || code=$?
    echo "exit $code, $(grep -oE 'Module name: .*|Tests: .*' <<<"$out" | tr -s ' ')"
}
seen="file after --reporters: $(jest a.test.js)
--ci between them: $(jest --ci a.test.js)"
echo "$seen"
[ "$seen" = "file after --reporters: exit 1, Module name: a.test.js
--ci between them: exit 0, Tests: 1 passed, 1 total" ]
