//! Whether one more process pays: its start costs as much as many tests.

use std::time::{Duration, Instant};

/// So many starts the remaining tests must take, for another process to be started.
const STARTS: u32 = 2;

/// How far the tests are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// What the first process took to start and collect; `None` if no process was started before the sessions.
    pub(crate) start_cost: Option<Duration>,
    /// Tests that were open at the beginning.
    pub(crate) tests: u64,
    /// Those that ended.
    pub(crate) ended: u64,
    /// When the first test began.
    pub(crate) began: Option<Instant>,
    /// Sessions that have a process, or had one and go on.
    pub(crate) sessions: u32,
}

/// What a session without a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Start one.
    Start,
    /// Wait: the others are faster without it.
    Wait,
    /// Ask for a test, and start one if there is any: no other session is left to run it.
    StandIn,
}

impl Progress {
    /// What a session does that has no process.
    pub(crate) fn advice(&self, now: Instant) -> Advice {
        if self.sessions == 0 || self.ended >= self.tests {
            return Advice::StandIn;
        }
        let (Some(cost), Some(began)) = (self.start_cost, self.began) else {
            return if self.start_cost.is_some() {
                Advice::Wait
            } else {
                Advice::Start
            };
        };
        let elapsed = now.saturating_duration_since(began);
        // One that runs in each session cannot be taken by another.
        let rest = self.tests - self.ended;
        let waiting = rest.saturating_sub(u64::from(self.sessions));
        if is_worth_it(cost, elapsed, self.ended, waiting) {
            Advice::Start
        } else {
            Advice::Wait
        }
    }
}

/// Whether `waiting` tests take longer than some starts, if they take as long as those that `ended` within `elapsed`.
fn is_worth_it(cost: Duration, elapsed: Duration, ended: u64, waiting: u64) -> bool {
    let rest = elapsed.as_nanos().saturating_mul(u128::from(waiting)) / u128::from(ended.max(1));
    rest > (cost * STARTS).as_nanos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn advice(tests: u64, ended: u64, elapsed_ms: u64) -> Advice {
        let began = clock::monotonic();
        let progress = Progress {
            start_cost: Some(Duration::from_millis(400)),
            tests,
            ended,
            began: Some(began),
            sessions: 1,
        };
        progress.advice(began + Duration::from_millis(elapsed_ms))
    }

    #[test]
    fn small_suites_are_left_to_one_process() {
        // 193 tests of a millisecond.
        assert_eq!(advice(193, 10, 10), Advice::Wait);
        assert_eq!(advice(193, 150, 150), Advice::Wait);
    }

    #[test]
    fn large_suites_and_long_tests_get_another_process() {
        assert_eq!(advice(3000, 10, 10), Advice::Start);
        assert_eq!(advice(20, 1, 100), Advice::Start);
        // None has ended: the first takes at least as long as it runs by now.
        assert_eq!(advice(4, 0, 100), Advice::Wait);
        assert_eq!(advice(4, 0, 300), Advice::Start);
    }

    #[test]
    fn last_tests_that_run_already_need_no_other_process() {
        assert_eq!(advice(10, 9, 9_000), Advice::Wait);
        assert_eq!(advice(1, 0, 60_000), Advice::Wait);
        assert_eq!(advice(10, 10, 9_000), Advice::StandIn);
    }

    #[test]
    fn session_stands_in_for_one_that_is_gone() {
        let gone = Progress {
            sessions: 0,
            start_cost: Some(Duration::from_millis(400)),
            tests: 5,
            ..Progress::default()
        };
        assert_eq!(gone.advice(clock::monotonic()), Advice::StandIn);
    }

    #[test]
    fn all_processes_start_at_once_where_none_was_started_before() {
        let unknown = Progress {
            sessions: 1,
            tests: 5,
            ..Progress::default()
        };
        assert_eq!(unknown.advice(clock::monotonic()), Advice::Start);
    }
}
