//! The action's launcher: the real scripts of `dist` under Node 24, with small scripts in the place of the binary, of
//! cargo and of the release's host.

mod fresh;
mod node;

// What is started here are shell scripts, and what is sent are signals.
#[cfg(unix)]
mod build;
#[cfg(unix)]
mod cancel;
#[cfg(unix)]
mod checkout;
#[cfg(unix)]
mod download;
#[cfg(unix)]
mod post;
#[cfg(unix)]
mod resolve;
#[cfg(unix)]
mod run;
