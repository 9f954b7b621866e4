//! From a test to a command, and from what it leaves behind to an outcome.

mod command;
mod outcome;
mod results;
