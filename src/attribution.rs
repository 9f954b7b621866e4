//! Turns the cases of result files and the requested test into one verdict.
//!
//! Runs and uploads share these rules, all pure functions: `combined_verdict` combines many cases, `repeats` decides what
//! several cases with one name are, `requested_name` recognises the requested test among the cases, and
//! `requested_test` decides for a process that ran one test.

mod combined_verdict;
mod repeats;
mod requested_name;
mod requested_test;

pub(crate) use combined_verdict::CombinedVerdict;
pub use repeats::Repeats;
pub use requested_test::NameMatching;
pub(crate) use requested_test::{Attribution, NotRun, attribute, without_unselected};
