//! The verdicts of a test in each way, and what a difference means.

use super::way::Way;
use crate::{
    model::{Capabilities, Test},
    report::EntryStatus,
};

/// What a test came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
    Skipped,
    CouldNotRun,
}

impl Verdict {
    /// `None` if the test has no result.
    pub(crate) fn of(status: EntryStatus) -> Option<Self> {
        match status {
            EntryStatus::Passed => Some(Self::Passed),
            EntryStatus::Failed => Some(Self::Failed),
            EntryStatus::Skipped => Some(Self::Skipped),
            EntryStatus::CouldNotRun => Some(Self::CouldNotRun),
            EntryStatus::Missing => None,
        }
    }

    /// For people.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::CouldNotRun => "could not run",
        }
    }

    /// For programs; as in the JSON report.
    pub(crate) fn json_word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::CouldNotRun => "error",
        }
    }

    fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::CouldNotRun)
    }
}

/// A test and its verdicts; `None` where it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ComparedTest {
    pub(crate) test: Test,
    pub(crate) required: Capabilities,
    pub(crate) single: Verdict,
    pub(crate) batched: Option<Verdict>,
    pub(crate) shuffled: Option<Verdict>,
    /// Of a second process of its own, which it gets only if the others differ.
    pub(crate) alone: Option<Verdict>,
}

/// What a difference between verdicts means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Two processes of its own gave different verdicts.
    Flaky,
    FailsAlone,
    FailsAfterOthers,
    FailsInAnotherOrder,
    /// It does not fail, but is skipped in one way only.
    SkippedInOneWay,
}

impl ComparedTest {
    pub(crate) fn verdict(&self, way: Way) -> Option<Verdict> {
        match way {
            Way::Single => Some(self.single),
            Way::Batched => self.batched,
            Way::Shuffled => self.shuffled,
            Way::Alone => self.alone,
        }
    }

    /// Whether a way gave it another verdict than its own process.
    pub(crate) fn differs(&self) -> bool {
        let others = [self.batched, self.shuffled].into_iter().flatten();
        others.into_iter().any(|verdict| verdict != self.single)
    }

    /// What its verdicts mean, if they differ.
    pub(crate) fn difference(&self) -> Option<Difference> {
        if !self.differs() {
            return None;
        }
        let is_bad = |verdict: Option<Verdict>| verdict.is_some_and(Verdict::is_bad);
        Some(if self.alone.is_some_and(|again| again != self.single) {
            Difference::Flaky
        } else if self.single.is_bad() {
            Difference::FailsAlone
        } else if is_bad(self.batched) {
            Difference::FailsAfterOthers
        } else if is_bad(self.shuffled) {
            Difference::FailsInAnotherOrder
        } else {
            Difference::SkippedInOneWay
        })
    }

    /// Whether it has a verdict in each of the three ways.
    pub(crate) fn is_complete(&self) -> bool {
        self.batched.is_some() && self.shuffled.is_some()
    }

    /// Whether it fails or could not run, in every way.
    pub(crate) fn fails_always(&self) -> bool {
        self.single.is_bad() && !self.differs() && self.batched.is_some()
    }
}

impl Difference {
    /// The difference in a few words.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Flaky => "flaky",
            Self::FailsAlone => "fails alone",
            Self::FailsAfterOthers => "fails after others",
            Self::FailsInAnotherOrder => "fails in another order",
            Self::SkippedInOneWay => "is skipped in one way only",
        }
    }

    /// For programs.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Flaky => "flaky",
            Self::FailsAlone => "fails-alone",
            Self::FailsAfterOthers => "fails-after-others",
            Self::FailsInAnotherOrder => "fails-in-another-order",
            Self::SkippedInOneWay => "skipped-in-one-way",
        }
    }

    /// Why it matters.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Flaky => {
                "two processes of its own gave two verdicts, so batching is not the cause"
            }
            Self::FailsAlone => "it needs something that a test before it leaves behind",
            Self::FailsAfterOthers => {
                "a test before it in the same process leaves something behind that it does not expect"
            }
            Self::FailsInAnotherOrder => {
                "it passes in the order of the list only; another worker or a changed list can give it another order"
            }
            Self::SkippedInOneWay => "whether it runs depends on the tests before it",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict::*, *};

    fn compared(verdicts: [Option<Verdict>; 4]) -> ComparedTest {
        let [single, batched, shuffled, alone] = verdicts;
        ComparedTest {
            test: Test {
                suite: "s".to_owned(),
                testcase: "t".to_owned(),
            },
            required: Capabilities::default(),
            single: single.unwrap(),
            batched,
            shuffled,
            alone,
        }
    }

    #[test]
    fn difference_is_flaky_or_says_where_the_test_fails() {
        use Difference::*;
        let table = [
            ([Passed, Passed, Passed].map(Some), None, None),
            ([Failed, Failed, Failed].map(Some), None, None),
            (
                [Failed, Passed, Passed].map(Some),
                Some(Failed),
                Some(FailsAlone),
            ),
            (
                [Failed, Passed, Passed].map(Some),
                Some(Passed),
                Some(Flaky),
            ),
            (
                [Passed, Failed, Failed].map(Some),
                Some(Passed),
                Some(FailsAfterOthers),
            ),
            (
                [Passed, CouldNotRun, Passed].map(Some),
                Some(Passed),
                Some(FailsAfterOthers),
            ),
            (
                [Passed, Passed, Failed].map(Some),
                Some(Passed),
                Some(FailsInAnotherOrder),
            ),
            (
                [Passed, Passed, Failed].map(Some),
                Some(Failed),
                Some(Flaky),
            ),
            (
                [Skipped, Passed, Passed].map(Some),
                Some(Skipped),
                Some(SkippedInOneWay),
            ),
            // The last process did not come to its end.
            (
                [Passed, Failed, Passed].map(Some),
                None,
                Some(FailsAfterOthers),
            ),
            ([Some(Passed), None, None], None, None),
            (
                [Some(Passed), None, Some(Failed)],
                Some(Passed),
                Some(FailsInAnotherOrder),
            ),
        ];
        for ([single, batched, shuffled], alone, expected) in table {
            let test = compared([single, batched, shuffled, alone]);
            assert_eq!(test.difference(), expected, "{test:?}");
            assert_eq!(test.differs(), expected.is_some());
        }
    }

    #[test]
    fn test_that_fails_in_all_ways_agrees_with_itself() {
        let always = compared([Some(Failed), Some(Failed), Some(Failed), None]);
        assert!(always.fails_always());
        for other in [
            [Some(Failed), Some(Passed), Some(Failed), None],
            [Some(Passed), Some(Passed), Some(Passed), None],
            [Some(Failed), None, None, None],
        ] {
            assert!(!compared(other).fails_always(), "{other:?}");
        }
    }
}
