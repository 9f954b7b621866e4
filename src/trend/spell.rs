//! Since when a test fails: the spell of failures at the end of its runs.

use serde::Serialize;

use super::telling::is_telling;
use crate::{
    model::{ExecutionId, PlanId, RunEnd},
    store::TestRun,
};

/// A place in the history of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RunPlace {
    pub(crate) plan_id: PlanId,
    pub(crate) execution_id: ExecutionId,
    /// The commit that was tested; empty if it is not known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) commit: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) branch: String,
    /// When the plan was started.
    pub(crate) started_dt: i64,
}

impl RunPlace {
    fn of(run: &TestRun) -> Self {
        Self {
            plan_id: run.plan,
            execution_id: run.execution,
            commit: run.origin.commit.clone(),
            branch: run.origin.branch.clone(),
            started_dt: run.started.0,
        }
    }
}

/// The failures at the end of the runs of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Spell {
    /// How many runs in a row failed.
    pub(crate) failures: u64,
    /// The first of them: the first bad commit.
    pub(crate) first: RunPlace,
    /// The last pass before it; none if it is further back than what was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_pass: Option<RunPlace>,
}

/// The failures at the end of runs that are given newest first. `None` if the last verdict is none. Runs without a verdict, and
/// those of a plan that was out of order as a whole, neither begin nor end one.
pub(crate) fn failing_spell<'a>(runs: impl IntoIterator<Item = &'a TestRun>) -> Option<Spell> {
    let mut spell: Option<Spell> = None;
    for run in runs {
        if !run.end.is_verdict() || !is_telling(run.plan_ended) {
            continue;
        }
        if run.end == RunEnd::Failed {
            let failures = spell.map_or(0, |spell| spell.failures);
            spell = Some(Spell {
                failures: failures + 1,
                first: RunPlace::of(run),
                last_pass: None,
            });
        } else {
            return spell.map(|spell| Spell {
                last_pass: Some(RunPlace::of(run)),
                ..spell
            });
        }
    }
    spell
}

#[cfg(test)]
pub(super) mod examples {
    use crate::{
        model::{Capabilities, Capability, ExecutionId, PlanId, PlanOrigin, RunEnd, Timestamp},
        store::TestRun,
    };

    /// Runs on one system, oldest first in `ends` (`.` passed, `F` failed, `~` flaky, `!` could not run, `s` skipped, `o` open),
    /// newest first in the answer. Plan and commit are numbered from 1.
    pub(in crate::trend) fn runs(system: &str, ends: &str) -> Vec<TestRun> {
        let made = ends.chars().zip(1_i64..).map(|(letter, number)| TestRun {
            execution: ExecutionId(number * 10),
            plan: PlanId(number),
            plan_title: format!("plan {number}"),
            started: Timestamp(number * 3_600_000),
            origin: PlanOrigin {
                branch: "main".to_owned(),
                commit: format!("c{number}"),
                ..PlanOrigin::default()
            },
            required: [Capability::new("OS", system)]
                .into_iter()
                .collect::<Capabilities>(),
            end: match letter {
                '.' => RunEnd::Passed,
                'F' => RunEnd::Failed,
                '~' => RunEnd::Flaky,
                '!' => RunEnd::CouldNotRun,
                's' => RunEnd::Skipped,
                _ => RunEnd::Open,
            },
            duration_ms: Some(u64::try_from(number).unwrap_or(0) * 100),
            message: if letter == 'F' {
                format!("boom {number}")
            } else {
                String::new()
            },
            earlier_failures: 0,
            worker: "box".to_owned(),
            plan_ended: (100, 99),
        });
        let mut all: Vec<_> = made.collect();
        all.reverse();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::{examples::runs, *};

    fn spell(ends: &str) -> Option<(u64, i64, Option<i64>)> {
        let found = failing_spell(&runs("Linux", ends))?;
        let last_pass = found.last_pass.map(|place| place.plan_id.0);
        Some((found.failures, found.first.plan_id.0, last_pass))
    }

    #[test]
    fn spell_begins_after_the_last_pass() {
        for (ends, expected) in [
            ("..FF", Some((2, 3, Some(2)))),
            ("FF", Some((2, 1, None))),
            ("F.", None),
            ("F~", None),
            ("", None),
            (".F!", Some((1, 2, Some(1)))),
            (".F!sFo", Some((2, 2, Some(1)))),
            ("!!", None),
        ] {
            assert_eq!(spell(ends), expected, "{ends}");
        }
    }

    #[test]
    fn plan_out_of_order_begins_no_spell() {
        let mut all = runs("Linux", "..F");
        all[0].plan_ended = (100, 1);
        assert_eq!(failing_spell(&all), None);
    }
}
