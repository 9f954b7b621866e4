//! A plan that `testplan execute` started, as text, JSON and outputs.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};

use crate::{
    cli::screen::Screen,
    failure::Failure,
    matrix::{MatrixEntry, WorkerSet},
    model::{Plan, PlanId, PlanStatus, Selection, Timestamp},
    publication::step_outputs::StepOutput,
    report::time_text::utc_text,
    text::format_duration,
};

/// Largest matrix, in bytes of UTF-16: GitHub's limit for all outputs of a job, with room for the others.
const LARGEST_OUTPUT: usize = 900_000;

/// A plan that was started, and the workers that it needs.
#[derive(Debug)]
pub(super) struct ExecutedPlan {
    pub(super) plan: Plan,
    pub(super) plan_url: String,
    /// The attempt of the CI run that started it, if the CI counts attempts.
    pub(super) plan_attempt: Option<u32>,
    /// When Test Center starts to run it, if it was handed over.
    pub(super) handed_over: Option<Timestamp>,
    pub(super) status: PlanStatus,
    /// One entry per worker.
    pub(super) matrix: Vec<MatrixEntry>,
    /// Open executions that no worker set covers; `None` if the service cannot list executions.
    pub(super) uncovered: Option<u64>,
    /// Open executions by worker set, those without work included.
    pub(super) loads: Vec<(WorkerSet, u64)>,
    /// Which part of its template's tests it has, if not all.
    pub(super) selection: Option<Selection>,
    /// How long its workers are expected to run tests, if a target time decided how many there are.
    pub(super) expected: Option<Duration>,
}

impl ExecutedPlan {
    pub(super) fn workers(&self) -> usize {
        self.matrix.len()
    }

    /// For `strategy.matrix`.
    pub(super) fn matrix_json(&self) -> Value {
        json!({ "include": self.matrix })
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "schema": 1,
            "plan_id": self.plan.id,
            "plan_url": self.plan_url,
            "plan_attempt": self.plan_attempt,
            "title": self.plan.title,
            "batch": self.plan.batch,
            "managed": self.handed_over.is_some(),
            "starts": self.handed_over,
            "selection": self.selection,
            "open": self.status.open,
            "uncovered": self.uncovered,
            "workers": self.workers(),
            "expected_ms": self.expected.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)),
            "matrix": self.matrix_json(),
        })
    }

    pub(super) fn text(&self) -> String {
        let Plan {
            id, title, batch, ..
        } = &self.plan;
        let mut text = format!("plan {id} started: {title}\nbatch {batch}\n");
        if let Some(selection) = &self.selection {
            let _ = writeln!(text, "{selection}: {}", selection.flags);
        }
        if let Some(time) = self.handed_over {
            let time = utc_text(time);
            let _ = writeln!(text, "Test Center runs it itself from {time}");
        }
        for (set, open) in &self.loads {
            let workers = self.matrix.iter().filter(|entry| {
                (entry.capabilities == set.lines()) && (entry.runs_on == set.runs_on)
            });
            let _ = writeln!(
                text,
                "{open:>6} executions for {}, {} workers on {}",
                set.capabilities,
                workers.count(),
                set.runs_on.join(", ")
            );
        }
        if let Some(expected) = self.expected {
            let expected = format_duration(expected);
            let _ = writeln!(
                text,
                "expected to take {expected}, without the start of the jobs"
            );
        }
        text
    }

    /// Whether a worker or Test Center will run tests of it.
    pub(super) fn is_under_way(&self) -> bool {
        !self.matrix.is_empty() || self.status.reserved > 0 || self.handed_over.is_some()
    }

    /// One line for GitHub: at most 140 characters, and no foreign text.
    pub(super) fn headline(&self) -> String {
        let (plan, open, workers) = (self.plan.id, self.status.open, self.workers());
        if self.handed_over.is_some() {
            return format!("Test Center runs plan {plan}: {open} open executions");
        }
        let what = match &self.selection {
            Some(selection) => format!("{selection}, {open} open"),
            None => format!("{open} open executions"),
        };
        format!("plan {plan} is running: {what} for {workers} workers")
    }

    pub(super) fn outputs(&self, screen: &Screen) {
        screen.output(StepOutput::PlanUrl, &self.plan_url);
        if let Some(attempt) = self.plan_attempt {
            screen.output(StepOutput::PlanAttempt, attempt);
        }
        screen.output(StepOutput::Matrix, self.matrix_json());
        screen.output(StepOutput::Workers, self.workers());
        screen.output(StepOutput::Total, self.status.total());
    }

    /// Why there is nothing to do, if there is nothing.
    pub(super) fn nothing_to_do(&self) -> Option<String> {
        let plan = self.plan.id;
        let PlanStatus {
            open,
            reserved,
            done,
        } = self.status;
        if !self.matrix.is_empty() || self.handed_over.is_some() {
            return None;
        }
        let why = match (open, reserved, done) {
            (0, 0, 0) => format!("plan {plan} has no executions"),
            (0, 0, done) => format!("all {done} executions of plan {plan} are done"),
            (0, reserved, _) => {
                format!("{reserved} executions of plan {plan} are running, none is open")
            }
            (open, ..) => {
                format!("no worker set covers any of the {open} open executions of plan {plan}")
            }
        };
        Some(format!("nothing to do: {why}"))
    }
}

/// Refuses a matrix that GitHub would drop: it counts the outputs of a job in UTF-16 and drops them beyond 1 MB.
pub(super) fn check_size(entries: &[MatrixEntry], plan: PlanId) -> Result<(), Failure> {
    let matrix = json!({ "include": entries }).to_string();
    let bytes = matrix.encode_utf16().count() * 2;
    if bytes <= LARGEST_OUTPUT {
        return Ok(());
    }
    Err(Failure::infrastructure_text(format_args!(
        "plan {plan} was started, but its matrix of {} workers has {bytes} bytes in UTF-16, and GitHub drops the outputs of \
         a job beyond 1 MB",
        entries.len()
    ))
    .help("ask for fewer workers (--max-workers, --target-time, --tests-per-worker), or shorten capabilities and runner labels"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{exit_code::Conclusion, model::PlanKind};

    fn started(open: u64, reserved: u64, done: u64, matrix: Vec<MatrixEntry>) -> ExecutedPlan {
        ExecutedPlan {
            plan: Plan {
                id: PlanId(7),
                kind: PlanKind::Instance,
                project: "p".to_owned(),
                title: "T".to_owned(),
                description: String::new(),
                batch: "b".to_owned(),
                tags: Vec::new(),
                repositories: Vec::new(),
                planned: None,
                server_time: Timestamp(0),
                passes: 0,
                failed: 0,
                skipped: 0,
                count: 0,
                page_url: None,
            },
            plan_url: String::new(),
            plan_attempt: None,
            handed_over: None,
            status: PlanStatus {
                open,
                reserved,
                done,
            },
            matrix,
            uncovered: None,
            loads: Vec::new(),
            selection: None,
            expected: None,
        }
    }

    #[test]
    fn matrix_beyond_githubs_limit_is_an_error() {
        let entry = |length: usize| MatrixEntry {
            name: "ä".repeat(length),
            runs_on: Vec::new(),
            capabilities: String::new(),
            worker: 1,
            index: 1,
            open: 1,
        };
        let rest = json!({ "include": [entry(0)] }).to_string().len();
        let most = LARGEST_OUTPUT / 2 - rest;
        assert!(check_size(&[entry(most)], PlanId(7)).is_ok());
        let error = check_size(&[entry(most + 1)], PlanId(7)).unwrap_err();
        assert_eq!(error.conclusion, Conclusion::Infrastructure);
        assert!(error.to_string().contains("--max-workers"), "{error}");
    }

    #[test]
    fn empty_matrix_is_explained() {
        for (counts, said) in [
            ((0, 0, 0), "nothing to do: plan 7 has no executions"),
            (
                (0, 0, 5),
                "nothing to do: all 5 executions of plan 7 are done",
            ),
            (
                (0, 2, 5),
                "nothing to do: 2 executions of plan 7 are running, none is open",
            ),
            (
                (3, 2, 5),
                "nothing to do: no worker set covers any of the 3 open executions of plan 7",
            ),
        ] {
            let (open, reserved, done) = counts;
            let started = started(open, reserved, done, Vec::new());
            assert_eq!(started.nothing_to_do().as_deref(), Some(said));
            assert_eq!(started.matrix_json(), json!({ "include": [] }));
            assert_eq!(started.json()["workers"], 0);
            // A pending status would stay without a worker.
            assert_eq!(started.is_under_way(), reserved > 0);
        }
        let entry = MatrixEntry {
            name: "any 1/1".to_owned(),
            runs_on: vec!["x".to_owned()],
            capabilities: String::new(),
            worker: 1,
            index: 1,
            open: 3,
        };
        assert_eq!(started(3, 0, 0, vec![entry]).nothing_to_do(), None);
    }

    #[test]
    fn headline_of_a_selection_says_so() {
        let plan = ExecutedPlan {
            selection: Some(Selection {
                flags: "--only x".to_owned(),
                selected: 12,
                of: 340,
            }),
            ..started(12, 0, 0, Vec::new())
        };
        assert_eq!(
            plan.headline(),
            "plan 7 is running: selection of 12 of 340 tests, 12 open for 0 workers"
        );
    }
}
