//! What an execution will look like in the file, before any of its cases is read.

use std::ops::AddAssign;

use crate::{
    model::CaseCounts,
    report::{AttemptReport, Cases, EntryStatus, ReportEntry, cases::CaseId},
};

use super::draft;

/// The cases of an execution: those of its result files, then one of our own if these do not show how it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outline<'a> {
    pub(super) entry: &'a ReportEntry,
    /// The cases of the attempt that counts.
    pub(super) cases: Option<&'a Cases>,
    /// Whether the execution has a case of its own.
    pub(super) own: bool,
    /// The place of its first case among those of all executions.
    pub(super) first: usize,
}

/// How many cases there are, and of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) tests: usize,
    pub(super) skipped: usize,
    pub(super) errors: usize,
    pub(super) failures: usize,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.tests += other.tests;
        self.skipped += other.skipped;
        self.errors += other.errors;
        self.failures += other.failures;
    }
}

/// The outlines of all executions, in order.
pub(super) fn outlines(entries: &[ReportEntry]) -> Vec<Outline<'_>> {
    let mut first = 0;
    entries
        .iter()
        .map(|entry| {
            let outline = Outline::new(entry, first);
            first += outline.len();
            outline
        })
        .collect()
}

impl<'a> Outline<'a> {
    fn new(entry: &'a ReportEntry, first: usize) -> Self {
        let cases = entry
            .counted()
            .filter(|_| entry.status != EntryStatus::Missing)
            .and_then(AttemptReport::ended)
            .map(|ended| &ended.cases)
            .filter(|cases| !cases.is_empty());
        let counts = cases.map_or_else(CaseCounts::default, Cases::counts);
        let shown = match entry.status {
            EntryStatus::CouldNotRun | EntryStatus::Missing => false,
            EntryStatus::Failed => counts.troubled() > 0,
            EntryStatus::Passed | EntryStatus::Skipped => cases.is_some(),
        };
        Self {
            entry,
            cases,
            own: !shown,
            first,
        }
    }

    /// How many cases it has: at least one.
    pub(super) fn len(&self) -> usize {
        self.cases.map_or(0, Cases::len) + usize::from(self.own)
    }

    pub(super) fn tally(&self) -> Tally {
        let counts = self.cases.map_or_else(CaseCounts::default, Cases::counts);
        let own = |standings: &[EntryStatus]| {
            usize::from(self.own && standings.contains(&self.entry.status))
        };
        Tally {
            tests: self.len(),
            skipped: number(counts.skipped) + own(&[EntryStatus::Skipped]),
            errors: number(counts.errors) + own(&[EntryStatus::CouldNotRun, EntryStatus::Missing]),
            failures: number(counts.failed) + own(&[EntryStatus::Failed]),
        }
    }

    /// What tells its cases from each other, in order.
    pub(super) fn ids(&self) -> impl Iterator<Item = CaseId> {
        let otherwise = self.otherwise();
        let own = self.own.then(|| {
            CaseId::of(
                &draft::own_classname(self.entry),
                &draft::own_name(self.entry),
            )
        });
        let cases = self.cases.map_or(&[][..], Cases::ids).iter();
        cases.map(move |id| id.or(otherwise)).chain(own)
    }

    /// What stands for names that a result file leaves out.
    pub(super) fn otherwise(&self) -> CaseId {
        let test = &self.entry.test;
        CaseId::of(&draft::or("", &test.suite), &draft::or("", &test.testcase))
    }
}

fn number(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
