//! A test becomes a command; its exit code and result files become an outcome.
//!
//! [`settings`] is what `testplan.yml` says, [`placeholders`] and [`command`] make the command line of one
//! execution, [`results`] finds and reads what the test tool left ([`junit_file`]), [`outcome`] decides what it all
//! means. Nothing here starts a process.

pub mod command;
pub mod junit_file;
pub mod outcome;
pub mod placeholders;
pub mod results;
pub mod settings;
mod tail;

pub use tail::tail;
