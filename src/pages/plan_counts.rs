//! The counts of a plan, worst first, as words, as a bar and as filters.

use serde::Serialize;

use super::page_state::{NO_VERDICT, OPEN, RUNNING};
use crate::{
    report::{
        html::{Markup, proportions},
        view::Mark,
    },
    text::nonzero_counts,
};

/// How many executions of a plan are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct PlanCounts {
    pub(crate) total: u64,
    pub(crate) open: u64,
    pub(crate) reserved: u64,
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) could_not_run: u64,
    pub(crate) no_verdict: u64,
    pub(crate) passed: u64,
    pub(crate) skipped: u64,
}

impl PlanCounts {
    /// With their marks, worst first.
    pub(super) fn marked(&self) -> [(u64, Mark); 7] {
        [
            (self.failed, Mark::FAILED),
            (self.could_not_run, Mark::COULD_NOT_RUN),
            (self.no_verdict, NO_VERDICT),
            (self.passed, Mark::PASSED),
            (self.skipped, Mark::SKIPPED),
            (self.reserved, RUNNING),
            (self.open, OPEN),
        ]
    }

    /// `3 failed, 118 passed, 4 running`; `no tests` without any.
    pub(super) fn in_words(&self) -> String {
        let words = nonzero_counts(&self.marked().map(|(count, mark)| (count, mark.word)));
        if words.is_empty() {
            "no tests".to_owned()
        } else {
            words
        }
    }

    /// The counts as a bar.
    pub(super) fn bar(&self, page: &mut Markup) {
        proportions(page, self.marked(), self.total);
    }
}
