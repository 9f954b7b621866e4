//! Result files of test tools, read as bounded streams into cases: what a tool said of each test.
//!
//! Lenient where tools differ, strict where a file could hide a failure.

mod input;
pub mod junit;
mod kept;
mod text;

pub use kept::Kept;
