//! A result that is held back until the session's process has shown that it lives on, or has ended in order. What a test leaves
//! behind may break the process after the test: an error in a timer, a global teardown that fails.

use std::time::Duration;

use crate::{
    model::{ExecutionId, Outcome},
    run::{Attempt, Disposition, SessionEvent, WorkItem},
};

/// The result of the last test of a call.
#[derive(Debug)]
pub(crate) struct HeldResult {
    pub(crate) work: WorkItem,
    pub(crate) attempt: Attempt,
}

impl HeldResult {
    /// The execution that it is of.
    fn execution(&self) -> ExecutionId {
        self.work.granted.execution
    }

    /// It counts as it is, if its lease is still held.
    pub(crate) fn counts(self) -> SessionEvent {
        let execution = self.execution();
        let attempt = match self.work.lease.loss() {
            Some(_) => Attempt::without_process(Duration::ZERO, Outcome::LeaseLost),
            None => self.attempt,
        };
        ended(execution, attempt)
    }

    /// The test runs once more, in a process of its own, which shows whether it is to blame.
    pub(crate) fn runs_alone(self, why: &str) -> SessionEvent {
        let execution = self.execution();
        let attempt = Attempt {
            disposition: Disposition::Release {
                reason: format!("{why}; the test runs alone next"),
                pause: None,
                alone: true,
            },
            ..Attempt::without_process(Duration::ZERO, Outcome::Cancelled)
        };
        ended(execution, attempt)
    }

    /// No verdict of a test shows what went wrong.
    pub(crate) fn could_not_run(self, why: &str, output: String) -> SessionEvent {
        let execution = self.execution();
        let outcome = Outcome::ExecutionError {
            message: why.to_owned(),
            details: "An earlier test of this process may be to blame, or what the project does at its end."
                .to_owned(),
        };
        let attempt = Attempt {
            log: self.attempt.log,
            output_tail: output,
            results: self.attempt.results,
            ..Attempt::without_process(self.attempt.duration, outcome)
        };
        ended(execution, attempt)
    }
}

fn ended(execution: ExecutionId, attempt: Attempt) -> SessionEvent {
    SessionEvent::Ended {
        execution,
        attempt: Box::new(attempt),
    }
}
