//! The action as GitHub's runner runs it: a runner of our own, written after the sources of the real one, and what it
//! finds.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests set their stage themselves and fail where they cannot"
)]

#[path = "github/mock.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod mock;
#[path = "support/runner_commands.rs"]
mod runner_commands;
#[path = "support/skip.rs"]
mod skip;
mod support;

mod action {
    mod cancelling;
    mod checkouts;
    mod events;
    mod hostile;
    mod inputs;
    mod played;
    mod runner;
    mod three_steps;
}
