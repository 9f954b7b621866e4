//! The tests that did not pass in an earlier plan.

use std::collections::{HashMap, HashSet};

use crate::{
    model::{Capabilities, Execution, Outcome, PlanId, PlannedTest, Test, TestVerdict},
    text::{counted, nonzero_counts, plural},
};

/// Tests of which the gone ones are named.
const NAMED: usize = 3;

/// The executions of a plan that did not pass and were not skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailedTests {
    pub(crate) plan: PlanId,
    /// Each test with the configurations that it did not pass in.
    tests: HashMap<Test, Vec<Capabilities>>,
    failed: u64,
    could_not_run: u64,
    without_result: u64,
    all: u64,
}

impl FailedTests {
    /// From all executions of a plan.
    pub(crate) fn of(plan: PlanId, executions: Vec<Execution>) -> Self {
        let mut found = Self {
            plan,
            tests: HashMap::new(),
            failed: 0,
            could_not_run: 0,
            without_result: 0,
            all: 0,
        };
        for execution in executions {
            found.all += 1;
            let count = match &execution.outcome {
                Some(Outcome::Completed {
                    result: Some(result),
                }) => match result.verdict {
                    TestVerdict::Passed | TestVerdict::Skipped => continue,
                    TestVerdict::Failed => &mut found.failed,
                },
                Some(Outcome::ExecutionError { .. }) => &mut found.could_not_run,
                _ => &mut found.without_result,
            };
            *count += 1;
            let configurations = found.tests.entry(execution.test).or_default();
            configurations.push(execution.required);
        }
        found
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// `plan 12 (340 tests): 3 failed, 1 without a result`.
    pub(crate) fn in_words(&self) -> String {
        let counts = nonzero_counts(&[
            (self.failed, "failed"),
            (self.could_not_run, "could not run"),
            (self.without_result, "without a result"),
        ]);
        format!(
            "plan {} ({}): {counts}",
            self.plan,
            counted(self.all, "test")
        )
    }

    /// Those of `tests`, each in the configurations that it did not pass in. A test that has none of these any more is
    /// taken in all that it has now.
    pub(super) fn among(&self, tests: Vec<PlannedTest>) -> Vec<PlannedTest> {
        let failed_here = |planned: &PlannedTest| {
            let configurations = self.tests.get(&planned.test);
            configurations.is_some_and(|it| it.contains(&planned.required))
        };
        let known: HashSet<Test> = tests
            .iter()
            .filter(|planned| failed_here(planned))
            .map(|planned| planned.test.clone())
            .collect();
        let is_wanted = |planned: &PlannedTest| {
            failed_here(planned)
                || (self.tests.contains_key(&planned.test) && !known.contains(&planned.test))
        };
        tests.into_iter().filter(is_wanted).collect()
    }

    /// A warning about tests that the template no longer has.
    pub(super) fn warnings(&self, all: &[PlannedTest]) -> Option<String> {
        let present: HashSet<&Test> = all.iter().map(|planned| &planned.test).collect();
        let mut gone: Vec<&Test> = self
            .tests
            .keys()
            .filter(|test| !present.contains(test))
            .collect();
        gone.sort_unstable();
        if gone.is_empty() {
            return None;
        }
        let named: Vec<String> = gone.iter().take(NAMED).map(|it| format!("{it}")).collect();
        let more = gone.len() - named.len();
        let more = if more > 0 {
            format!(", and {more} more")
        } else {
            String::new()
        };
        Some(format!(
            "plan {}: {} that did not pass {} gone from the template: {}{more}",
            self.plan,
            counted(gone.len(), "test"),
            plural(&gone.len(), "is", "are"),
            named.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ExecutionId, ExecutionState, TestId, TestResult},
        selection::tests::{os, planned, test},
    };

    fn execution(name: &str, required: Capabilities, outcome: Option<Outcome>) -> Execution {
        Execution {
            id: ExecutionId(1),
            test: test(name),
            test_id: TestId(1),
            required,
            state: match outcome {
                Some(_) => ExecutionState::Done,
                None => ExecutionState::Reserved,
            },
            attempts: 1,
            generation: 0,
            outcome,
            failure: None,
            duration_ms: None,
            expected_ms: None,
        }
    }

    fn ended(verdict: TestVerdict) -> Outcome {
        Outcome::Completed {
            result: Some(TestResult {
                verdict,
                duration_ms: 1,
                flaky: false,
            }),
        }
    }

    #[test]
    fn passed_and_skipped_tests_are_left_out() {
        let any = Capabilities::default;
        let broken = Some(Outcome::ExecutionError {
            message: "no shell".to_owned(),
            details: String::new(),
        });
        let no_verdict = Some(Outcome::Completed { result: None });
        let found = FailedTests::of(
            PlanId(7),
            vec![
                execution("passed", any(), Some(ended(TestVerdict::Passed))),
                execution("failed", any(), Some(ended(TestVerdict::Failed))),
                execution("skipped", any(), Some(ended(TestVerdict::Skipped))),
                execution("broken", any(), broken),
                execution("no verdict", any(), no_verdict),
                execution("running", any(), None),
            ],
        );
        let all = [
            "skipped",
            "running",
            "passed",
            "no verdict",
            "failed",
            "broken",
            "new",
        ];
        let all = all.map(|name| planned(name, any())).to_vec();
        let kept: Vec<String> = found
            .among(all)
            .into_iter()
            .map(|it| it.test.testcase)
            .collect();
        assert_eq!(kept, ["running", "no verdict", "failed", "broken"]);
        assert_eq!(
            found.in_words(),
            "plan 7 (6 tests): 1 failed, 1 could not run, 2 without a result"
        );
    }

    #[test]
    fn a_test_runs_again_in_the_configuration_that_failed() {
        let executions = vec![
            execution("a", os("Linux"), Some(ended(TestVerdict::Passed))),
            execution("a", os("Windows"), Some(ended(TestVerdict::Failed))),
        ];
        let found = FailedTests::of(PlanId(7), executions);
        let now = vec![planned("a", os("Linux")), planned("a", os("Windows"))];
        assert_eq!(found.among(now), [planned("a", os("Windows"))]);
        let renamed = vec![planned("a", os("Linux")), planned("a", os("Win11"))];
        assert_eq!(
            found.among(renamed.clone()),
            renamed,
            "the configuration is gone, so the test runs in all"
        );
    }

    #[test]
    fn tests_that_are_gone_are_named() {
        let failed = ["a", "b"].map(|name| {
            execution(
                name,
                Capabilities::default(),
                Some(ended(TestVerdict::Failed)),
            )
        });
        let found = FailedTests::of(PlanId(7), failed.to_vec());
        let all = vec![planned("b", Capabilities::default())];
        assert_eq!(
            found.warnings(&all).unwrap(),
            "plan 7: 1 test that did not pass is gone from the template: suite / a"
        );
        assert_eq!(found.among(all.clone()), all);
    }
}
