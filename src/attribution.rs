//! Turns the cases of result files and the requested tests into verdicts.
//!
//! Runs and uploads share these rules, all pure functions: `combined_verdict` combines many cases, `repeats` decides what
//! several cases with one name are, `requested_name` recognises a requested test among the cases by its words and
//! `case_pattern` by a pattern, `requested_test` decides for a process that ran one test, and `many_tests` for one that ran
//! many.

mod case_pattern;
mod combined_verdict;
mod many_tests;
mod outside_failure;
mod repeats;
mod requested_name;
mod requested_test;

pub use case_pattern::{CasePattern, CasePatternError};
pub use combined_verdict::CombinedVerdict;
pub use many_tests::{CalledTest, ManyTests, TestCases, attribute_many};
pub(crate) use many_tests::{NamedCases, keep_named};
pub use repeats::Repeats;
pub(crate) use requested_test::{Attribution, attribute, without_unselected};
pub use requested_test::{NameMatching, NotRun};
