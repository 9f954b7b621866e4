//! A mark for what a plan or a test is doing: word, symbol and colour, as in the report.

use serde::Serialize;

use crate::{
    api::execution_list::ExecutionResponse,
    model::{ExecutionState, TestVerdict},
    report::view::Mark,
};

/// Under a lease.
pub(super) const RUNNING: Mark = Mark {
    class: "running",
    symbol: "▶",
    word: "running",
};
/// Not begun.
pub(super) const OPEN: Mark = Mark {
    class: "open",
    symbol: "○",
    word: "open",
};
/// Done without a verdict.
pub(super) const NO_VERDICT: Mark = Mark {
    class: "missing",
    symbol: "?",
    word: "no verdict",
};

/// Where a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PlanState {
    /// It has no tests.
    Empty,
    /// Its planned time is still to come.
    Planned,
    /// Tests run.
    Running,
    /// Tests are open and none runs.
    Waiting,
    /// All tests ended: some because it was cancelled.
    Cancelled,
    /// All tests ended: some could not run.
    CouldNotRun,
    /// All tests ended: some failed.
    Failed,
    /// All tests ended: of some no verdict is known.
    NoVerdict,
    /// All tests ended without a failure.
    Passed,
}

impl PlanState {
    /// Its mark.
    pub(super) fn mark(self) -> Mark {
        let waiting = |word| Mark { word, ..OPEN };
        match self {
            Self::Empty => Mark {
                word: "empty",
                ..Mark::SKIPPED
            },
            Self::Planned => waiting("planned"),
            Self::Running => RUNNING,
            Self::Waiting => waiting("waiting"),
            Self::Cancelled => Mark {
                word: "cancelled",
                ..Mark::COULD_NOT_RUN
            },
            Self::CouldNotRun => Mark::COULD_NOT_RUN,
            Self::Failed => Mark::FAILED,
            Self::NoVerdict => NO_VERDICT,
            Self::Passed => Mark::PASSED,
        }
    }
}

/// The mark of an execution.
pub(super) fn of_execution(execution: &ExecutionResponse) -> Mark {
    match (execution.state, execution.verdict, &execution.error) {
        (ExecutionState::Open, ..) => OPEN,
        (ExecutionState::Reserved, ..) => RUNNING,
        (ExecutionState::Done, Some(TestVerdict::Passed), _) => Mark::PASSED,
        (ExecutionState::Done, Some(TestVerdict::Failed), _) => Mark::FAILED,
        (ExecutionState::Done, Some(TestVerdict::Skipped), _) => Mark::SKIPPED,
        (ExecutionState::Done, None, Some(_)) => Mark::COULD_NOT_RUN,
        (ExecutionState::Done, None, None) => NO_VERDICT,
    }
}
