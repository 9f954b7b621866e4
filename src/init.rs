//! Finds the test tools of a project, and writes a `testplan.yml` for them.
//!
//! [`find`] reads which files there are, and what some of them contain; it starts nothing. Whether the file is right is
//! proved by running it: [`proof`].

mod ci_file;
mod compiled_tools;
mod found_tool;
mod found_tools;
mod javascript_tools;
mod plan_text;
mod project_files;
mod proof;
mod python_tools;
mod script_tools;
mod setup_commands;

pub(crate) use ci_file::CiFile;
pub(crate) use found_tool::FoundTool;
pub(crate) use found_tools::{FoundTools, find};
pub(crate) use plan_text::{plan_text, title};
pub(crate) use proof::{ModeOutcome, prove};
