//! Combines the verdicts of many cases into one.

use crate::model::{CaseResult, TestVerdict, outcome::CaseVerdict};

/// The verdict of several cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CombinedVerdict {
    /// Failed if any case failed or broke, skipped if all were skipped, else passed.
    pub verdict: TestVerdict,
    /// It passed, and a case failed before it passed.
    pub flaky: bool,
}

impl CombinedVerdict {
    /// The verdict of one case.
    pub(crate) fn of(verdict: &CaseVerdict) -> Self {
        let (verdict, flaky) = match verdict {
            CaseVerdict::Passed { flaky } => (TestVerdict::Passed, *flaky),
            CaseVerdict::Failed(_) | CaseVerdict::Error(_) => (TestVerdict::Failed, false),
            CaseVerdict::Skipped { .. } => (TestVerdict::Skipped, false),
        };
        Self { verdict, flaky }
    }

    /// Combines two verdicts.
    pub(crate) fn and(self, other: Self) -> Self {
        use TestVerdict::{Failed, Passed, Skipped};
        let verdict = match (self.verdict, other.verdict) {
            (Failed, _) | (_, Failed) => Failed,
            (Passed, _) | (_, Passed) => Passed,
            (Skipped, Skipped) => Skipped,
        };
        Self {
            verdict,
            flaky: verdict == Passed && (self.flaky || other.flaky),
        }
    }
}

/// The verdict of several cases; `None` if there is none.
pub(crate) fn combine<'a>(
    cases: impl IntoIterator<Item = &'a CaseResult>,
) -> Option<CombinedVerdict> {
    cases
        .into_iter()
        .map(|case| CombinedVerdict::of(&case.verdict))
        .reduce(CombinedVerdict::and)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Trouble;

    #[test]
    fn worst_case_decides_and_failure_is_never_flaky() {
        let passed = CaseVerdict::Passed { flaky: false };
        let flaky = CaseVerdict::Passed { flaky: true };
        let failed = CaseVerdict::Failed(Trouble::default());
        let skipped = CaseVerdict::Skipped {
            message: String::new(),
        };
        for (cases, verdict, is_flaky) in [
            (&[&skipped, &passed][..], TestVerdict::Passed, false),
            (&[&skipped, &skipped], TestVerdict::Skipped, false),
            (&[&flaky, &passed, &skipped], TestVerdict::Passed, true),
            (&[&passed, &flaky, &failed], TestVerdict::Failed, false),
        ] {
            let combined = cases
                .iter()
                .map(|it| CombinedVerdict::of(it))
                .reduce(CombinedVerdict::and)
                .unwrap();
            assert_eq!(
                (combined.verdict, combined.flaky),
                (verdict, is_flaky),
                "{cases:?}"
            );
        }
    }
}
