#!/usr/bin/env bash
# jest 30.5.2 (npm): an error in `afterAll` fails no test, and what a reporter gets of it has an empty message.
#
# Expected: `testExecError.message` says what was thrown, as it does for a file that cannot be loaded.
# Real:     it is ''; the text is in `testExecError.stack` and in the formatted `failureMessage`. Exit code 1, but all tests of the
#           file are `passed` and numFailedTests is 0: who reads the results of the tests, or the message, finds no reason.
#
# Output seen, 2026-11-29:
#   load: exit 1, message 'cannot load', in the stack: true, tests: , numFailedTests 0
#   hook: exit 1, message '', in the stack: true, tests: passed, numFailedTests 0
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
npm install --prefix . --silent --ignore-scripts --no-audit --no-fund jest@30.5.2 >/dev/null
echo '{ "private": true }' >package.json
cat >hook.test.js <<'JS'
afterAll(() => { throw new Error('cannot clean'); });
test('one', () => {});
JS
echo "throw new Error('cannot load');" >load.test.js
cat >reporter.js <<'JS'
module.exports = class {
    onTestResult(test, { testExecError: error, testResults }) {
        const inStack = error.stack.startsWith('Error: cannot');
        console.log(`message '${error.message}', in the stack: ${inStack}, tests: ${testResults.map(t => t.status)}`);
    }
    onRunComplete(contexts, all) { console.log(`numFailedTests ${all.numFailedTests}`); }
};
JS
seen=
for file in load hook; do
    code=0 && out=$(node_modules/.bin/jest --ci --reporters=./reporter.js --runTestsByPath "$file.test.js" 2>/dev/null) || code=$?
    seen+="$file: exit $code, ${out//$'\n'/, }
"
done
printf %s "$seen"
[ "$seen" = "load: exit 1, message 'cannot load', in the stack: true, tests: , numFailedTests 0
hook: exit 1, message '', in the stack: true, tests: passed, numFailedTests 0
" ]
