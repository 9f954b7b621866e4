//! How many cases of result files said what, also those that no record has room for.

use serde::{Deserialize, Serialize};

use super::outcome::CaseVerdict;

/// Numbers of cases by what their files say of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CaseCounts {
    /// Passed, also the flaky ones.
    pub passed: u64,
    /// Failed.
    pub failed: u64,
    /// Broke.
    pub errors: u64,
    /// Not run.
    pub skipped: u64,
    /// Of the passed: those that failed before.
    pub flaky: u64,
}

impl CaseCounts {
    /// All of them.
    pub fn total(self) -> u64 {
        let counts = [self.passed, self.failed, self.errors, self.skipped];
        counts.into_iter().fold(0, u64::saturating_add)
    }

    /// Failed or broke.
    pub fn troubled(self) -> usize {
        usize::try_from(self.failed.saturating_add(self.errors)).unwrap_or(usize::MAX)
    }

    /// These, if an execution with these cases stands for several tests and not for one.
    pub fn several(self) -> Option<Self> {
        (self.total() > 1).then_some(self)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// Counts one case.
    pub fn add(&mut self, verdict: &CaseVerdict) {
        self.change(verdict, |count| count.saturating_add(1));
    }

    /// Takes one case out.
    pub fn remove(&mut self, verdict: &CaseVerdict) {
        self.change(verdict, |count| count.saturating_sub(1));
    }

    /// The sum of both.
    pub fn plus(self, other: Self) -> Self {
        self.combined(other, u64::saturating_add)
    }

    /// What is left of these without the others.
    pub fn minus(self, other: Self) -> Self {
        self.combined(other, u64::saturating_sub)
    }

    fn combined(self, other: Self, with: fn(u64, u64) -> u64) -> Self {
        Self {
            passed: with(self.passed, other.passed),
            failed: with(self.failed, other.failed),
            errors: with(self.errors, other.errors),
            skipped: with(self.skipped, other.skipped),
            flaky: with(self.flaky, other.flaky),
        }
    }

    fn change(&mut self, verdict: &CaseVerdict, with: fn(u64) -> u64) {
        let count = match verdict {
            CaseVerdict::Passed { .. } => &mut self.passed,
            CaseVerdict::Failed(_) => &mut self.failed,
            CaseVerdict::Error(_) => &mut self.errors,
            CaseVerdict::Skipped { .. } => &mut self.skipped,
        };
        *count = with(*count);
        if *verdict == (CaseVerdict::Passed { flaky: true }) {
            self.flaky = with(self.flaky);
        }
    }
}

impl<'a> FromIterator<&'a CaseVerdict> for CaseCounts {
    fn from_iter<I: IntoIterator<Item = &'a CaseVerdict>>(verdicts: I) -> Self {
        let mut counts = Self::default();
        for verdict in verdicts {
            counts.add(verdict);
        }
        counts
    }
}
