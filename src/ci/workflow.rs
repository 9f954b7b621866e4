//! What a GitHub Actions runner reads: command lines on stdout, and entries of the files that it names.
//!
//! Only text is made here; whoever calls prints and writes it. The text put in may be anybody's: a command's data and
//! properties cannot end the line or begin another property, and an entry's value cannot end the entry.

pub mod command;
pub mod env_file;

pub use command::{Annotation, Level};
