//! The sections of a report, in order of importance, each with its heading and meaning.

use crate::{
    report::{EntryStatus, PlanReport, ReportEntry},
    text::plural,
};

use super::mark::Mark;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SectionKind {
    Failed,
    CouldNotRun,
    Missing,
    /// Failed, and excused by a quarantine.
    Quarantined,
    Flaky,
    Recovered,
    /// Passed or skipped in an unusual way.
    Noted,
    Skipped,
    Passed,
}

impl SectionKind {
    /// The section of a surface that shows each execution once.
    pub(crate) fn of(entry: &ReportEntry) -> Self {
        match entry.status {
            EntryStatus::Failed if entry.ruling.is_excused => Self::Quarantined,
            EntryStatus::Failed => Self::Failed,
            EntryStatus::CouldNotRun => Self::CouldNotRun,
            EntryStatus::Missing => Self::Missing,
            _ if entry.flaky => Self::Flaky,
            _ if entry.recovered => Self::Recovered,
            _ if !entry.explanations.is_empty() => Self::Noted,
            EntryStatus::Skipped => Self::Skipped,
            EntryStatus::Passed => Self::Passed,
        }
    }

    /// How many tests of an execution in its section are of this kind.
    pub(crate) fn tests(self, entry: &ReportEntry) -> u64 {
        let tests = entry.tests();
        match self {
            Self::Failed => tests.failed,
            Self::CouldNotRun => tests.errors,
            Self::Missing => tests.missing,
            Self::Quarantined => tests.quarantined,
            Self::Flaky => tests.flaky,
            Self::Recovered => tests.recovered,
            Self::Noted => 1,
            Self::Skipped => tests.skipped,
            Self::Passed => tests.passed,
        }
    }

    /// Kind, mark, heading and meaning.
    const TABLE: [(Self, Mark, &'static str, &'static str); 9] = [
        (
            Self::Failed,
            Mark::FAILED,
            "Failed",
            "The test ran and reported a failure of the product.",
        ),
        (
            Self::CouldNotRun,
            Mark::COULD_NOT_RUN,
            "Could not run",
            "Not test failures: machine, command, licence or time limit prevented a result.",
        ),
        (
            Self::Missing,
            Mark::MISSING,
            "Missing",
            "Planned, but without a counted result: nothing is known about the product here.",
        ),
        (
            Self::Quarantined,
            Mark::QUARANTINED,
            "Quarantined",
            "Failed, and does not decide: the quarantine file excuses these failures.",
        ),
        (
            Self::Flaky,
            Mark::FLAKY,
            "Flaky",
            "Passed after the same test failed.",
        ),
        (
            Self::Recovered,
            Mark::RECOVERED,
            "Recovered",
            "A worker or lease was lost on the way; another attempt produced the result.",
        ),
        (
            Self::Noted,
            Mark::NOTED,
            "Unusual",
            "These have a result, but not in the usual way.",
        ),
        (Self::Skipped, Mark::SKIPPED, "Skipped", ""),
        (Self::Passed, Mark::PASSED, "Passed", ""),
    ];
}

/// The executions of one kind, and how many tests of this kind they stand for.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    pub(crate) kind: SectionKind,
    pub(crate) mark: Mark,
    pub(crate) heading: &'static str,
    /// What the heading means, for new readers.
    pub(crate) meaning: &'static str,
    /// In order of their numbers. A failed execution that was recovered before is in both sections.
    pub(crate) entries: Vec<&'a ReportEntry>,
    /// How many more executions belong here, without a name, or cancelled for one reason.
    pub(crate) unnamed: u64,
    pub(crate) unnamed_reason: String,
}

impl<'a> Section<'a> {
    /// Whether it has executions that a person should look at.
    pub(crate) fn is_notable(&self) -> bool {
        !matches!(self.kind, SectionKind::Skipped | SectionKind::Passed) && self.count() > 0
    }

    /// All tests, with or without a name.
    pub(crate) fn count(&self) -> u64 {
        let tests = self.entries.iter().map(|entry| self.kind.tests(entry));
        tests.sum::<u64>() + self.unnamed
    }

    /// The executions that are in no earlier section.
    pub(crate) fn primary(&self) -> impl Iterator<Item = &'a ReportEntry> {
        let entries = self.entries.iter().copied();
        entries.filter(|entry| SectionKind::of(entry) == self.kind)
    }

    /// `3 without a name: Test Center …`, `340 tests not run: cancelled by …`; `None` if all are in the list. Raw text.
    pub(crate) fn unnamed_sentence(&self) -> Option<String> {
        let (count, reason) = (self.unnamed, &self.unnamed_reason);
        let what = match self.kind {
            // Their names tell no more than the one reason of all of them.
            SectionKind::CouldNotRun => plural(&count, "test not run", "tests not run"),
            _ => "without a name",
        };
        (count > 0).then(|| format!("{count} {what}: {reason}"))
    }
}

/// All sections, empty ones among them.
pub(super) fn sections(report: &PlanReport) -> Vec<Section<'_>> {
    let counts = report.service_counts.as_ref();
    SectionKind::TABLE
        .into_iter()
        .map(|(kind, mark, heading, meaning)| {
            let belongs = |entry: &&ReportEntry| match kind {
                SectionKind::Flaky => entry.flaky,
                SectionKind::Recovered => entry.recovered,
                SectionKind::Passed => entry.tests().passed > 0,
                SectionKind::Skipped => entry.tests().skipped > 0,
                SectionKind::CouldNotRun => {
                    SectionKind::of(entry) == kind && entry.cancelled().is_none()
                }
                _ => SectionKind::of(entry) == kind,
            };
            Section {
                kind,
                mark,
                heading,
                meaning,
                entries: report.entries.iter().filter(belongs).collect(),
                unnamed: match kind {
                    SectionKind::Missing => report.unnamed_missing,
                    SectionKind::Failed => counts.map_or(0, |there| there.failed),
                    SectionKind::CouldNotRun => report.cancelled_tests(),
                    _ => 0,
                },
                unnamed_reason: match kind {
                    SectionKind::CouldNotRun => report.cancels().join("; "),
                    _ => report.unnamed_reason().to_owned(),
                },
            }
        })
        .collect()
}
