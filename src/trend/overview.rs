//! All tests of the last plans of a template: which fail, which are flaky, which are slow.

use std::collections::HashMap;

use serde::Serialize;

use super::{telling::is_telling, test_trend::TRANSITIONS_OF_FLAKY, usual::median};
use crate::{
    model::{ExecutionId, PlanId, RunEnd, TestId},
    store::{PlanRun, RunCell},
};

/// The results of a plan.
#[derive(Clone, Debug)]
pub(crate) struct PlanCells {
    pub(crate) run: PlanRun,
    pub(crate) cells: Vec<RunCell>,
}

impl PlanCells {
    fn is_telling(&self) -> bool {
        let ended = self
            .cells
            .iter()
            .filter(|cell| cell.end != RunEnd::Open)
            .count();
        let good = self
            .cells
            .iter()
            .filter(|cell| cell.end.is_pass() || cell.end == RunEnd::Skipped)
            .count();
        is_telling((ended as u64, good as u64))
    }
}

/// A test on one system, over the last plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TestOverview {
    pub(crate) test_id: TestId,
    #[serde(skip)]
    pub(crate) label_set: i64,
    /// How it ended in each plan that had it, newest first; open ones are left out.
    pub(crate) last: Vec<RunEnd>,
    /// Its newest execution that ended.
    pub(crate) execution_id: ExecutionId,
    pub(crate) plan_id: PlanId,
    pub(crate) runs: u64,
    pub(crate) failed: u64,
    pub(crate) is_flaky: bool,
    /// How many of the newest verdicts in a row are failures.
    pub(crate) failing: u64,
    /// The plan with the first of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failing_since: Option<PlanId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usual_ms: Option<u64>,
}

/// What each test did in these plans, given newest first; in the order of the newest plan that has it. A test that occurs several
/// times in a plan counts each time.
pub(crate) fn overview(plans: &[PlanCells]) -> Vec<TestOverview> {
    let mut places: HashMap<(i64, i64), usize> = HashMap::new();
    let mut all: Vec<Gathered> = Vec::new();
    for plan in plans {
        let is_telling = plan.is_telling();
        for cell in &plan.cells {
            if cell.end == RunEnd::Open {
                continue;
            }
            let key = (cell.test.0, cell.label_set);
            let place = *places.entry(key).or_insert_with(|| {
                all.push(Gathered::new(cell, plan.run.id));
                all.len() - 1
            });
            all[place].add(cell, &plan.run, is_telling);
        }
    }
    all.into_iter().map(Gathered::ended).collect()
}

struct Gathered {
    overview: TestOverview,
    took: Vec<u64>,
    /// Whether a pass was seen: then the spell of failures is over.
    has_passed: bool,
    /// By commit, whether it passed and whether it failed there.
    by_commit: HashMap<String, (bool, bool)>,
    /// By branch, the newer verdict.
    newer: HashMap<String, bool>,
    transitions: u64,
    flaky: u64,
}

impl Gathered {
    fn new(cell: &RunCell, plan: PlanId) -> Self {
        Self {
            overview: TestOverview {
                test_id: cell.test,
                label_set: cell.label_set,
                last: Vec::new(),
                execution_id: cell.execution,
                plan_id: plan,
                runs: 0,
                failed: 0,
                is_flaky: false,
                failing: 0,
                failing_since: None,
                usual_ms: None,
            },
            took: Vec::new(),
            has_passed: false,
            by_commit: HashMap::new(),
            newer: HashMap::new(),
            transitions: 0,
            flaky: 0,
        }
    }

    fn add(&mut self, cell: &RunCell, plan: &PlanRun, is_telling: bool) {
        let overview = &mut self.overview;
        overview.last.push(cell.end);
        if !cell.end.is_verdict() || !is_telling {
            return;
        }
        let passed = cell.end.is_pass();
        overview.runs += 1;
        overview.failed += u64::from(!passed);
        self.flaky += u64::from(cell.end == RunEnd::Flaky);
        self.has_passed |= passed;
        if !self.has_passed {
            overview.failing += 1;
            overview.failing_since = Some(plan.id);
        }
        self.took.extend(cell.duration_ms);
        if !plan.origin.commit.is_empty() {
            let seen = self
                .by_commit
                .entry(plan.origin.commit.clone())
                .or_default();
            seen.0 |= passed;
            seen.1 |= !passed;
        }
        let newer = self.newer.insert(plan.origin.branch.clone(), passed);
        self.transitions += u64::from(newer.is_some_and(|newer| newer != passed));
    }

    fn ended(self) -> TestOverview {
        let is_mixed = self
            .by_commit
            .values()
            .any(|(passed, failed)| *passed && *failed);
        TestOverview {
            is_flaky: self.flaky > 0 || is_mixed || self.transitions >= TRANSITIONS_OF_FLAKY,
            usual_ms: median(self.took),
            ..self.overview
        }
    }
}

#[cfg(test)]
mod detection;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PlanOrigin, Timestamp};

    /// Plans of one letter a test, oldest first; commits are numbered.
    fn plans(all: &[&str]) -> Vec<PlanCells> {
        let made = all.iter().zip(1_i64..).map(|(ends, number)| PlanCells {
            run: PlanRun {
                id: PlanId(number),
                template: None,
                project: String::new(),
                title: String::new(),
                started: Timestamp(number),
                origin: PlanOrigin {
                    commit: format!("c{number}"),
                    ..PlanOrigin::default()
                },
                size: 0,
                is_over: true,
            },
            cells: ends
                .chars()
                .zip(1_i64..)
                .map(|(letter, test)| RunCell {
                    execution: ExecutionId(number * 100 + test),
                    test: TestId(test),
                    label_set: 1,
                    end: match letter {
                        'F' => RunEnd::Failed,
                        '!' => RunEnd::CouldNotRun,
                        'o' => RunEnd::Open,
                        _ => RunEnd::Passed,
                    },
                    duration_ms: Some(1),
                })
                .collect(),
        });
        let mut made: Vec<_> = made.collect();
        made.reverse();
        made
    }

    #[test]
    fn each_test_has_its_spell_and_its_rate() {
        let found = overview(&plans(&["..F.", ".FF.", ".F..", ".!Fo"]));
        let facts = found.iter().map(|it| {
            (
                it.runs,
                it.failed,
                it.failing,
                it.failing_since.map(|id| id.0),
            )
        });
        let facts: Vec<_> = facts.collect();
        assert_eq!(
            facts,
            [
                (4, 0, 0, None),
                (3, 2, 2, Some(2)),
                (4, 3, 1, Some(4)),
                (3, 0, 0, None)
            ]
        );
        assert_eq!(found[1].last[0], RunEnd::CouldNotRun);
        assert_eq!(found[3].plan_id, PlanId(3), "the newest that ended");
    }

    #[test]
    fn flaky_is_what_changes_often_or_on_one_commit() {
        let found = overview(&plans(&["..", "F.", "..", "F.", ".."]));
        assert_eq!((found[0].is_flaky, found[1].is_flaky), (true, false));
        let mut twice = plans(&["F", "."]);
        assert!(!overview(&twice)[0].is_flaky);
        twice[0].run.origin.commit = "c1".to_owned();
        assert!(overview(&twice)[0].is_flaky);
    }

    #[test]
    fn plan_out_of_order_teaches_nothing() {
        let found = overview(&plans(&["..........", "FFFFFFFFFF"]));
        assert_eq!(
            (found[0].failed, found[0].failing, found[0].last.len()),
            (0, 0, 2)
        );
    }
}
