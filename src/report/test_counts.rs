//! How many tests have which status. An execution whose result files have several cases stands for as many tests; any other
//! stands for one.

use crate::model::CaseCounts;

use super::{EntryStatus, ReportEntry};

/// How many tests, or how many executions, have which status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The sum of the next six.
    pub total: u64,
    /// Flaky ones included.
    pub passed: u64,
    /// Those in quarantine that do not decide left out.
    pub failed: u64,
    /// Failed, and excused by a quarantine.
    pub quarantined: u64,
    pub skipped: u64,
    pub errors: u64,
    pub missing: u64,
    /// Passed after a failure.
    pub flaky: u64,
    /// Of these, executions that count as failed.
    pub flaky_failed: u64,
    /// Executions that passed, failed or were skipped after a lost attempt or one that could not run.
    pub recovered: u64,
}

impl Counts {
    pub(super) fn add(&mut self, other: Self) {
        self.total += other.total;
        self.passed += other.passed;
        self.failed += other.failed;
        self.quarantined += other.quarantined;
        self.flaky_failed += other.flaky_failed;
        self.skipped += other.skipped;
        self.errors += other.errors;
        self.missing += other.missing;
        self.flaky += other.flaky;
        self.recovered += other.recovered;
    }

    fn of_status(status: EntryStatus) -> Self {
        let mut counts = Self {
            total: 1,
            ..Self::default()
        };
        *(match status {
            EntryStatus::Passed => &mut counts.passed,
            EntryStatus::Failed => &mut counts.failed,
            EntryStatus::Skipped => &mut counts.skipped,
            EntryStatus::CouldNotRun => &mut counts.errors,
            EntryStatus::Missing => &mut counts.missing,
        }) = 1;
        counts
    }

    /// A case that broke is a test that failed: an error is an execution that could not run.
    fn of_cases(cases: CaseCounts) -> Self {
        Self {
            total: cases.total(),
            passed: cases.passed,
            failed: cases.failed.saturating_add(cases.errors),
            skipped: cases.skipped,
            flaky: cases.flaky,
            ..Self::default()
        }
    }
}

impl ReportEntry {
    /// Its tests. A result that its cases do not show counts as one test more.
    pub fn tests(&self) -> Counts {
        let cases = match self.counted().filter(|_| self.counted_cases().is_some()) {
            Some(attempt) => attempt.case_counts(),
            None => CaseCounts::default(),
        };
        let Some(cases) = cases.several() else {
            return self.execution();
        };
        let mut counts = Counts::of_cases(cases);
        if !self.cases_show_result() {
            counts.add(Counts::of_status(self.status));
        }
        self.ruled(Counts {
            flaky: counts.flaky.max(u64::from(self.flaky)),
            recovered: u64::from(self.recovered),
            ..counts
        })
    }

    /// With what was decided about failures.
    fn ruled(&self, counts: Counts) -> Counts {
        let flaky_failed = u64::from(self.ruling.flaky_fails);
        let (failed, quarantined) = if self.ruling.is_excused {
            (0, counts.failed)
        } else {
            (counts.failed, 0)
        };
        Counts {
            failed,
            quarantined,
            flaky_failed,
            ..counts
        }
    }

    /// How many tests it stands for, if not one: `5 tests`, `2 of 5 tests failed`, `5 tests, 1 skipped`.
    pub(super) fn tests_in_words(&self) -> Option<String> {
        let Counts {
            total,
            failed,
            quarantined,
            skipped,
            ..
        } = self.tests();
        let failed = failed + quarantined;
        match (total, failed, skipped) {
            (0 | 1, ..) => None,
            (_, 0, 0) => Some(format!("{total} tests")),
            (_, 0, _) => Some(format!("{total} tests, {skipped} skipped")),
            (..) => Some(format!("{failed} of {total} tests failed")),
        }
    }

    /// As one.
    pub(super) fn execution(&self) -> Counts {
        self.ruled(Counts {
            flaky: u64::from(self.flaky),
            recovered: u64::from(self.recovered),
            ..Counts::of_status(self.status)
        })
    }
}
