#!/usr/bin/env bash
# doctest 2.4.9 (Debian 12, doctest-dev): `--list-test-cases=true` runs the tests. Only the option without a value lists them.
#
# Expected: a list, as GoogleTest prints for `--gtest_list_tests=true` and as doctest's own `--no-run=true` equals `--no-run`;
#           or an error.
# Real:     all tests run, with exit code 0 and no warning. `--count=true` does the same.
#
# Output seen, 2026-11-30:
#   doctest version is "2.4.9"
#   --list-test-cases: lists one, runs nothing, exit code 0
#   --list-test-cases=true: lists nothing, runs one, exit code 0
#   --dt-list-test-cases=true: lists nothing, runs one, exit code 0
#   --count=true: lists nothing, runs one, exit code 0
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
cat >t.cpp <<'CPP'
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <cstdio>
TEST_CASE("one") { std::puts("one ran"); }
CPP
g++ -o t t.cpp
./t --version | grep -o 'doctest version is.*'
call() {
    local code=0 lists=nothing runs=nothing
    ./t "$1" >out.txt 2>&1 || code=$?
    ! grep -qx one out.txt || lists=one
    ! grep -qx 'one ran' out.txt || runs=one
    echo "$1: lists $lists, runs $runs, exit code $code"
}
call --list-test-cases | tee seen.txt
for option in --list-test-cases=true --dt-list-test-cases=true --count=true; do call "$option" | tee -a seen.txt; done
diff - seen.txt <<'SEEN' || { echo "doctest behaves differently from the description above" >&2; exit 1; }
--list-test-cases: lists one, runs nothing, exit code 0
--list-test-cases=true: lists nothing, runs one, exit code 0
--dt-list-test-cases=true: lists nothing, runs one, exit code 0
--count=true: lists nothing, runs one, exit code 0
SEEN
