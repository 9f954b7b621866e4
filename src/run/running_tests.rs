//! How long the tests that run have been running.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::observer::RunningTest;
use crate::model::{ExecutionId, Test};

/// When each of them was seen first.
#[derive(Debug, Default)]
pub(super) struct RunningTests(HashMap<ExecutionId, Instant>);

impl RunningTests {
    /// Takes in what runs now (worker, execution and test); returns it with ages, the oldest first.
    pub(super) fn update<'a>(
        &mut self,
        running: impl Iterator<Item = (usize, ExecutionId, &'a Test)>,
        now: Instant,
    ) -> Vec<RunningTest> {
        let before = std::mem::take(&mut self.0);
        let mut tests: Vec<RunningTest> = running
            .map(|(slot, id, test)| {
                let since = before.get(&id).copied().unwrap_or(now);
                self.0.insert(id, since);
                RunningTest {
                    slot,
                    test: test.clone(),
                    age: now.saturating_duration_since(since),
                }
            })
            .collect();
        tests.sort_by_key(|it| (std::cmp::Reverse(it.age), it.slot));
        tests
    }
}

/// Waits until it is time to show what runs. Without an observer that wants to see it, this never ends.
pub(super) async fn is_due(interval: &mut Option<tokio::time::Interval>) {
    match interval {
        Some(interval) => _ = interval.tick().await,
        None => std::future::pending().await,
    }
}

/// The times to show what runs.
pub(super) fn every(span: Option<Duration>) -> Option<tokio::time::Interval> {
    span.map(|span| {
        let mut interval = tokio::time::interval(span);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        interval
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_grow_until_a_test_ends() {
        let test = |name: &str| Test {
            suite: "s".to_owned(),
            testcase: name.to_owned(),
        };
        let (first, second) = (test("a"), test("b"));
        let (start, second_later) = (crate::clock::monotonic(), Duration::from_secs(1));
        let mut tests = RunningTests::default();
        tests.update([(1, ExecutionId(7), &first)].into_iter(), start);
        let now = start + second_later;
        let both = [(2, ExecutionId(8), &second), (1, ExecutionId(7), &first)];
        let seen = tests.update(both.into_iter(), now);
        let ages: Vec<_> = seen.iter().map(|it| (it.slot, it.age)).collect();
        assert_eq!(ages, [(1, second_later), (2, Duration::ZERO)]);
        tests.update([].into_iter(), now);
        let again = tests.update(
            [(1, ExecutionId(7), &first)].into_iter(),
            now + second_later,
        );
        assert_eq!(again[0].age, Duration::ZERO, "it ran before, and ended");
    }
}
