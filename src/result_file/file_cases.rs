//! The cases of one result file, bounded in number and in text.

use super::{
    CaseCollector, ResultFile,
    bounded_text::TextBudget,
    case_builder::{CaseBuilder, OUTSIDE, TroubleBuilder},
};
use crate::model::CaseResult;

#[derive(Debug, Default)]
pub(super) struct FileCases {
    collector: CaseCollector,
    budget: TextBudget,
}

impl FileCases {
    /// Adds a case; `suite` is its class name if it has none.
    pub(super) fn add(&mut self, case: CaseBuilder, suite: &str) {
        self.collector.push(case.finish(suite, &mut self.budget));
    }

    /// Adds a case for trouble outside any case: of a collection, a set-up, the tool itself.
    pub(super) fn add_outside(&mut self, trouble: TroubleBuilder, suite: &str) {
        let mut case = CaseBuilder::default();
        OUTSIDE.clone_into(&mut case.name);
        case.add_trouble(trouble);
        self.add(case, suite);
    }

    /// How many cases were added so far.
    pub(super) fn added(&self) -> u64 {
        self.collector.added()
    }

    /// Removes earlier tries of a case: those of its name among the first `before` cases.
    pub(super) fn take_earlier(&mut self, case: &CaseBuilder, before: u64) -> Vec<CaseResult> {
        self.collector
            .take_earlier(&case.classname, &case.name, before)
    }

    pub(super) fn into_file(self) -> ResultFile {
        self.collector.into_file()
    }
}
