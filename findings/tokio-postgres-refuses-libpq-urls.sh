#!/usr/bin/env bash
# tokio-postgres 0.7.18: connection strings of libpq that verify the server are refused.
#
# Expected: `sslmode=verify-full` and `sslrootcert=FILE`, which hosted databases print in their URLs, and `gssencmode=disable`, which
#           many keep beside it, are read: the crate documents its string as that of libpq, and lists `sslmode`.
# Real:     `verify-ca` and `verify-full` are invalid values of `sslmode`, the other names are unknown options, and the whole string is
#           refused. `sslmode=require` is read, and says nothing of the server's name.
#
# Output seen, 2026-11-30:
#   sslmode=require                         ok
#   sslmode=verify-ca                       invalid value for option `sslmode`
#   sslmode=verify-full                     invalid value for option `sslmode`
#   sslrootcert=/etc/ca.pem                 unknown option `sslrootcert`
#   gssencmode=disable                      unknown option `gssencmode`
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "probe"
version = "0.1.0"
edition = "2021"
[dependencies]
tokio-postgres = { version = "=0.7.18", default-features = false }
TOML
cat >src/main.rs <<'RUST'
use std::error::Error as _;
fn main() {
    for parameter in std::env::args().skip(1) {
        let url = format!("postgres://ci@db.example/plans?{parameter}");
        let read = match url.parse::<tokio_postgres::Config>() {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.source().map_or_else(|| error.to_string(), |cause| cause.to_string()),
        };
        println!("{parameter:<39} {read}");
    }
}
RUST
cargo run --quiet -- sslmode=require sslmode=verify-ca sslmode=verify-full sslrootcert=/etc/ca.pem gssencmode=disable | tee seen
[ "$(grep -c ' ok$' seen)" = 1 ]
[ "$(grep -c 'invalid value for option `sslmode`$' seen)" = 2 ]
[ "$(grep -c 'unknown option' seen)" = 2 ]
