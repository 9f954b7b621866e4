#!/usr/bin/env bash
# vitest 5.1.2 (npm): a reporter that is given by its path is evaluated by Vite's module runner, and so is each CommonJS file that it
# imports: the file exists twice in one process.
#
# Expected: `import shared from './shared.cjs'` in a reporter is the module that `require('./shared.cjs')` of another CommonJS file
#           returns, as in Node, where both are one entry of the module cache.
# Real:     they are two objects. What one file sets in the shared module, the reporter does not see; with the built-in `createRequire`
#           in the reporter, all get the same one.
#
# Output seen, 2026-11-30:
#   imported: unset, required: set by helper
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
npm install --prefix . --silent --ignore-scripts --no-audit --no-fund vitest@5.1.2 >/dev/null
echo '{ "private": true }' >package.json
echo "module.exports = { value: 'unset' };" >shared.cjs
echo "require('./shared.cjs').value = 'set by helper'; module.exports = {};" >helper.cjs
cat >reporter.mjs <<'JS'
import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import './helper.cjs';
import imported from './shared.cjs';
const required = createRequire(import.meta.url)('./shared.cjs');
export default class {
  onTestRunEnd() { writeFileSync('seen', `imported: ${imported.value}, required: ${required.value}\n`); }
}
JS
echo "import { test } from 'vitest'; test('passes', () => {});" >a.test.mjs
node_modules/.bin/vitest run --reporter=./reporter.mjs >/dev/null 2>&1
cat seen
[ "$(cat seen)" = "imported: unset, required: set by helper" ]
