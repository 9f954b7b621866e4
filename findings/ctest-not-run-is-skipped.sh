#!/usr/bin/env bash
# CTest 4.4.5 (3.25.1 does the same): a test whose program is missing failed for the exit code, and is skipped in the JUnit
# file.
#
# Expected: <failure> or <error>, and failures="1", as the summary says "1 tests failed".
# Real:     exit code 8, but failures="0" and <skipped message="Unable to find executable">: the same element that a test
#           gets that skips itself. Who reads the file alone sees nothing wrong.
#
# Output seen, 2026-11-29:
#   exit code 8; "0% tests passed, 1 tests failed out of 1"
#   failures="0" skipped="1"; <skipped message="Unable to find executable"/>
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
python3 -m venv venv
venv/bin/pip install -q cmake==4.4.5 ninja==1.13.2 2>/dev/null
export PATH=$work/venv/bin:$PATH
cat >CMakeLists.txt <<'X'
cmake_minimum_required(VERSION 3.21)
project(t NONE)
enable_testing()
add_test(NAME missing COMMAND no-such-program-anywhere)
X
cmake -G Ninja -S . -B build >/dev/null
code=0
ctest --test-dir build --output-junit r.xml >out.txt 2>&1 || code=$?
echo "exit code $code; \"$(grep -oE '[0-9]+% tests passed.*' out.txt)\""
echo "$(grep -oE 'failures="[0-9]+"' build/r.xml) $(grep -oE 'skipped="[0-9]+"' build/r.xml); $(grep -o '<skipped[^>]*>' build/r.xml)"
[ "$code" = 8 ] && grep -q 'failures="0"' build/r.xml && grep -q '<skipped message="Unable to find executable"' build/r.xml
