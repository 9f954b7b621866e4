//! Several cases with one name: tries of one test, or tests that share a name.

use std::collections::HashMap;

use crate::model::{CaseResult, outcome::CaseVerdict};

/// What several cases with one name are. pytest-rerunfailures and gotestsum write each try; in Robot Framework and `RSpec`
/// tests can share a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeats {
    /// Each counts, so the worst decides.
    #[default]
    Unknown,
    /// Tries of one test, in order: the last counts, and a pass after other tries is flaky.
    Attempts,
    /// Tests that share a name: each counts.
    Duplicates,
}

impl Repeats {
    /// Merges tries of one test: the last one takes the place of the first, and its output begins with the results of the
    /// others.
    pub(crate) fn merge_attempts(self, cases: Vec<CaseResult>) -> Vec<CaseResult> {
        if self != Self::Attempts {
            return cases;
        }
        let mut places: HashMap<(String, String, Option<String>), usize> = HashMap::new();
        let mut merged: Vec<(CaseResult, Vec<CaseVerdict>)> = Vec::new();
        for case in cases {
            let name = (case.classname.clone(), case.name.clone(), case.file.clone());
            match places.get(&name) {
                None => {
                    places.insert(name, merged.len());
                    merged.push((case, Vec::new()));
                }
                Some(place) => {
                    let (last, earlier) = &mut merged[*place];
                    let before = std::mem::replace(last, case);
                    earlier.push(before.verdict);
                }
            }
        }
        merged
            .into_iter()
            .map(|(last, earlier)| with_earlier(last, &earlier))
            .collect()
    }

    /// A hint if a name has both a pass and a failure: only the user knows whether they are tries of one test.
    pub(crate) fn hint(self, cases: &[CaseResult]) -> Option<String> {
        if self != Self::Unknown {
            return None;
        }
        let mut seen: HashMap<(&str, &str, Option<&str>), (bool, bool)> = HashMap::new();
        for case in cases {
            let name = (
                case.classname.as_str(),
                case.name.as_str(),
                case.file.as_deref(),
            );
            let (passed, failed) = seen.entry(name).or_default();
            *passed |= matches!(case.verdict, CaseVerdict::Passed { .. });
            *failed |= case.verdict.is_failure();
            if *passed && *failed {
                return Some(format!(
                    "the result file has several cases named {:?}, one passed and one failed: the failure counts; if they \
                     are tries of one test, add `repeats: attempts` to runner.results in testplan.yml",
                    case.name
                ));
            }
        }
        None
    }
}

/// The last try, with the results of the earlier ones in its output.
fn with_earlier(mut last: CaseResult, earlier: &[CaseVerdict]) -> CaseResult {
    if earlier.is_empty() {
        return last;
    }
    if let CaseVerdict::Passed { flaky } = &mut last.verdict {
        *flaky = true;
    }
    let mut results = String::new();
    for (number, verdict) in (1..).zip(earlier) {
        let words = match verdict {
            CaseVerdict::Passed { .. } => "shown without a result".to_owned(),
            CaseVerdict::Failed(trouble) => format!("failed: {}", trouble.message),
            CaseVerdict::Error(trouble) => format!("broke: {}", trouble.message),
            CaseVerdict::Skipped { message } => format!("skipped: {message}"),
        };
        let line = format!("try {number} of {}: {words}\n", earlier.len() + 1);
        results.push_str(&line);
    }
    last.output.insert_str(0, &results);
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::requested_test::tests::{case, failed, passed, skipped};

    fn words(cases: &[CaseResult]) -> Vec<String> {
        let word = |verdict: &CaseVerdict| match verdict {
            CaseVerdict::Passed { flaky: true } => "flaky",
            CaseVerdict::Passed { flaky: false } => "passed",
            CaseVerdict::Failed(_) => "failed",
            CaseVerdict::Error(_) => "error",
            CaseVerdict::Skipped { .. } => "skipped",
        };
        let line = |case: &CaseResult| format!("{} {}", case.name, word(&case.verdict));
        cases.iter().map(line).collect()
    }

    #[test]
    fn last_attempt_counts_and_lists_the_others() {
        let cases = vec![
            case("c", "a", failed("boom")),
            case("c", "b", passed()),
            case("c", "a", passed()),
            case("d", "a", failed("other class")),
            case("c", "x", passed()),
            case("c", "x", failed("teardown")),
        ];
        assert_eq!(
            words(&Repeats::Duplicates.merge_attempts(cases.clone())).len(),
            6
        );
        let merged = Repeats::Attempts.merge_attempts(cases);
        assert_eq!(
            words(&merged),
            ["a flaky", "b passed", "a failed", "x failed"]
        );
        assert_eq!(merged[0].output, "try 1 of 2: failed: boom\n");
    }

    #[test]
    fn repeated_passes_of_attempts_are_flaky() {
        let tries = vec![case("c", "a", passed()); 3];
        assert_eq!(words(&Repeats::Attempts.merge_attempts(tries)), ["a flaky"]);
    }

    #[test]
    fn hint_is_given_only_if_the_meaning_decides() {
        let both = [case("c", "a", failed("x")), case("c", "a", passed())];
        assert!(
            Repeats::Unknown
                .hint(&both)
                .unwrap()
                .contains("repeats: attempts")
        );
        assert_eq!(Repeats::Duplicates.hint(&both), None);
        let alike = [case("c", "a", skipped("")), case("c", "a", passed())];
        assert_eq!(Repeats::Unknown.hint(&alike), None);
    }
}
