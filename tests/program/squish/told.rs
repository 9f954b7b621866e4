//! What runs said of their executions.

use std::collections::BTreeMap;

use testplan::model::{CaseResult, Outcome, TestVerdict, record::RecordEvent};

use crate::support::{Records, Squish};

/// How an execution ended.
pub(super) struct Told {
    pub(super) outcome: Outcome,
    pub(super) cases: Vec<CaseResult>,
    pub(super) tail: String,
}

impl Told {
    /// `passed`, `failed`, `skipped`, or the message of an execution error with its details.
    pub(super) fn words(&self) -> String {
        match &self.outcome {
            Outcome::Completed {
                result: Some(result),
            } => match result.verdict {
                TestVerdict::Passed => "passed".to_owned(),
                TestVerdict::Failed => "failed".to_owned(),
                TestVerdict::Skipped => "skipped".to_owned(),
            },
            Outcome::ExecutionError { message, details } => format!("{message}\n{details}"),
            other => panic!("{other:?}"),
        }
    }
}

/// The last ending of every test in a run's records, by test case.
pub(super) fn told(squish: &Squish) -> BTreeMap<String, Told> {
    let mut names = BTreeMap::new();
    let mut told = BTreeMap::new();
    for record in Records::below(squish.stage.path("out")).all() {
        match record.event {
            RecordEvent::Reserved {
                execution, test, ..
            } => {
                names.insert(execution, test.testcase);
            }
            RecordEvent::Ended {
                execution,
                outcome,
                cases,
                output_tail: tail,
                ..
            } => {
                let name = names[&execution].clone();
                told.insert(
                    name,
                    Told {
                        outcome,
                        cases,
                        tail,
                    },
                );
            }
            _ => {}
        }
    }
    told
}
