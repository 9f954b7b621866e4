//! Several cases under one name: tries of one test, or tests that share a name.

use std::collections::HashMap;

use crate::model::{CaseResult, outcome::CaseVerdict};

/// What several cases of one name are. Tools differ: pytest-rerunfailures and gotestsum write each try, Robot Framework
/// and `RSpec` let tests share a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeats {
    /// Not said: each counts, so the worst decides.
    #[default]
    Unknown,
    /// Tries of one test, in order: the last counts, and a pass after other tries is flaky.
    Attempts,
    /// Tests that share a name: each counts.
    Duplicates,
}

impl Repeats {
    /// Brings cases of one name to what counts; with [`Repeats::Attempts`], the last of each name stays in the place of the
    /// first and its output begins with what became of the others.
    pub fn settle(self, cases: Vec<CaseResult>) -> Vec<CaseResult> {
        if self != Self::Attempts {
            return cases;
        }
        let mut places: HashMap<(String, String, Option<String>), usize> = HashMap::new();
        let mut settled: Vec<(CaseResult, Vec<CaseVerdict>)> = Vec::new();
        for case in cases {
            let name = (case.classname.clone(), case.name.clone(), case.file.clone());
            match places.get(&name) {
                None => {
                    places.insert(name, settled.len());
                    settled.push((case, Vec::new()));
                }
                Some(place) => {
                    let (last, earlier) = &mut settled[*place];
                    let before = std::mem::replace(last, case);
                    earlier.push(before.verdict);
                }
            }
        }
        settled
            .into_iter()
            .map(|(last, earlier)| after(last, &earlier))
            .collect()
    }

    /// A hint where some name has both a pass and a failure, and only the file's author knows what that means.
    pub fn hint(self, cases: &[CaseResult]) -> Option<String> {
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
            *failed |= matches!(case.verdict, CaseVerdict::Failed(_) | CaseVerdict::Error(_));
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

/// The last try with what became of the others.
fn after(mut last: CaseResult, earlier: &[CaseVerdict]) -> CaseResult {
    if earlier.is_empty() {
        return last;
    }
    if let CaseVerdict::Passed { flaky } = &mut last.verdict {
        *flaky = true;
    }
    let mut story = String::new();
    for (number, verdict) in (1..).zip(earlier) {
        let words = match verdict {
            CaseVerdict::Passed { .. } => "shown without a result".to_owned(),
            CaseVerdict::Failed(trouble) => format!("failed: {}", trouble.message),
            CaseVerdict::Error(trouble) => format!("broke: {}", trouble.message),
            CaseVerdict::Skipped { message } => format!("skipped: {message}"),
        };
        let line = format!("try {number} of {}: {words}\n", earlier.len() + 1);
        story.push_str(&line);
    }
    last.output.insert_str(0, &story);
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
    fn the_last_attempt_counts_and_tells_of_the_others() {
        let cases = vec![
            case("c", "a", failed("boom")),
            case("c", "b", passed()),
            case("c", "a", passed()),
            case("d", "a", failed("other class")),
            case("c", "x", passed()),
            case("c", "x", failed("teardown")),
        ];
        assert_eq!(words(&Repeats::Duplicates.settle(cases.clone())).len(), 6);
        let settled = Repeats::Attempts.settle(cases);
        assert_eq!(
            words(&settled),
            ["a flaky", "b passed", "a failed", "x failed"]
        );
        assert_eq!(settled[0].output, "try 1 of 2: failed: boom\n");
    }

    #[test]
    fn silent_tries_of_rerunfailures_are_flaky() {
        let tries = vec![case("c", "a", passed()); 3];
        assert_eq!(words(&Repeats::Attempts.settle(tries)), ["a flaky"]);
    }

    #[test]
    fn a_hint_is_given_only_where_the_meaning_decides() {
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
