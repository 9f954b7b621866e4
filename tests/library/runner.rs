//! From a test to a command, and from what it leaves behind to an outcome.

mod command_line;
mod decision;
mod results;
