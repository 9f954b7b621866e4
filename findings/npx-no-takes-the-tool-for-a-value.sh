#!/usr/bin/env bash
# npx of npm 11.19.1: in `npx --no TOOL --option`, TOOL is taken for the value of `--no`, and npm keeps the options that follow.
#
# Expected: `npx --no jest --listTests` passes `--listTests` to jest, as `npx jest --listTests` does: npm's documentation has `--no` as the
#           opposite of `--yes`, which takes no value.
# Real:     npm warns of an unknown configuration and starts jest without any option, so that a command that was to list tests runs
#           them all. `npx --no -- jest --listTests` and `npx --no-install jest --listTests` pass it on.
#
# Output seen, 2026-11-30:
#   npx jest                 lists
#   npx --no jest            runs
#   npx --no -- jest         lists
#   npx --no-install jest    lists
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
npm install --prefix . --silent --ignore-scripts --no-audit --no-fund jest@30.5.2 npm@11.19.1 >/dev/null
npx() { node node_modules/npm/bin/npx-cli.js "$@"; }
echo "test('passes', () => require('node:fs').writeFileSync('ran', ''));" >a.test.js
for words in "jest" "--no jest" "--no -- jest" "--no-install jest"; do
    rm -f ran
    # Each word is an argument.
    # shellcheck disable=SC2086
    npx $words --listTests >/dev/null 2>&1
    printf 'npx %-20s %s\n' "$words" "$([ -e ran ] && echo runs || echo lists)"
done | tee seen
[ "$(awk '{ print $NF }' seen | xargs)" = "lists runs lists lists" ]
