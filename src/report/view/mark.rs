//! A word, a symbol and a CSS class for each result and each end of an attempt: no colour is the only sign.

use crate::{
    model::{Outcome, record::Confirmation},
    report::{AttemptEnd, AttemptReport, Counts, EntryStatus},
    text::nonzero_counts,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// CSS class, and the word of the page's filters.
    pub(crate) class: &'static str,
    /// Hidden from screen readers.
    pub(crate) symbol: &'static str,
    /// Always shown with the symbol.
    pub(crate) word: &'static str,
}

const fn mark(class: &'static str, symbol: &'static str, word: &'static str) -> Mark {
    Mark {
        class,
        symbol,
        word,
    }
}

impl Mark {
    pub(crate) const FAILED: Self = mark("failed", "✗", "failed");
    pub(crate) const COULD_NOT_RUN: Self = mark("error", "!", "could not run");
    pub(crate) const MISSING: Self = mark("missing", "?", "missing");
    pub(crate) const QUARANTINED: Self = mark("quarantined", "⊘", "quarantined");
    pub(crate) const FLAKY_FAILED: Self = mark("flaky", "≈", "flaky counted as failed");
    pub(crate) const FLAKY: Self = mark("flaky", "≈", "flaky");
    pub(crate) const RECOVERED: Self = mark("recovered", "↻", "recovered");
    pub(crate) const NOTED: Self = mark("noted", "·", "noted");
    pub(crate) const SKIPPED: Self = mark("skipped", "–", "skipped");
    pub(crate) const PASSED: Self = mark("passed", "✓", "passed");
    pub(crate) const LOST: Self = mark("lost", "✂", "lost");
    pub(crate) const GIVEN_BACK: Self = mark("back", "↩", "given back");

    pub(crate) fn of_status(status: EntryStatus) -> Self {
        match status {
            EntryStatus::Passed => Self::PASSED,
            EntryStatus::Skipped => Self::SKIPPED,
            EntryStatus::Failed => Self::FAILED,
            EntryStatus::CouldNotRun => Self::COULD_NOT_RUN,
            EntryStatus::Missing => Self::MISSING,
        }
    }

    /// The end of an attempt, whatever the status of its execution.
    pub(crate) fn of_attempt(attempt: &AttemptReport) -> Self {
        match &attempt.end {
            AttemptEnd::Killed => Self::LOST.called("worker killed"),
            AttemptEnd::Unsaid => Self::LOST.called("worker left"),
            AttemptEnd::GivenBack { .. } => Self::GIVEN_BACK,
            AttemptEnd::Ended(ended) => match (&ended.outcome, &attempt.confirmation) {
                (Outcome::LeaseLost, _) => Self::LOST.called("lease lost"),
                (Outcome::Cancelled, _) => Self::GIVEN_BACK.called("cancelled"),
                (_, Some(Confirmation::NotCounted { .. })) => Self::LOST.called("late"),
                (Outcome::Completed { result: None }, _) => Self::MISSING.called("no verdict"),
                (outcome, _) => Self::of_status(EntryStatus::of(outcome)),
            },
        }
    }

    fn called(self, word: &'static str) -> Self {
        Self { word, ..self }
    }
}

impl Counts {
    /// With their marks, in the order of every surface.
    pub(crate) fn marked(&self) -> [(u64, Mark); 9] {
        [
            (self.failed, Mark::FAILED),
            (self.errors, Mark::COULD_NOT_RUN),
            (self.missing, Mark::MISSING),
            (self.quarantined, Mark::QUARANTINED),
            (self.flaky_failed, Mark::FLAKY_FAILED),
            (self.flaky.saturating_sub(self.flaky_failed), Mark::FLAKY),
            (self.recovered, Mark::RECOVERED),
            (self.passed, Mark::PASSED),
            (self.skipped, Mark::SKIPPED),
        ]
    }

    /// `3 failed, 2 flaky, 118 passed`; empty if all are zero.
    pub(crate) fn in_words(&self) -> String {
        nonzero_counts(&self.marked().map(|(count, mark)| (count, mark.word)))
    }
}
