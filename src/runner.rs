//! A test becomes a command; its exit code and result files become an outcome.
//!
//! [`runner_settings`] is what `testplan.yml` says, [`placeholders`] and [`command_line`] make the command line of one
//! execution, [`results`] finds what the test tool left and has it read, [`decision`] decides what it all means;
//! [`squishrunner`] knows all of that of squishrunner, and [`tool`] picks between them. Nothing here starts a process.

mod attachments;
pub mod command_line;
pub mod decision;
pub mod execution_facts;
pub mod exit_codes;
pub mod placeholders;
pub mod process_end;
pub mod results;
pub mod runner_settings;
pub mod squishrunner;
mod tail;
mod tool;

pub use tail::tail;
