//! How one run of a test ended, for comparisons over time.

use serde::{Deserialize, Serialize};

use super::TestVerdict;

/// How one execution of a test stands.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RunEnd {
    /// It passed, and nothing else was seen.
    Passed,
    /// It passed after it failed: in the test tool, or on a later attempt of the same plan.
    Flaky,
    /// It failed.
    Failed,
    /// It was skipped.
    Skipped,
    /// It ended with an error instead of a verdict.
    CouldNotRun,
    /// It ended without a verdict and without an error.
    NoVerdict,
    /// It did not end yet.
    Open,
}

impl RunEnd {
    /// From the result of an ended execution: its verdict, whether it passed only after a failure, and whether it has an error.
    pub fn of(verdict: Option<TestVerdict>, after_failure: bool, has_error: bool) -> Self {
        match verdict {
            Some(TestVerdict::Passed) if after_failure => Self::Flaky,
            Some(TestVerdict::Passed) => Self::Passed,
            Some(TestVerdict::Failed) => Self::Failed,
            Some(TestVerdict::Skipped) => Self::Skipped,
            None if has_error => Self::CouldNotRun,
            None => Self::NoVerdict,
        }
    }

    /// Whether the test ran and passed.
    pub fn is_pass(self) -> bool {
        matches!(self, Self::Passed | Self::Flaky)
    }

    /// Whether it says something about the test: a pass or a failure.
    pub fn is_verdict(self) -> bool {
        self.is_pass() || self == Self::Failed
    }
}
