//! The attempts of a warm process's tests: with a result, or without one.

use std::{path::PathBuf, time::Duration};

use super::{
    message::ResultMessage,
    pytest_names::id_of,
    reported_result::{end_of, read_result},
    warm_setup::WarmPlan,
};
use crate::{
    fs::append,
    model::Outcome,
    run::{Attempt, WorkItem},
    single::{TAIL_BYTES, TAIL_LINES, attempt_name},
};

/// A test that a session took.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) work: WorkItem,
    /// What pytest calls it.
    pub(crate) id: String,
    /// Its files are called so.
    name: String,
    /// Its result folder, if a result file is wanted.
    pub(crate) results: Option<PathBuf>,
}

impl Taken {
    pub(crate) fn new(setup: &WarmPlan, work: WorkItem) -> Self {
        let name = attempt_name(setup.plan, &work.granted);
        let results = setup.out.join("results").join(&name);
        Self {
            id: id_of(&work.granted.test),
            results: setup.writes_results.then_some(results),
            name,
            work,
        }
    }

    /// The attempt of a result.
    pub(crate) fn with_result(&self, setup: &WarmPlan, result: &ResultMessage) -> Attempt {
        let read = read_result(&self.work.granted.test, result);
        let passed = read.cases.iter().all(|case| {
            matches!(
                case.verdict,
                crate::model::outcome::CaseVerdict::Passed { .. }
            )
        });
        Attempt {
            cases: read.cases,
            log: self.write_log(setup, &read.log),
            output_tail: if passed {
                String::new()
            } else {
                last_lines(&read.log)
            },
            results: self.results.clone(),
            ..Attempt::without_process(read.took, read.outcome)
        }
    }

    /// The attempt of a test that came to no result: what happened, and what is known about it.
    pub(crate) fn without_result(
        &self,
        setup: &WarmPlan,
        took: Duration,
        message: String,
        known: &str,
    ) -> Attempt {
        let outcome = Outcome::ExecutionError {
            message,
            details: end_of(known, TAIL_BYTES).to_owned(),
        };
        Attempt {
            log: self.write_log(setup, known),
            output_tail: last_lines(known),
            ..Attempt::without_process(took, outcome)
        }
    }

    /// Writes the log of the test, relative to the `--out` folder, if there is anything to write.
    fn write_log(&self, setup: &WarmPlan, text: &str) -> Option<String> {
        if text.is_empty() {
            return None;
        }
        let log = format!("logs/{}.log", self.name);
        match append(&setup.out.join(&log), text.as_bytes()) {
            Ok(()) => Some(log),
            Err(error) => {
                tracing::warn!(%log, %error, "the log of a test was not written");
                None
            }
        }
    }
}

fn last_lines(text: &str) -> String {
    let text = end_of(text, TAIL_BYTES).trim_end();
    let lines = text.rmatch_indices('\n').nth(TAIL_LINES - 1);
    lines.map_or(text, |(at, _)| &text[at + 1..]).to_owned()
}
