//! Cases of result files and the test that was asked for become one verdict.
//!
//! Runs and uploads share these rules, all plain functions: [`combined_verdict`] turns many cases into one verdict, [`repeats`] decides
//! what several cases of one name are, [`requested_name`] recognises the requested test among the cases, and [`requested_test`] puts
//! them together for a process that ran one test.

pub mod combined_verdict;
pub mod repeats;
pub mod requested_name;
pub mod requested_test;

pub use combined_verdict::{CombinedVerdict, sum};
pub use repeats::Repeats;
pub use requested_test::{Attributed, Found, NameMatching, attribute, selected};
