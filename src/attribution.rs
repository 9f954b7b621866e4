//! Cases of result files and the test that was asked for become one verdict.
//!
//! Runs and uploads share these rules, all plain functions: [`mod@sum`] turns many cases into one verdict, [`repeats`] decides
//! what several cases of one name are, [`naming`] recognises the requested test among the cases, and [`requested`] puts
//! them together for a process that ran one test.

pub mod naming;
pub mod repeats;
pub mod requested;
pub mod sum;

pub use repeats::Repeats;
pub use requested::{Attributed, Found, Names, attribute, selected};
pub use sum::{Sum, sum};
