//! A result that is held back until the session's process has shown that it lives on, or has ended in order. What a test leaves
//! behind may break the process after the test: an error in a timer, a global teardown that fails.

use std::time::Duration;

use super::call_trust::CallTrust;
use crate::{
    model::{ExecutionId, Outcome},
    run::{Attempt, Disposition, SessionEvent, WorkItem},
    runner::process_end::ProcessEnd,
};

/// What follows for a held result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    Counts,
    RunsAlone,
    CouldNotRun,
}

impl Follows {
    /// After the process ended by itself, `is_idle` before it began another call, else in it.
    pub(crate) fn of(end: ProcessEnd, is_idle: bool) -> Self {
        match (end, is_idle) {
            // Something of the tests before has ended it.
            (ProcessEnd::Exited(_), true) => Self::CouldNotRun,
            // Killed: from outside, or by itself.
            (ProcessEnd::Signalled(_) | ProcessEnd::TimedOut(_), true) => Self::RunsAlone,
            // An error in a timer, perhaps.
            (ProcessEnd::Exited(code), false) if code != 0 => Self::RunsAlone,
            // By what ran then.
            (_, false) => Self::Counts,
        }
    }
}

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
    pub(crate) fn runs_alone(self, trust: &CallTrust, why: &str) -> SessionEvent {
        let execution = self.execution();
        trust.set_alone(execution);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_counts_only_where_the_next_call_explains_the_end() {
        let of = Follows::of;
        for code in [0, 1] {
            assert_eq!(of(ProcessEnd::Exited(code), true), Follows::CouldNotRun);
        }
        assert_eq!(of(ProcessEnd::Signalled(9), true), Follows::RunsAlone);
        assert_eq!(of(ProcessEnd::Exited(1), false), Follows::RunsAlone);
        // A test of that call exits, is killed or hangs.
        let limit = ProcessEnd::TimedOut(Duration::from_secs(1));
        for end in [ProcessEnd::Exited(0), ProcessEnd::Signalled(9), limit] {
            assert_eq!(of(end, false), Follows::Counts);
        }
    }
}
