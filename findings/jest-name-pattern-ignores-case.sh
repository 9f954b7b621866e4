#!/usr/bin/env bash
# jest 30.5.2 (npm): `--testNamePattern` ignores upper and lower case, and no option says otherwise.
#
# Expected: a pattern anchored at both ends, `^c1$`, selects the test `c1` alone, as the same regular expression does in JavaScript.
# Real:     it also runs `C1`. Whoever runs one test by its exact name gets others, and a failure of theirs decides the exit code.
#
# Output seen, 2026-11-29:
#   exit 1: ran c1 C1
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
npm install --prefix . --silent --ignore-scripts --no-audit --no-fund jest@30.5.2 >/dev/null
echo '{ "private": true }' >package.json
cat >a.test.js <<'JS'
const { appendFileSync } = require('node:fs');
test('c1', () => appendFileSync('ran', ' c1'));
test('C1', () => { appendFileSync('ran', ' C1'); throw new Error('not asked for'); });
JS
code=0 && node_modules/.bin/jest --ci '--testNamePattern=^c1$' >/dev/null 2>&1 || code=$?
seen="exit $code: ran$(cat ran)" && echo "$seen"
[ "$seen" = "exit 1: ran c1 C1" ]
