//! A test becomes a command; its exit code and result files become an outcome.

pub mod settings;
