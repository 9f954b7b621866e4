//! Counts of the tests that this process ran.

use crate::model::{CaseCounts, Outcome, TestVerdict};

/// How many tests of this process's workers ended, and how. An execution with several cases stands for as many tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunTally {
    /// Counted results that passed, or came without a verdict.
    pub passed: u64,
    /// Counted results that were skipped.
    pub skipped: u64,
    /// Counted results that failed.
    pub failed: u64,
    /// Counted executions that could not run.
    pub errors: u64,
    /// Attempts whose results were not uploaded.
    pub not_uploaded: u64,
    /// Attempts whose lease was lost or whose result was not counted or not delivered.
    pub lost: u64,
}

impl RunTally {
    pub(super) fn count(&mut self, outcome: &Outcome, cases: CaseCounts) {
        let cases = cases.several();
        if let Some(cases) = cases {
            self.passed += cases.passed;
            self.skipped += cases.skipped;
            self.failed += cases.failed + cases.errors;
        }
        match outcome {
            Outcome::Completed {
                result: Some(result),
            } => match result.verdict {
                TestVerdict::Passed | TestVerdict::Skipped if cases.is_some() => {}
                TestVerdict::Failed if cases.is_some_and(|it| it.troubled() > 0) => {}
                TestVerdict::Passed => self.passed += 1,
                TestVerdict::Failed => self.failed += 1,
                TestVerdict::Skipped => self.skipped += 1,
            },
            Outcome::Completed { result: None } if cases.is_some() => {}
            Outcome::Completed { result: None } => self.passed += 1,
            Outcome::ExecutionError { .. } => self.errors += 1,
            Outcome::LeaseLost | Outcome::Cancelled => self.lost += 1,
        }
    }
}
