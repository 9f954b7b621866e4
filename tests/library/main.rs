//! Tests of the library in its own process: records, reports, result files, the client, the store.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::panic,
    reason = "tests set their stage themselves and fail where they cannot"
)]

#[cfg(unix)]
mod batch;
mod client;
mod config;
mod corpora;
mod engine;
#[cfg(unix)]
mod event_stream;
mod files;
#[expect(dead_code, reason = "the program's tests use the rest")]
#[path = "../support/http_server.rs"]
mod http_server;
#[path = "../support/pgbouncer.rs"]
mod pgbouncer;
#[cfg(unix)]
#[path = "../support/postgres_cluster.rs"]
mod postgres_cluster;
#[cfg(unix)]
mod preset;
#[cfg(unix)]
mod process;
mod report;
mod result_file;
mod runner;
#[path = "../support/runner_commands.rs"]
mod runner_commands;
#[expect(dead_code, reason = "the program's tests use the rest")]
#[path = "../support/s3_server.rs"]
mod s3_server;
mod sanitiser;
#[cfg(unix)]
mod signal;
#[path = "../support/skip.rs"]
mod skip;
mod store;
#[cfg(unix)]
mod warm;
mod work_item;
