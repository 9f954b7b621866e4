//! A test becomes a command; its exit code and result files become an outcome.
//!
//! [`settings`] is what `testplan.yml` says, [`placeholders`] and [`command`] make the command line of one
//! execution, [`results`] finds what the test tool left and has it read, [`outcome`] decides what it all means;
//! [`squish`] knows all of that of squishrunner. Nothing here starts a process.

mod attachments;
pub mod command;
pub mod exit_codes;
pub mod outcome;
pub mod placeholders;
pub mod results;
pub mod settings;
pub mod squish;
mod tail;

pub use tail::tail;
