//! Whether this machine can run the tests of the plan at all. One that cannot would end them faster than others run them.

use std::time::Duration;

use crate::model::Outcome;

/// Starts of the tool in a row that failed, at which the workers of this machine leave.
const MOST_START_FAILURES: u32 = 3;
/// The pause after the first of them, longer after each further one: what is busy or full may be free again, and a worker
/// that has the tool may come before this one has taken everything once.
const AFTER_START_FAILURE: Duration = Duration::from_secs(1);
/// Execution errors in a row, each faster than any test of the plan, at which they leave.
const MOST_QUICK_ERRORS: u32 = 5;

/// What the workers of this process know of their machine.
#[derive(Debug, Default)]
pub(in crate::run) struct MachineHealth {
    /// In a row.
    start_failures: u32,
    /// Why the tool could not be started, until an execution has an outcome.
    only_failure: Option<String>,
    has_ended_one: bool,
    errors: u32,
    slowest_error: Duration,
    fastest_test: Option<Duration>,
}

/// What follows from a failed start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterStartFailure {
    /// Try another execution after a pause.
    Pause(Duration),
    /// The workers of this machine leave.
    Leave,
}

impl MachineHealth {
    /// The tool could not be started.
    pub(super) fn start_failed(&mut self, reason: &str) -> AfterStartFailure {
        self.start_failures += 1;
        if !self.has_ended_one {
            self.only_failure = Some(reason.to_owned());
        }
        if self.start_failures >= MOST_START_FAILURES {
            AfterStartFailure::Leave
        } else {
            AfterStartFailure::Pause(AFTER_START_FAILURE * self.start_failures)
        }
    }

    /// Why nothing ran here, if the tool could not be started and nothing else happened.
    pub(super) fn why_nothing_ran(&self) -> Option<String> {
        self.only_failure.clone()
    }

    /// A test is known to take so long.
    pub(super) fn test_takes(&mut self, duration: Duration) {
        let fastest = self.fastest_test.get_or_insert(duration);
        *fastest = (*fastest).min(duration);
    }

    /// An execution had an outcome. Returns why the workers of this machine leave, if they do.
    pub(super) fn ended(&mut self, outcome: &Outcome, duration: Duration) -> Option<String> {
        self.start_failures = 0;
        self.only_failure = None;
        self.has_ended_one = true;
        let Outcome::ExecutionError { message, .. } = outcome else {
            self.errors = 0;
            self.slowest_error = Duration::ZERO;
            self.test_takes(duration);
            return None;
        };
        self.errors += 1;
        self.slowest_error = self.slowest_error.max(duration);
        let is_quick = self
            .fastest_test
            .is_some_and(|test| self.slowest_error < test);
        (is_quick && self.errors >= MOST_QUICK_ERRORS).then(|| {
            let errors = self.errors;
            format!(
                "the last {errors} executions could not run, each in less time than any test of this plan takes; the last \
                 one: {message}"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn error() -> Outcome {
        Outcome::ExecutionError {
            message: "no licence".to_owned(),
            details: String::new(),
        }
    }

    #[test]
    fn third_failed_start_in_a_row_is_the_last() {
        let mut health = MachineHealth::default();
        let pauses = [1, 2].map(|s| AfterStartFailure::Pause(Duration::from_secs(s)));
        let two = |health: &mut MachineHealth| ["no tool"; 2].map(|why| health.start_failed(why));
        assert_eq!(two(&mut health), pauses);
        assert_eq!(health.why_nothing_ran().as_deref(), Some("no tool"));
        assert_eq!(health.ended(&Outcome::Completed { result: None }, MS), None);
        assert_eq!(two(&mut health), pauses);
        assert_eq!(health.why_nothing_ran(), None, "something did");
        assert_eq!(health.start_failed("no tool"), AfterStartFailure::Leave);
    }

    #[test]
    fn errors_faster_than_any_test_make_the_workers_leave() {
        for (fastest, slowest, leaves) in [
            (Some(20), 19, true),
            (Some(20), 20, false),
            (None, 1, false),
        ] {
            let mut health = MachineHealth::default();
            if let Some(fastest) = fastest {
                health.test_takes(MS * 900);
                health.test_takes(MS * fastest);
            }
            assert_eq!(health.ended(&error(), MS * slowest), None);
            for _ in 0..3 {
                assert_eq!(health.ended(&error(), MS), None);
            }
            let reason = health.ended(&error(), MS);
            assert_eq!(reason.is_some(), leaves, "{fastest:?} {slowest}");
            assert!(reason.is_none_or(|it| it.ends_with("takes; the last one: no licence")));
        }
    }

    #[test]
    fn a_result_between_the_errors_shows_that_tests_run() {
        let mut health = MachineHealth::default();
        for round in 0..20 {
            let outcome = if round % 5 == 4 {
                Outcome::Completed { result: None }
            } else {
                error()
            };
            assert_eq!(
                health.ended(&outcome, MS * if round % 5 == 4 { 9 } else { 1 }),
                None
            );
        }
    }
}
