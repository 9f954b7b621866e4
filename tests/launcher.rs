//! The action's launcher: the real scripts of `dist` under Node 24, with small scripts in the place of the binary, of
//! cargo and of the release's host.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests set their stage themselves and fail where they cannot"
)]

#[path = "launcher/fresh.rs"]
mod fresh;
#[path = "launcher/node.rs"]
mod node;
#[path = "support/skip.rs"]
mod skip;

// What is started here are shell scripts, and what is sent are signals.
#[cfg(unix)]
mod launcher {
    mod build;
    mod cancel;
    mod download;
    mod host;
    mod post;
    mod resolve;
    mod run;
    mod stage;
}
#[cfg(unix)]
#[path = "support/until.rs"]
mod until;
