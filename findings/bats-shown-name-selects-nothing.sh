#!/usr/bin/env bash
# bats-core 1.13.0 (npm; 1.8.2 does the same): a name in single quotes loses its double quotes in the output, and the name
# that bats prints selects no test.
#
# Expected: the name as it stands between the single quotes, in TAP and in JUnit; `--filter` with the printed name runs the
#           test.
# Real:     bats evaluates every name as text in double quotes, whatever quotes the file has. It prints the result, and
#           `--filter` compares with the text before. `says "hello"` is printed as `says hello`; a filter for the printed
#           name runs nothing, with exit code 0.
#
# Output seen, 2026-11-30 (1.13.0 and 1.8.2):
#   TAP: ok 1 says hello
#   JUnit: name="says hello"
#   --filter '^says hello$': 1..0, exit code 0
#   --filter '^says "hello"$': 1..1, exit code 0
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
echo "@test 'says \"hello\"' { true; }" >a.bats
cat >expected.txt <<'SEEN'
TAP: ok 1 says hello
JUnit: name="says hello"
--filter '^says hello$': 1..0, exit code 0
--filter '^says "hello"$': 1..1, exit code 0
SEEN
for version in 1.13.0 1.8.2; do
    npm install --prefix "$version" --silent --ignore-scripts --no-audit --no-fund "bats@$version" >/dev/null
    bats=$version/node_modules/bats/bin/bats
    filter() {
        local code=0
        "$bats" --tap --filter "$1" a.bats >out.txt 2>&1 || code=$?
        echo "--filter '$1': $(grep -E '^1\.\.' out.txt), exit code $code"
    }
    {
        echo "TAP: $("$bats" --tap a.bats | grep '^ok')"
        echo "JUnit: $("$bats" --formatter junit a.bats | grep '<testcase' | grep -oE ' name="[^"]*"' | cut -c2-)"
        filter '^says hello$'
        filter '^says "hello"$'
    } >"$version.txt"
    echo "$version:" && cat "$version.txt"
    diff expected.txt "$version.txt" || { echo "bats $version behaves differently from the description above" >&2; exit 1; }
done
