//! From a test to a command, and from what it leaves behind to an outcome.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests set their stage themselves and fail where they cannot"
)]

#[path = "runner/command.rs"]
mod command;
#[path = "runner/outcome.rs"]
mod outcome;
#[path = "runner/results.rs"]
mod results;
