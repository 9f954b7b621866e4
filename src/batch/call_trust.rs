//! What earlier calls showed: which tests run alone from now on, and whether calls of many tests lead to results at all.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use crate::{model::ExecutionId, runner::batch_decision::CallTrouble, sync::ignore_poison};

/// So many calls in a row whose results show none of their tests end the calls of many tests.
const MOST_WITHOUT_RESULT: u32 = 2;
/// Where the service predicts nothing, a call gets this many times what a start costs, within bounds.
const STARTS: u32 = 5;
const LEAST_WORK: Duration = Duration::from_secs(2);
const MOST_WORK: Duration = Duration::from_secs(20);
/// How many tests a call gets while nothing is known about their durations.
const FIRST_COUNT: u32 = 8;
/// How much the last call counts in the mean.
const WEIGHT: f64 = 0.3;

/// What the workers of a process learned from their calls.
#[derive(Debug, Default)]
pub(crate) struct CallTrust(Mutex<Learned>);

#[derive(Debug, Default)]
struct Learned {
    alone: HashSet<ExecutionId>,
    without_result: u32,
    mean_test_ms: Option<f64>,
    start_cost: Option<Duration>,
}

impl CallTrust {
    /// Whether an execution shares no call.
    pub(crate) fn is_alone(&self, execution: ExecutionId) -> bool {
        let learned = self.learned();
        learned.without_result >= MOST_WITHOUT_RESULT || learned.alone.contains(&execution)
    }

    /// Remembers that an execution had no result in a call of many.
    pub(crate) fn set_alone(&self, execution: ExecutionId) {
        self.learned().alone.insert(execution);
    }

    /// Whether each test has a call of its own from now on.
    pub(crate) fn is_lost(&self) -> bool {
        self.learned().without_result >= MOST_WITHOUT_RESULT
    }

    /// Learns from a call of several tests. Returns whether it was the one that ended the calls of many.
    pub(crate) fn learn_trouble(&self, trouble: Option<CallTrouble>) -> bool {
        let mut learned = self.learned();
        match trouble {
            None => learned.without_result = 0,
            Some(CallTrouble::NotShown) => {
                learned.without_result = learned.without_result.saturating_add(1);
                return learned.without_result == MOST_WITHOUT_RESULT;
            }
            // One test can be to blame for these.
            Some(CallTrouble::Refused | CallTrouble::Died) => {}
        }
        false
    }

    /// Learns what a test took, and what a start cost.
    pub(crate) fn learn_times(&self, mean_test: Duration, start_cost: Option<Duration>) {
        let mut learned = self.learned();
        let ms = mean_test.as_secs_f64() * 1000.0;
        learned.mean_test_ms = Some(match learned.mean_test_ms {
            Some(mean) => mean.mul_add(1.0 - WEIGHT, ms * WEIGHT),
            None => ms,
        });
        learned.start_cost = start_cost.or(learned.start_cost);
    }

    /// How many tests to ask for, one by one, where the service predicts nothing.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float becomes the nearest number"
    )]
    pub(crate) fn count(&self, target: Option<Duration>, most: u32) -> u32 {
        let learned = self.learned();
        let Some(mean) = learned.mean_test_ms else {
            return FIRST_COUNT.min(most);
        };
        let by_start = learned.start_cost.map(|cost| cost * STARTS);
        let work = target.or(by_start).unwrap_or(LEAST_WORK);
        let work = target.unwrap_or_else(|| work.clamp(LEAST_WORK, MOST_WORK));
        let count = work.as_secs_f64() * 1000.0 / mean.max(1.0);
        (count as u32).clamp(1, most.max(1))
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        ignore_poison(self.0.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_end_after_two_without_results() {
        let trust = CallTrust::default();
        assert!(!trust.learn_trouble(Some(CallTrouble::NotShown)));
        assert!(!trust.learn_trouble(None), "a result in between");
        assert!(!trust.learn_trouble(Some(CallTrouble::Died)));
        assert!(!trust.learn_trouble(Some(CallTrouble::NotShown)));
        assert!(!trust.is_alone(ExecutionId(1)));
        assert!(trust.learn_trouble(Some(CallTrouble::NotShown)));
        assert!(trust.is_alone(ExecutionId(1)) && trust.is_lost());
    }

    #[test]
    fn count_follows_durations_and_start_cost() {
        let trust = CallTrust::default();
        assert_eq!(trust.count(None, 200), 8);
        assert_eq!(trust.count(None, 3), 3);
        trust.learn_times(Duration::from_millis(100), Some(Duration::from_secs(1)));
        assert_eq!(trust.count(None, 200), 50);
        assert_eq!(trust.count(Some(Duration::from_secs(1)), 200), 10);
        trust.learn_times(Duration::from_secs(1000), None);
        assert_eq!(trust.count(None, 200), 1);
    }
}
