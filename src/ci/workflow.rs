//! Texts for a runner of GitHub Actions: command lines on stdout, and entries of the files that it names.
//!
//! The caller prints and writes them. The values may be foreign text: they cannot end the line, begin another property or end
//! an entry.

pub mod command;
pub mod env_file;
