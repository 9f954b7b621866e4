#!/usr/bin/env bash
# bats-core 1.8.2 (npm; also in Debian 12): the process ends before its JUnit report is written. 1.13.0 waits.
#
# Expected: when `bats --report-formatter junit -o DIR` has ended, DIR/report.xml is complete.
# Real:     1.8.2 writes it in a background process that nothing waits for. At the end of bats the file is empty or cut, a
#           moment later it is whole. A runner that reads it at once, or that ends the process group of a command that
#           ended, gets a cut file and exit code 0.
#
# Output seen, 2026-11-29:
#   1.8.2: 13 of 20 cut at the end, 20 of 20 whole half a second later
#   1.13.0: 0 of 20 cut at the end, 20 of 20 whole half a second later
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
echo '@test "passes" { true; }' >a.bats
cut_files() {
    npm install --prefix "$1" --silent --ignore-scripts --no-audit --no-fund "bats@$1" >/dev/null
    local cut=0 whole=0
    for _ in $(seq 20); do
        rm -rf out && mkdir out
        "$1/node_modules/bats/bin/bats" --report-formatter junit -o out a.bats >/dev/null
        grep -q '</testsuites>' out/report.xml || cut=$((cut + 1))
        sleep 0.5
        ! grep -q '</testsuites>' out/report.xml || whole=$((whole + 1))
    done
    echo "$1: $cut of 20 cut at the end, $whole of 20 whole half a second later"
}
old=$(cut_files 1.8.2) && echo "$old"
new=$(cut_files 1.13.0) && echo "$new"
[[ $old != "1.8.2: 0 of 20 cut"* && $new == "1.13.0: 0 of 20 cut"* ]]
