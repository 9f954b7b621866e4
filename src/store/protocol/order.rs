//! Which of the fitting executions is reserved, and which are abandoned.
//!
//! Most required labels first: few workers can run those. Then the longest, so that no long one is left for the end.
//! Executions do not age: a reservation is always from one plan, a plan is finite, and every reservation removes one
//! execution from the queue, so none can starve.

use std::cmp::Reverse;

use super::{payload::cut, request_limits::SHORTEST_HEARTBEAT, start_failures::StartFailures};
use crate::model::ExecutionId;

/// How often an execution may be skipped because the same worker lost it last.
pub(crate) const MAX_SKIPS: u32 = 3;
/// Most bytes kept of the names of workers that lost an execution.
const MAX_HOLDER_NAMES: usize = 1_024;

/// An execution that could be reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExecutionCandidate {
    /// Its number, which is also its place in the plan.
    pub(crate) id: ExecutionId,
    /// How many labels it requires.
    pub(crate) labels: usize,
    /// How long it is expected to run, in milliseconds.
    pub(crate) expected_ms: i64,
    /// How many leases expired on it, without the last one.
    pub(crate) expiries: u32,
    /// How often it was skipped since its last lease ended.
    pub(crate) skips: u32,
    /// Whether its last holder released it to be handed out by itself.
    pub(crate) alone: bool,
    /// Who could not even start it.
    pub(crate) start_failures: StartFailures,
    /// The worker of its last lease, if it named one.
    pub(crate) last_worker: Option<String>,
    /// The last lease on it, if that expired.
    pub(crate) lost: Option<ExpiredLease>,
}

/// A lease that expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExpiredLease {
    /// The worker that held it, if the request named one.
    pub(crate) worker: Option<String>,
    /// The principal that held it.
    pub(crate) principal: String,
    /// The length last requested for it, in milliseconds.
    pub(crate) timeout_ms: i64,
    /// How many leases on the execution expired before this one.
    pub(crate) earlier_expiries: u32,
    /// The workers that held those, comma-separated.
    pub(crate) earlier_holders: String,
}

impl ExpiredLease {
    /// Whether it counts as lost. A lease cut to the shortest length was released: the vendor's clients release that way.
    pub(crate) fn counts(&self) -> bool {
        self.timeout_ms > SHORTEST_HEARTBEAT.as_millis().try_into().unwrap_or(1)
    }

    fn expiries(&self) -> u32 {
        self.earlier_expiries + u32::from(self.counts())
    }

    fn holder(&self) -> &str {
        self.worker.as_deref().unwrap_or(&self.principal)
    }
}

impl ExecutionCandidate {
    /// Whether `worker` lost it last, released it to run alone or could not start it, and should get another execution first.
    pub(crate) fn deferred_for(&self, worker: Option<&str>) -> bool {
        let Some(worker) = worker.filter(|_| self.skips < MAX_SKIPS) else {
            return false;
        };
        let prefers_another = match &self.lost {
            Some(lost) => lost.counts(),
            None => self.alone,
        };
        (prefers_another && self.last_worker.as_deref() == Some(worker))
            || self.start_failures.include(worker)
    }

    /// Whether nothing else is handed out with it: its holder said so, or so many leases expired on it that it may be what
    /// ends the workers. Its neighbours in a batch must not be abandoned with it.
    pub(crate) fn goes_alone(&self, max_expiries: u32) -> bool {
        let expiries = match &self.lost {
            Some(lost) => lost.expiries(),
            None => self.expiries,
        };
        let most_together = if max_expiries == 1 { 1 } else { 2 };
        self.alone || expiries >= most_together
    }

    /// Whether more leases expired on it than allowed; 0 allows any number.
    pub(crate) fn is_poison(&self, max_expiries: u32) -> bool {
        max_expiries > 0
            && self
                .lost
                .as_ref()
                .is_some_and(|lost| lost.expiries() > max_expiries)
    }

    /// How many leases expired on it, and the names of their holders, the last one included.
    pub(crate) fn losses(&self) -> (u32, String) {
        let Some(lost) = &self.lost else {
            return (0, String::new());
        };
        if !lost.counts() {
            return (lost.earlier_expiries, lost.earlier_holders.clone());
        }
        let names = if lost.earlier_holders.is_empty() {
            lost.holder().to_owned()
        } else {
            format!("{}, {}", lost.earlier_holders, lost.holder())
        };
        (lost.expiries(), cut(&names, MAX_HOLDER_NAMES))
    }

    /// Where it stands in the order.
    pub(crate) fn key(&self) -> impl Ord + use<> {
        (Reverse(self.labels), Reverse(self.expected_ms), self.id)
    }
}

/// Sorts candidates and returns the index of the one to reserve for `worker`; those before it are skipped. If all are
/// deferred for this worker, the first is chosen.
pub(crate) fn choose(candidates: &mut [ExecutionCandidate], worker: Option<&str>) -> Option<usize> {
    candidates.sort_unstable_by_key(ExecutionCandidate::key);
    let other = candidates.iter().position(|c| !c.deferred_for(worker));
    other.or((!candidates.is_empty()).then_some(0))
}

/// The error of an abandoned execution.
pub(crate) fn abandoned(expiries: u32, holders: &str) -> String {
    format!("abandoned after {expiries} expired reservations (lost on worker {holders})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(
        id: i64,
        labels: usize,
        expected_ms: i64,
        lost: impl Into<Option<ExpiredLease>>,
    ) -> ExecutionCandidate {
        let lost: Option<ExpiredLease> = lost.into();
        ExecutionCandidate {
            id: ExecutionId(id),
            labels,
            expected_ms,
            expiries: lost.as_ref().map_or(0, |lost| lost.earlier_expiries),
            skips: 0,
            alone: false,
            start_failures: StartFailures::default(),
            last_worker: lost.as_ref().and_then(|lost| lost.worker.clone()),
            lost,
        }
    }

    fn lost(worker: &str) -> ExpiredLease {
        ExpiredLease {
            worker: Some(worker.to_owned()),
            timeout_ms: 5_000,
            principal: "p".to_owned(),
            earlier_expiries: 0,
            earlier_holders: String::new(),
        }
    }

    fn chosen(mut list: Vec<ExecutionCandidate>, worker: Option<&str>) -> Option<i64> {
        choose(&mut list, worker).map(|index| list[index].id.0)
    }

    #[test]
    fn order_is_most_labels_then_longest_then_first() {
        let list = || {
            vec![
                candidate(1, 0, 900, None),
                candidate(2, 1, 10, None),
                candidate(4, 1, 50, None),
                candidate(3, 1, 50, None),
            ]
        };
        assert_eq!(chosen(list(), None), Some(3));
        assert_eq!(chosen(vec![], None), None);
    }

    #[test]
    fn execution_is_deferred_for_the_worker_that_lost_it_at_most_three_times() {
        for (skips, expected) in [(0, 2), (2, 2), (3, 1)] {
            let mut list = vec![candidate(1, 1, 9, lost("w")), candidate(2, 0, 0, None)];
            list[0].skips = skips;
            assert_eq!(chosen(list.clone(), Some("w")), Some(expected));
            assert_eq!(chosen(list.clone(), Some("v")), Some(1));
            assert_eq!(chosen(list, None), Some(1));
        }
        assert_eq!(
            chosen(vec![candidate(1, 1, 9, lost("w"))], Some("w")),
            Some(1)
        );
    }

    #[test]
    fn execution_is_poison_after_more_expiries_than_allowed() {
        let mut one = candidate(1, 0, 0, lost("w"));
        assert!(!one.is_poison(1));
        one.lost.as_mut().unwrap().earlier_expiries = 1;
        assert!(one.is_poison(1));
        assert!(!one.is_poison(0));
        one.lost.as_mut().unwrap().timeout_ms = 1;
        assert!(!one.is_poison(1), "released, not lost");
    }

    #[test]
    fn execution_released_to_run_alone_prefers_another_worker() {
        let mut one = candidate(1, 0, 0, None);
        (one.alone, one.last_worker) = (true, Some("w".to_owned()));
        assert!(one.goes_alone(5));
        assert!(one.deferred_for(Some("w")) && !one.deferred_for(Some("v")));
        assert!(!one.deferred_for(None));
        one.skips = MAX_SKIPS;
        assert!(!one.deferred_for(Some("w")));
    }

    #[test]
    fn execution_that_a_machine_could_not_start_prefers_another_one() {
        let mut one = candidate(1, 0, 0, None);
        let _ = one.start_failures.add("w/1", "no tool", &[]);
        assert!(one.deferred_for(Some("w/2")) && !one.deferred_for(Some("v/1")));
        assert!(!one.goes_alone(5), "nothing is known against it");
    }

    #[test]
    fn execution_on_which_leases_keep_expiring_goes_alone_before_it_is_abandoned() {
        let mut one = candidate(1, 0, 0, lost("w"));
        for (earlier, max, expected) in [(0, 5, false), (1, 5, true), (0, 1, true), (1, 0, true)] {
            one.lost.as_mut().unwrap().earlier_expiries = earlier;
            assert_eq!(one.goes_alone(max), expected, "{earlier} of {max}");
            assert!(!one.is_poison(max));
        }
        one.lost = None;
        one.expiries = 2;
        assert!(one.goes_alone(5), "released after two losses");
    }
}
