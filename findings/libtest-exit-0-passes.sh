#!/usr/bin/env bash
# cargo test of Rust 1.95.0: a test that calls `process::exit(0)` hides the failures before it and the tests after it.
#
# Expected: an exit code other than 0, as a test has failed and the program of the tests did not come to its end.
# Real:     exit code 0. Neither cargo nor libtest reports a failure, and there is no line `test result:`. `--logfile` names the
#           tests that ended before.
#
# Output seen, 2026-11-30:
#   exit code 0
#   lines `test result:` 0
#   log: failed a_fails
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
export CARGO_TARGET_DIR=$work/target
mkdir src tests
printf '[package]\nname = "p"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >Cargo.toml
touch src/lib.rs
cat >tests/t.rs <<'RS'
#[test]
fn a_fails() {
    panic!("boom");
}
#[test]
fn b_exits() {
    std::process::exit(0);
}
#[test]
fn c_fails() {
    panic!("boom");
}
RS
code=0
cargo test --quiet --offline --test t -- --test-threads=1 --logfile "$work/log" >out.txt 2>&1 || code=$?
{
    echo "exit code $code"
    echo "lines \`test result:\` $(grep -c '^test result:' out.txt || true)"
    echo "log: $(cat log)"
} | tee seen.txt
diff - seen.txt <<'SEEN' || { echo "cargo test behaves differently from the description above" >&2; exit 1; }
exit code 0
lines `test result:` 0
log: failed a_fails
SEEN
