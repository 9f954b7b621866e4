//! Orders the suites that a worker runs next, after those that its process has warm.

use std::cmp::Reverse;

/// A suite with open executions that fit, none of which the worker has warm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SuiteQueue {
    /// Its number: its first execution, so smaller ones come first in the plan.
    pub(crate) suite: i64,
    /// The predicted work of its open executions.
    pub(crate) remaining_ms: i64,
    /// Whether another worker runs executions of it.
    pub(crate) is_warm_elsewhere: bool,
}

impl SuiteQueue {
    /// Whether its executions are taken from the end, away from the worker that has it warm.
    pub(crate) fn is_taken_backward(&self) -> bool {
        self.is_warm_elsewhere
    }
}

/// Suites that no worker has warm first, then those of others; the longest first.
pub(crate) fn sort(queues: &mut [SuiteQueue]) {
    queues.sort_unstable_by_key(|it| (it.is_warm_elsewhere, Reverse(it.remaining_ms), it.suite));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cold_suites_come_first_and_the_longest_of_them() {
        let queue = |suite, remaining_ms, is_warm_elsewhere| SuiteQueue {
            suite,
            remaining_ms,
            is_warm_elsewhere,
        };
        let mut queues = [
            queue(1, 900, true),
            queue(2, 10, false),
            queue(3, 50, false),
            queue(4, 950, true),
            queue(5, 50, false),
        ];
        sort(&mut queues);
        assert_eq!(queues.map(|it| it.suite), [3, 5, 2, 4, 1]);
        assert!(!queues[0].is_taken_backward() && queues[3].is_taken_backward());
    }
}
