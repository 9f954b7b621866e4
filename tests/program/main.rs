//! Tests of the program from outside: the binary, the service, the action and its launcher.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests set their stage themselves and fail where they cannot"
)]

#[cfg(target_os = "linux")]
mod action;
mod agreement;
mod cli;
mod contract;
mod docs;
#[cfg(unix)]
mod faults;
mod github;
#[cfg(target_os = "linux")]
mod import;
mod launcher;
#[cfg(unix)]
mod moving;
#[cfg(unix)]
mod presets;
#[cfg(unix)]
mod quarantine;
#[cfg(unix)]
mod scenarios;
mod service;
#[cfg(unix)]
mod squish;
#[path = "../support/mod.rs"]
mod support;
#[cfg(unix)]
mod tool_sessions;
#[cfg(unix)]
mod warm_pytest;
