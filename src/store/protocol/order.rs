//! Which of the executions that fit is handed out, and which are given up.
//!
//! Most required labels first: few workers can take those. Then the longest, so that no long one is left for the
//! end. The ageing of §6 is left out: a reservation is always of one plan, a plan is finite, and every reservation
//! takes one execution out of the line, so none can starve within it.

use std::cmp::Reverse;

use super::limits::SHORTEST_HEARTBEAT;
use crate::model::ExecutionId;

/// How often an execution may be passed over because the same worker lost it last.
pub const MAX_SKIPS: u32 = 3;

/// An execution that could be handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which; also its place in the plan.
    pub id: ExecutionId,
    /// How many labels it requires.
    pub labels: usize,
    /// How long it is expected to run, in milliseconds.
    pub expected_ms: i64,
    /// Its last lease, if that ended without a word.
    pub lost: Option<Lost>,
}

/// A lease that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The worker that had it, where it said.
    pub worker: Option<String>,
    /// How long the lease was last asked to be, in milliseconds.
    pub timeout_ms: i64,
    /// How many leases ended before this one.
    pub expiries: u32,
    /// How often it was passed over since.
    pub skips: u32,
}

impl Lost {
    /// A lease cut to the shortest by its holder was given back, not lost: that is how the vendor's clients do it.
    pub fn counts(&self) -> bool {
        self.timeout_ms > SHORTEST_HEARTBEAT.as_millis().try_into().unwrap_or(1)
    }

    /// How many leases have ended with this one.
    pub fn expiries(&self) -> u32 {
        self.expiries + u32::from(self.counts())
    }
}

impl Candidate {
    /// Whether `worker` lost it and should get something else first.
    pub fn deferred_for(&self, worker: Option<&str>) -> bool {
        worker.is_some()
            && self.lost.as_ref().is_some_and(|lost| {
                lost.counts() && lost.skips < MAX_SKIPS && lost.worker.as_deref() == worker
            })
    }

    /// Whether to give it up instead: more leases ended on it than allowed; 0 allows any number.
    pub fn is_poison(&self, max_expiries: u32) -> bool {
        max_expiries > 0
            && self
                .lost
                .as_ref()
                .is_some_and(|lost| lost.expiries() > max_expiries)
    }

    fn key(&self) -> impl Ord + use<> {
        (Reverse(self.labels), Reverse(self.expected_ms), self.id)
    }
}

/// Sorts candidates and says which goes out to `worker`: the index of the chosen one; those before it are passed
/// over. Deferred, never refused: with nothing else there, the first goes out.
pub fn choose(candidates: &mut [Candidate], worker: Option<&str>) -> Option<usize> {
    candidates.sort_unstable_by_key(Candidate::key);
    let other = candidates.iter().position(|c| !c.deferred_for(worker));
    other.or((!candidates.is_empty()).then_some(0))
}

/// The words under which a poisonous execution is given up.
pub fn abandoned(expiries: u32, lost_on: &str) -> String {
    format!("abandoned after {expiries} expired reservations (lost on worker {lost_on})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(
        id: i64,
        labels: usize,
        expected_ms: i64,
        lost: impl Into<Option<Lost>>,
    ) -> Candidate {
        Candidate {
            id: ExecutionId(id),
            labels,
            expected_ms,
            lost: lost.into(),
        }
    }

    fn lost(worker: &str, skips: u32) -> Lost {
        Lost {
            worker: Some(worker.to_owned()),
            timeout_ms: 5_000,
            expiries: 0,
            skips,
        }
    }

    fn chosen(mut list: Vec<Candidate>, worker: Option<&str>) -> Option<i64> {
        choose(&mut list, worker).map(|index| list[index].id.0)
    }

    #[test]
    fn most_labels_then_longest_then_first() {
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
    fn what_a_worker_lost_comes_last_three_times() {
        for (skips, expected) in [(0, 2), (2, 2), (3, 1)] {
            let list = vec![
                candidate(1, 1, 9, lost("w", skips)),
                candidate(2, 0, 0, None),
            ];
            assert_eq!(chosen(list.clone(), Some("w")), Some(expected));
            assert_eq!(chosen(list.clone(), Some("v")), Some(1));
            assert_eq!(chosen(list, None), Some(1));
        }
        assert_eq!(
            chosen(vec![candidate(1, 1, 9, lost("w", 0))], Some("w")),
            Some(1)
        );
    }

    #[test]
    fn poison_is_more_than_allowed() {
        let mut one = candidate(1, 0, 0, lost("w", 0));
        assert!(!one.is_poison(1));
        one.lost.as_mut().unwrap().expiries = 1;
        assert!(one.is_poison(1));
        assert!(!one.is_poison(0));
        one.lost.as_mut().unwrap().timeout_ms = 1;
        assert!(!one.is_poison(1), "given back, not lost");
    }
}
