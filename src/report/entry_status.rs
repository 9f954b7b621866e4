//! How an execution ended, as the report counts it.

use crate::model::{Outcome, TestVerdict};

/// The status of an execution, from best to worst for the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryStatus {
    Passed,
    Skipped,
    /// A failure of the product.
    Failed,
    /// Its counted outcome is that it could not run.
    CouldNotRun,
    /// It has no counted result.
    Missing,
}

impl EntryStatus {
    /// The status of an execution whose counted outcome this is; [`EntryStatus::Missing`] without a result.
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

    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::CouldNotRun => "error",
            Self::Missing => "missing",
        }
    }

    /// Whether a reset reopens such an execution.
    pub fn can_be_reset(self) -> bool {
        match self {
            Self::Failed | Self::CouldNotRun => true,
            Self::Passed | Self::Skipped | Self::Missing => false,
        }
    }
}
