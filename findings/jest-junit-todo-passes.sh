#!/usr/bin/env bash
# jest 30.5.2 with jest-junit 17.0.0: a test that is still to be written stands in the file as passed.
#
# Expected: <skipped>, as jest-junit writes for test.skip, and as vitest, Bun and mocha write for a todo.
# Real:     a case without a child, equal to one that ran and passed, and counted in no attribute; only the sum of jest's console says "1 todo".
#
# Output seen, 2026-11-29:
#   Tests:       1 todo, 1 total
#   tests="0" failures="0" skipped="0"; children of the case: none
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
npm install --prefix . --silent --ignore-scripts --no-audit --no-fund jest@30.5.2 jest-junit@17.0.0 >/dev/null
echo '{ "private": true }' >package.json
echo "test.todo('is to be written');" >a.test.js
JEST_JUNIT_OUTPUT_FILE=r.xml node_modules/.bin/jest --ci --reporters=default --reporters=jest-junit --runTestsByPath a.test.js >out.txt 2>&1
grep '^Tests:' out.txt
children=none
if grep -q '<skipped' r.xml; then children=skipped; fi
echo "$(grep -m 1 -oE 'tests="[0-9]+" failures="[0-9]+"' r.xml) $(grep -m 1 -oE 'skipped="[0-9]+"' r.xml); children of the case: $children"
grep -q '1 todo' out.txt && grep -q 'name="[^"]*is to be written"' r.xml && [ "$children" = none ]
