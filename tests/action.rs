//! The action as GitHub's runner runs it.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests set their stage themselves and fail where they cannot"
)]

#[path = "support/runner_commands.rs"]
mod runner_commands;
