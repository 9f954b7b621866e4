//! A test becomes a command; its exit code and result files become an outcome.
//!
//! [`runner_settings`] is what `testplan.yml` says, [`placeholders`] and [`command_line`] make the command line of one
//! execution, [`results`] finds and reads the files of the test tool, [`decision`] combines them with the exit code;
//! [`squishrunner`] does the same for squishrunner, and `tool` chooses. Nothing here starts a process.

mod attachments;
pub mod batch_decision;
pub mod command_facts;
pub mod command_line;
pub mod decision;
pub mod exit_codes;
pub mod placeholders;
pub mod preset_settings;
pub mod process_end;
pub mod results;
pub mod runner_settings;
pub mod squishrunner;
pub(crate) mod stream_results;
mod tail;
mod tool;
pub mod warm_settings;

pub use tail::tail;
