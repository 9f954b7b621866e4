//! Whether tests may share a process: the same tests one by one, in batches and in random order, and what their verdicts say.
//!
//! Decisions only: `cli/doctor/batch_check.rs` runs the tests.

pub(crate) mod batching_page;
pub(crate) mod file_selection;
pub(crate) mod random_order;
pub(crate) mod recommendation;
pub(crate) mod run_modes;
pub(crate) mod verdicts;
pub(crate) mod way;

use std::time::Duration;

use self::{
    recommendation::Recommendation,
    run_modes::RunModes,
    verdicts::{ComparedTest, Verdict},
    way::Way,
};
use crate::{exit_code::Conclusion, text::counted};

/// How the tests ran in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WayRun {
    pub(crate) way: Way,
    /// From the start of the first process to the end of the last.
    pub(crate) wall: Duration,
    /// Whether the time limit ended it.
    pub(crate) is_cut: bool,
    /// Tests that ran more than once because their first process gave no verdict.
    pub(crate) repeated: usize,
}

/// What was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckedSet {
    pub(crate) template: String,
    /// Tests of the template that this machine can run.
    pub(crate) listed: usize,
    /// Their files.
    pub(crate) listed_files: usize,
    /// Tests that need capabilities which are not offered.
    pub(crate) unfit: usize,
    /// Tests that were chosen.
    pub(crate) chosen: usize,
    /// Files of the compared tests.
    pub(crate) files: usize,
    pub(crate) time_limit: Duration,
    /// Of the random order.
    pub(crate) seed: u64,
}

/// The result of the comparison.
#[derive(Debug)]
pub(crate) struct BatchCheck {
    pub(crate) set: CheckedSet,
    pub(crate) modes: RunModes,
    /// One of each way, in the order of [`Way`].
    pub(crate) runs: [WayRun; 3],
    /// The tests with a verdict of their own process, in the order of the list.
    pub(crate) tests: Vec<ComparedTest>,
}

impl BatchCheck {
    /// 0 if all verdicts agree, 1 if some differ.
    pub(crate) fn conclusion(&self) -> Conclusion {
        if self.tests.iter().any(|test| test.difference().is_some()) {
            Conclusion::Failed
        } else {
            Conclusion::Passed
        }
    }

    pub(crate) fn recommendation(&self) -> Recommendation {
        let [single, batched, _] = &self.runs;
        recommendation::of(&self.tests, (single.wall, batched.wall))
    }

    /// How much less time the batches took; negative if they took more.
    pub(crate) fn saved_ms(&self) -> i64 {
        let ms = |at: usize| i64::try_from(self.runs[at].wall.as_millis()).unwrap_or(i64::MAX);
        ms(0) - ms(1)
    }

    /// The tests that have this verdict in a way.
    pub(crate) fn count(&self, way: Way, verdict: Verdict) -> usize {
        let tests = self.tests.iter();
        tests.filter(|it| it.verdict(way) == Some(verdict)).count()
    }

    /// The tests that a way gave no verdict.
    pub(crate) fn without_verdict(&self, way: Way) -> usize {
        let tests = self.tests.iter();
        tests.filter(|it| it.verdict(way).is_none()).count()
    }

    /// How many tests were compared, of how many.
    pub(crate) fn coverage(&self) -> String {
        let CheckedSet {
            listed,
            listed_files,
            files,
            ..
        } = self.set;
        let compared = self.tests.len();
        if compared == listed {
            let tests = counted(compared, "test");
            return format!("{tests} in {}", counted(files, "file"));
        }
        format!(
            "{compared} of {} in {files} of {}",
            counted(listed, "test"),
            counted(listed_files, "file")
        )
    }
}
