//! Cases of result files, as many as a record takes.

use crate::model::{CaseResult, outcome::CaseVerdict, record::MAX_CASES};

/// At most [`MAX_CASES`] cases in the order they came. When there are more, what matters least makes room: a skip for
/// a pass, a pass for a failure. So the verdict of those kept is the verdict of all.
#[derive(Debug, Default)]
pub struct Kept {
    cases: Vec<CaseResult>,
    /// How many are kept of each rank.
    ranks: [usize; 5],
}

impl Kept {
    /// Adds one.
    pub fn push(&mut self, case: CaseResult) {
        let rank = rank(&case);
        if self.cases.len() >= MAX_CASES && !self.evict_below(rank) {
            return;
        }
        self.ranks[rank] += 1;
        self.cases.push(case);
    }

    /// Those kept.
    pub fn into_cases(self) -> Vec<CaseResult> {
        self.cases
    }

    fn evict_below(&mut self, limit: usize) -> bool {
        let Some(lowest) = (0..limit).find(|lower| self.ranks[*lower] > 0) else {
            return false;
        };
        if let Some(at) = self.cases.iter().rposition(|case| rank(case) == lowest) {
            self.cases.remove(at);
            self.ranks[lowest] -= 1;
        }
        true
    }
}

fn rank(case: &CaseResult) -> usize {
    match case.verdict {
        CaseVerdict::Skipped { .. } => 0,
        CaseVerdict::Passed { flaky: false } => 1,
        CaseVerdict::Passed { flaky: true } => 2,
        CaseVerdict::Failed(_) => 3,
        CaseVerdict::Error(_) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::Trouble;

    fn case(name: String, verdict: CaseVerdict) -> CaseResult {
        CaseResult {
            classname: String::new(),
            name,
            verdict,
            duration_ms: None,
            file: None,
            line: None,
            output: String::new(),
            attachments: Vec::new(),
        }
    }

    #[test]
    fn a_failure_after_the_last_place_is_kept() {
        let mut kept = Kept::default();
        for index in 0..MAX_CASES {
            kept.push(case(
                format!("{index}"),
                CaseVerdict::Passed { flaky: false },
            ));
        }
        kept.push(case(
            "late skip".into(),
            CaseVerdict::Skipped {
                message: String::new(),
            },
        ));
        kept.push(case(
            "late failure".into(),
            CaseVerdict::Failed(Trouble::default()),
        ));
        let cases = kept.into_cases();
        assert_eq!(cases.len(), MAX_CASES);
        assert_eq!(cases[MAX_CASES - 1].name, "late failure");
        assert!(cases.iter().all(|case| case.name != "late skip"));
    }
}
