//! How an execution ended, as the report counts it.

use crate::model::{Outcome, TestVerdict};

/// Where an execution stands in the end. The order is that of how much it spoils a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryStatus {
    /// Its counted result is a pass.
    Passed,
    /// Its counted result is a skip.
    Skipped,
    /// Its counted result is a failure: a result about the product.
    Failed,
    /// It could not run, and that is what counts.
    CouldNotRun,
    /// It has no counted result.
    Missing,
}

impl EntryStatus {
    /// The status that an outcome has if it counts; [`EntryStatus::Missing`] where it says nothing of the test.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Completed {
                result: Some(result),
            } => match result.verdict {
                TestVerdict::Passed => Self::Passed,
                TestVerdict::Failed => Self::Failed,
                TestVerdict::Skipped => Self::Skipped,
            },
            Outcome::ExecutionError { .. } => Self::CouldNotRun,
            Outcome::Completed { result: None } | Outcome::LeaseLost | Outcome::Cancelled => {
                Self::Missing
            }
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::CouldNotRun => "error",
            Self::Missing => "missing",
        }
    }

    /// Whether the service reopens an execution that stands so when it is reset.
    pub fn can_be_reset(self) -> bool {
        match self {
            Self::Failed | Self::CouldNotRun => true,
            Self::Passed | Self::Skipped | Self::Missing => false,
        }
    }
}
