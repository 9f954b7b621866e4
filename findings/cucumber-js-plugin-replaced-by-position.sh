#!/usr/bin/env bash
# cucumber-js 13.3.0 (npm @cucumber/cucumber): `--plugin` on the command line takes the place of the first plugin of the profile.
#
# Expected: as with --format, --import, --name and paths, what the command line names comes in addition to the profile; or it
#           replaces the list as a whole.
# Real:     the lists are merged by position. With the profile's plugins `one` and `two`, `--plugin three` runs `three` and
#           `two`; `one` is not loaded, without a word.
#
# Output seen, 2026-11-30:
#   profile alone: one two
#   with --plugin three: three two
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
npm install --silent --ignore-scripts --no-audit --no-fund @cucumber/cucumber@13.3.0 >/dev/null
for name in one two three; do
    echo "export default { type: 'plugin', coordinator() { console.log('plugin $name'); } };" >"$name.mjs"
done
echo "module.exports = { default: { plugin: ['./one.mjs', './two.mjs'] } };" >cucumber.js
mkdir features && printf 'Feature: F\n  Scenario: empty\n' >features/a.feature
plugins() { node node_modules/@cucumber/cucumber/bin/cucumber.js "$@" | sed -n 's/^plugin //p' | paste -sd' '; }
alone=$(plugins) && echo "profile alone: $alone"
added=$(plugins --plugin ./three.mjs) && echo "with --plugin three: $added"
[[ $alone == "one two" && $added == "three two" ]]
