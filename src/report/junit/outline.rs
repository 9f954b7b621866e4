//! The number, counts and ids of the cases of an execution, before any of them is read.

use std::{borrow::Cow, ops::AddAssign};

use crate::{
    model::CaseCounts,
    report::{
        AttemptReport, Cases, EntryStatus, ReportEntry,
        cases::{CaseId, MAX_NAME},
        report_entry::EndedAttempt,
        sanitise::xml_line,
    },
};

use super::OWN_NAME;

/// The cases of an execution: those of its result files, then a case for the execution if these do not show its result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outline<'a> {
    pub(super) entry: &'a ReportEntry,
    /// The cases of the attempt that counts.
    pub(super) cases: Option<&'a Cases>,
    pub(super) has_own_case: bool,
    /// The place of its first case among the cases of all executions.
    pub(super) first: usize,
}

/// The counts that the root and the suites have as attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ElementCounts {
    pub(super) tests: usize,
    pub(super) skipped: usize,
    pub(super) errors: usize,
    pub(super) failures: usize,
}

impl AddAssign for ElementCounts {
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
        Self {
            entry,
            cases: entry.counted_cases(),
            has_own_case: !entry.cases_show_result(),
            first,
        }
    }

    /// The end of the attempt that counts, unless its result is missing.
    pub(super) fn counted_end(&self) -> Option<&'a EndedAttempt> {
        counted_end(self.entry)
    }

    /// How many cases it has: at least one.
    pub(super) fn len(&self) -> usize {
        self.cases.map_or(0, Cases::len) + usize::from(self.has_own_case)
    }

    pub(super) fn counts(&self) -> ElementCounts {
        let counts = self.cases.map_or_else(CaseCounts::default, Cases::counts);
        let own = |statuses: &[EntryStatus]| {
            usize::from(self.has_own_case && statuses.contains(&self.entry.status))
        };
        ElementCounts {
            tests: self.len(),
            skipped: number(counts.skipped) + own(&[EntryStatus::Skipped]),
            errors: number(counts.errors) + own(&[EntryStatus::CouldNotRun, EntryStatus::Missing]),
            failures: number(counts.failed) + own(&[EntryStatus::Failed]),
        }
    }

    /// The ids of its cases, in order.
    pub(super) fn ids(&self) -> impl Iterator<Item = CaseId> {
        let fallback = self.fallback_id();
        let own = self
            .has_own_case
            .then(|| CaseId::of(&own_classname(self.entry), &own_name(self.entry)));
        let cases = self.cases.map_or(&[][..], Cases::ids).iter();
        cases.map(move |id| id.or(fallback)).chain(own)
    }

    /// Replaces names that a result file leaves out.
    pub(super) fn fallback_id(&self) -> CaseId {
        let test = &self.entry.test;
        CaseId::of(&clean_or("", &test.suite), &clean_or("", &test.testcase))
    }
}

fn counted_end(entry: &ReportEntry) -> Option<&EndedAttempt> {
    entry
        .counted()
        .filter(|_| entry.status != EntryStatus::Missing)
        .and_then(AttemptReport::ended)
}

/// The labels of an execution, empty if it has none.
pub(super) fn labels(entry: &ReportEntry) -> String {
    let labels = entry.labels().filter(|labels| !labels.is_empty());
    labels.map(ToString::to_string).unwrap_or_default()
}

/// Class name of the case that stands for an execution.
pub(super) fn own_classname(entry: &ReportEntry) -> Cow<'_, str> {
    clean_or(&entry.test.suite, OWN_NAME)
}

/// Name of the case that stands for an execution.
pub(super) fn own_name(entry: &ReportEntry) -> Cow<'_, str> {
    clean_or(&entry.test.testcase, "unnamed")
}

/// The first of two names that is not blank, cleaned.
pub(super) fn clean_or<'a>(name: &'a str, fallback: &'a str) -> Cow<'a, str> {
    [name, fallback]
        .into_iter()
        .map(|name| xml_line(name, MAX_NAME))
        .find(|name| !name.trim().is_empty())
        .unwrap_or(Cow::Borrowed(OWN_NAME))
}

fn number(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
