//! What a replica knows of a plan from its last transaction about it, so that the next one need not read it again.
//!
//! Each change of what is available has an event, and the events of a plan have numbers without a gap: while the next number is
//! the one that this replica left, no other replica changed the plan. Without this a request would look for the first available
//! execution from the beginning of the index, over all entries of those that were handed out before. PostgreSQL cannot remove
//! these while an older transaction is open.

use std::collections::HashMap;

use super::working_set::{BEGINNING, OpenWork, Place, WorkingSet};
use crate::model::Timestamp;

/// Most plans that are kept; past it all are dropped.
const MAX_PLANS: usize = 256;

#[derive(Debug, Default)]
struct KnownPlan {
    /// No lease is left that ended until then.
    expired_until: Timestamp,
    /// The number of the next event.
    next_event: i64,
    /// The place after which the first available execution of a label set is.
    places: HashMap<i64, Place>,
    work: HashMap<i64, OpenWork>,
}

/// The plans of the last transactions.
#[derive(Debug, Default)]
pub(super) struct KnownPlans(HashMap<i64, KnownPlan>);

impl KnownPlans {
    /// Forgets everything: a transaction was not committed.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Until when the leases of a plan are expired.
    pub(super) fn expired_until(&self, plan: i64) -> Timestamp {
        let known = self.0.get(&plan);
        known.map_or(Timestamp(i64::MIN), |it| it.expired_until)
    }

    /// Where the queue of a plan and label set begins, if no other replica changed the plan.
    pub(super) fn place(&self, plan: i64, label_set: i64) -> Place {
        let known = self.0.get(&plan);
        let place = known.and_then(|it| it.places.get(&label_set));
        place.copied().unwrap_or(BEGINNING)
    }

    /// Whether no other replica changed the plan.
    pub(super) fn is_unchanged(&self, plan: i64, next_event: i64) -> bool {
        let known = self.0.get(&plan);
        known.is_some_and(|it| it.next_event == next_event)
    }

    /// What was open when this replica left the plan.
    pub(super) fn work(&self, plan: i64, label_set: i64) -> Option<OpenWork> {
        self.0.get(&plan)?.work.get(&label_set).copied()
    }

    /// Keeps what a transaction left, once it is committed.
    pub(super) fn learn(&mut self, set: &WorkingSet, now: Timestamp) {
        if self.0.len() > MAX_PLANS {
            self.0.clear();
        }
        for (plan, next_event) in &set.next_events {
            let known = self.0.entry(*plan).or_default();
            if set.first_events.get(plan) != Some(&known.next_event) {
                *known = KnownPlan::default();
            }
            known.expired_until = known.expired_until.max(now);
            known.next_event = *next_event;
            known
                .places
                .retain(|label_set, _| !set.has_opened(*plan, *label_set));
        }
        for ((plan, label_set), change) in &set.work_changes {
            let known = self
                .0
                .get_mut(plan)
                .and_then(|it| it.work.get_mut(label_set));
            if let Some(work) = known
                && !set.work.contains_key(&(*plan, *label_set))
            {
                work.add(*change, 1);
            }
        }
        for (key @ (plan, label_set), before) in &set.work {
            let Some(known) = self.0.get_mut(plan) else {
                continue;
            };
            let mut work = *before;
            work.add(set.work_changes.get(key).copied().unwrap_or_default(), 1);
            known.work.insert(*label_set, work);
        }
        for (plan, label_set) in set.queues.keys() {
            let place = set.place_before_available(*plan, *label_set);
            if let (Some(known), Some(place)) = (self.0.get_mut(plan), place) {
                known.places.insert(*label_set, place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::postgres::{execution::Execution, working_set::Queue};

    fn open_execution(id: i64, expected_ms: i64) -> Execution {
        Execution {
            id,
            plan: 1,
            label_set: 5,
            expected_ms,
            ..Execution::default()
        }
    }

    /// A transaction about plan 1 that began with event `first`, and wrote events up to `next`.
    fn transaction(first: i64, next: i64) -> WorkingSet {
        let mut set = WorkingSet::default();
        set.first_events.insert(1, first);
        set.next_events.insert(1, next);
        set
    }

    /// Reads two open executions and takes the first one.
    fn one_taken(first: i64, next: i64) -> WorkingSet {
        let mut set = transaction(first, next);
        set.add(open_execution(10, 300));
        set.add(open_execution(11, 200));
        let queue = Queue {
            ids: vec![10, 11],
            is_complete: false,
            after: BEGINNING,
        };
        set.queues.insert((1, 5), queue);
        let before = OpenWork {
            predicted_ms: 500,
            unknown: 0,
        };
        set.work.insert((1, 5), before);
        set.change(10, |row| row.state = 2);
        set
    }

    #[test]
    fn place_and_work_are_kept_after_a_commit() {
        let mut known = KnownPlans::default();
        assert_eq!(known.place(1, 5), BEGINNING);
        assert!(!known.is_unchanged(1, 1));
        known.learn(&one_taken(1, 2), Timestamp(70));
        assert_eq!(known.place(1, 5), (300, 10));
        assert_eq!(known.work(1, 5).map(|it| it.predicted_ms), Some(200));
        assert_eq!(known.expired_until(1), Timestamp(70));
        assert!(known.is_unchanged(1, 2));
        assert!(!known.is_unchanged(1, 3), "another replica wrote an event");
    }

    #[test]
    fn work_of_others_is_not_mixed_with_what_was_known() {
        let mut known = KnownPlans::default();
        known.learn(&one_taken(1, 2), Timestamp(70));
        known.learn(&transaction(9, 10), Timestamp(60));
        assert_eq!(known.place(1, 5), BEGINNING);
        assert_eq!(known.work(1, 5), None);
        assert_eq!(known.expired_until(1), Timestamp(60));
        assert!(known.is_unchanged(1, 10));
    }

    #[test]
    fn place_is_forgotten_if_an_execution_opens_before_it() {
        let mut known = KnownPlans::default();
        known.learn(&one_taken(1, 2), Timestamp(70));
        let mut set = transaction(2, 3);
        let mut row = open_execution(10, 300);
        row.state = 2;
        set.add(row);
        set.change(10, |row| row.state = 0);
        known.learn(&set, Timestamp(80));
        assert_eq!(known.place(1, 5), BEGINNING);
        assert_eq!(known.work(1, 5).map(|it| it.predicted_ms), Some(500));
    }

    #[test]
    fn nothing_is_known_after_a_failure() {
        let mut known = KnownPlans::default();
        known.learn(&one_taken(1, 2), Timestamp(70));
        known.clear();
        assert_eq!(known.place(1, 5), BEGINNING);
        assert!(!known.is_unchanged(1, 2));
        assert_eq!(known.expired_until(1), Timestamp(i64::MIN));
    }
}
