//! Which tests of a template a plan gets: those of patterns, those that did not pass before, one shard. Pure.

mod failed_tests;
mod near_names;
mod shard;
mod test_names;

pub(crate) use failed_tests::FailedTests;
pub(crate) use shard::Shard;

use self::test_names::quoted;
use crate::{
    model::{PlannedTest, Selection, TestPattern},
    text::{counted, plural, prefix},
};

/// Longest text of the flags, in bytes.
const LONGEST_FLAGS: usize = 500;

/// What selects. Each part narrows what the one before left: patterns, earlier failures, shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct SelectionRules {
    /// A test is in if any of them matches it; all are without a pattern.
    pub(crate) only: Vec<TestPattern>,
    pub(crate) failed: Option<FailedTests>,
    pub(crate) shard: Option<Shard>,
}

/// The tests that were selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SelectedTests {
    /// In the order of the template.
    pub(crate) tests: Vec<PlannedTest>,
    /// `None` if these are all tests.
    pub(crate) selection: Option<Selection>,
    /// What people should know: patterns that match nothing, earlier failures that are gone.
    pub(crate) warnings: Vec<String>,
    /// Why there is no test, and one thing to do.
    pub(crate) nothing: Option<(String, String)>,
}

impl SelectionRules {
    /// Selects from all tests of a template.
    pub(crate) fn select(&self, all: &[PlannedTest]) -> SelectedTests {
        let of = all.len();
        let mut warnings = self.unmatched(all);
        if let Some(failed) = &self.failed {
            warnings.extend(failed.warnings(all));
        }
        let is_wanted = |planned: &&PlannedTest| {
            self.only.is_empty() || self.only.iter().any(|it| it.matches(&planned.test))
        };
        let matching: Vec<PlannedTest> = all.iter().filter(is_wanted).cloned().collect();
        let matched = matching.len();
        let failing = match &self.failed {
            Some(failed) => failed.among(matching),
            None => matching,
        };
        let before_shard = failing.len();
        let tests = match self.shard {
            Some(shard) => shard.share(failing),
            None => failing,
        };
        let nothing = (tests.is_empty() && of > 0).then(|| self.nothing(matched, before_shard));
        let selection = (tests.len() < of).then(|| Selection {
            flags: self.flags(),
            selected: tests.len() as u64,
            of: of as u64,
        });
        SelectedTests {
            tests,
            selection,
            warnings,
            nothing,
        }
    }

    /// The patterns that match no test, each with names that are near.
    fn unmatched(&self, all: &[PlannedTest]) -> Vec<String> {
        let is_unmatched = |pattern: &&TestPattern| !all.iter().any(|it| pattern.matches(&it.test));
        let unmatched = self.only.iter().filter(is_unmatched);
        unmatched
            .map(|pattern| {
                let near = near_names::near(pattern.text(), all);
                let near = near.map_or_else(String::new, |near| format!("; {near}"));
                format!("--only {}: no test matches{near}", quoted(pattern.text()))
            })
            .collect()
    }

    /// Why nothing is left, and what to do.
    fn nothing(&self, matched: usize, before_shard: usize) -> (String, String) {
        let patterns = plural(&self.only.len(), "the pattern", "any of the patterns");
        if matched == 0 {
            return (
                format!("no test matches {patterns} of --only"),
                "`testplan list` prints all tests; a pattern is a glob on SUITE/TESTCASE, and * matches / too".to_owned(),
            );
        }
        if before_shard > 0 {
            let shard = self.shard.map(|it| it.to_string()).unwrap_or_default();
            return (
                format!(
                    "shard {shard} has no test: {} selected in all",
                    counted(before_shard, "test")
                ),
                "use fewer shards, or accept an empty one with --allow-empty".to_owned(),
            );
        }
        match &self.failed {
            Some(failed) if failed.is_empty() => (
                format!("every test of plan {} passed or was skipped", failed.plan),
                "leave --failed out to run all tests; --allow-empty accepts that nothing is run"
                    .to_owned(),
            ),
            Some(failed) if !self.only.is_empty() => (
                format!(
                    "no test that did not pass in plan {} matches {patterns} of --only",
                    failed.plan
                ),
                "leave --only or --failed out".to_owned(),
            ),
            Some(failed) => (
                format!(
                    "the template has none of the tests that did not pass in plan {}",
                    failed.plan
                ),
                "leave --failed out to run all tests, or name a plan of this template with --failed=PLAN"
                    .to_owned(),
            ),
            None => ("no test is selected".to_owned(), "select others".to_owned()),
        }
    }

    /// The flags as they could be written.
    fn flags(&self) -> String {
        let mut flags: Vec<String> = Vec::new();
        for pattern in &self.only {
            flags.push(format!("--only {}", quoted(pattern.text())));
        }
        if let Some(failed) = &self.failed {
            flags.push(format!("--failed={}", failed.plan));
        }
        if let Some(shard) = self.shard {
            flags.push(format!("--shard {shard}"));
        }
        let text = flags.join(" ");
        if text.len() <= LONGEST_FLAGS {
            return text;
        }
        format!("{}…", prefix(&text, LONGEST_FLAGS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Capabilities, Capability, Test};

    pub(super) fn test(name: &str) -> Test {
        Test {
            suite: "suite".to_owned(),
            testcase: name.to_owned(),
        }
    }

    pub(super) fn planned(name: &str, required: Capabilities) -> PlannedTest {
        PlannedTest {
            test: test(name),
            required,
        }
    }

    pub(super) fn os(value: &str) -> Capabilities {
        [Capability::new("OS", value)].into_iter().collect()
    }

    fn four() -> Vec<PlannedTest> {
        let names = ["add", "remove", "login", "logout"];
        names
            .map(|name| planned(name, Capabilities::default()))
            .to_vec()
    }

    fn select(only: &[&str], shard: Option<&str>) -> SelectedTests {
        let rules = SelectionRules {
            only: only.iter().map(|text| text.parse().unwrap()).collect(),
            failed: None,
            shard: shard.map(|text| text.parse().unwrap()),
        };
        rules.select(&four())
    }

    fn names(selected: &SelectedTests) -> Vec<&str> {
        let tests = selected.tests.iter();
        tests.map(|it| it.test.testcase.as_str()).collect()
    }

    #[test]
    fn any_pattern_selects_and_the_shard_comes_last() {
        let selected = select(&["*/log*", "*/add"], None);
        assert_eq!(names(&selected), ["add", "login", "logout"]);
        let (first, second) = (
            select(&["*/log*", "*/add"], Some("1/2")),
            select(&["*/log*", "*/add"], Some("2/2")),
        );
        assert_eq!(names(&first), ["add", "logout"]);
        assert_eq!(names(&second), ["login"]);
        assert_eq!(
            second.selection.unwrap(),
            Selection {
                flags: "--only '*/log*' --only '*/add' --shard 2/2".to_owned(),
                selected: 1,
                of: 4,
            }
        );
    }

    #[test]
    fn selection_of_all_tests_is_none() {
        assert_eq!(select(&["*"], Some("1/1")).selection, None);
    }

    #[test]
    fn pattern_without_a_test_is_named_with_a_near_one() {
        let selected = select(&["suite/ad", "*/remove"], None);
        assert_eq!(
            selected.warnings,
            ["--only suite/ad: no test matches; did you mean '*suite/ad*'?"]
        );
        assert_eq!(selected.nothing, None);
        let selected = select(&["*logni*"], None);
        assert_eq!(
            selected.warnings,
            ["--only '*logni*': no test matches; did you mean '*login*'?"]
        );
        let (why, _) = selected.nothing.unwrap();
        assert_eq!(why, "no test matches the pattern of --only");
    }

    #[test]
    fn empty_shard_says_how_many_tests_there_are() {
        let (why, _) = select(&["*/log*"], Some("3/3")).nothing.unwrap();
        assert_eq!(why, "shard 3/3 has no test: 2 tests selected in all");
    }

    #[test]
    fn plan_without_failures_is_named() {
        let rules = SelectionRules {
            failed: Some(FailedTests::of(crate::model::PlanId(7), Vec::new())),
            ..SelectionRules::default()
        };
        let (why, _) = rules.select(&four()).nothing.unwrap();
        assert_eq!(why, "every test of plan 7 passed or was skipped");
    }

    #[test]
    fn text_of_the_flags_is_bounded() {
        let rules = SelectionRules {
            only: vec!["x".repeat(900).parse().unwrap()],
            ..SelectionRules::default()
        };
        assert_eq!(rules.flags().len(), LONGEST_FLAGS + "…".len());
    }
}
