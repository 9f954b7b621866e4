//! What a transaction has read and changed, in memory.
//!
//! While a plan is locked nobody else changes its rows, so requests of one group work on rows in memory, and what they changed
//! is written by a few statements at the end, however many requests there were.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::execution::Execution;
use crate::store::{StoreError, rows::CounterChange};

/// Everything of one transaction.
#[derive(Default)]
pub(super) struct WorkingSet {
    executions: HashMap<i64, Held>,
    /// Executions that opened in this transaction.
    opened: HashSet<i64>,
    pub(super) queues: HashMap<(i64, i64), Queue>,
    pub(super) counters: BTreeMap<(i64, i64), Counters>,
    /// The number of the next event of each locked plan.
    pub(super) next_events: HashMap<i64, i64>,
    pub(super) events: Vec<EventRow>,
    /// Keys that were looked for, by their digests.
    pub(super) keys: HashMap<Vec<u8>, Option<KeyRow>>,
    pub(super) changed_keys: BTreeMap<Vec<u8>, KeyRow>,
    /// Test, label set, milliseconds.
    pub(super) durations: Vec<(i64, i64, i64)>,
    /// The number of the last import.
    pub(super) last_import: Option<i64>,
    /// Executions of the locked plans whose leases were over when the transaction began.
    pub(super) over: Vec<i64>,
}

struct Held {
    row: Execution,
    /// State and epoch in the database, if the row differs from it.
    before: Option<(i64, u32)>,
}

/// The first available executions of a plan and label set, as the database had them.
#[derive(Default)]
pub(super) struct Queue {
    /// Numbers in order: longest first.
    pub(super) ids: Vec<i64>,
    /// Whether there are no others.
    pub(super) is_complete: bool,
}

/// Counters of a plan and label set: as they are now, and what is not written yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    /// Open, reserved, done.
    pub(super) states: [i64; 3],
    pub(super) unwritten: CounterChange,
}

/// An event to write.
pub(super) struct EventRow {
    pub(super) plan: i64,
    pub(super) id: i64,
    pub(super) execution: i64,
    pub(super) epoch: i64,
    pub(super) kind: &'static str,
    pub(super) at: i64,
    pub(super) principal: String,
    pub(super) detail: String,
}

/// An idempotency key.
#[derive(Clone, Debug)]
pub(super) struct KeyRow {
    pub(super) digest: Vec<u8>,
    pub(super) subject: i64,
    pub(super) epoch: Option<i64>,
    pub(super) expires_at: i64,
    pub(super) more: Option<String>,
}

impl WorkingSet {
    /// Adds a row from the database, unless the one in memory is newer.
    pub(super) fn add(&mut self, row: Execution) {
        let new = Held { row, before: None };
        self.executions.entry(new.row.id).or_insert(new);
    }

    pub(super) fn has(&self, id: i64) -> bool {
        self.executions.contains_key(&id)
    }

    pub(super) fn execution(&self, id: i64) -> Option<&Execution> {
        self.executions.get(&id).map(|held| &held.row)
    }

    /// Changes a row that is in memory.
    pub(super) fn change(&mut self, id: i64, change: impl FnOnce(&mut Execution)) {
        let Some(held) = self.executions.get_mut(&id) else {
            return;
        };
        held.before.get_or_insert((held.row.state, held.row.epoch));
        let was_available = held.row.is_available();
        change(&mut held.row);
        if held.row.is_available() && !was_available {
            self.opened.insert(id);
        }
    }

    /// The rows to write, each with its state and epoch in the database.
    pub(super) fn changed(&self) -> Vec<(&Execution, (i64, u32))> {
        let all = self.executions.values();
        let mut changed: Vec<_> = all
            .filter_map(|held| held.before.map(|before| (&held.row, before)))
            .collect();
        changed.sort_unstable_by_key(|(row, _)| row.id);
        changed
    }

    /// Notes that everything changed was written.
    pub(super) fn written(&mut self) {
        for held in self.executions.values_mut() {
            held.before = None;
        }
        self.events.clear();
        self.changed_keys.clear();
        self.durations.clear();
        for counters in self.counters.values_mut() {
            counters.unwritten = CounterChange::default();
        }
    }

    /// Available executions of a plan and label set in order, as far as the queue that was read reaches. The caller reads
    /// more if that is not enough.
    pub(super) fn available(&self, plan: i64, label_set: i64) -> Vec<&Execution> {
        let Some(queue) = self.queues.get(&(plan, label_set)) else {
            return Vec::new();
        };
        let of_queue = queue.ids.iter().filter_map(|id| self.execution(*id));
        let last = queue.ids.last().and_then(|id| self.execution(*id));
        let reach = last.filter(|_| !queue.is_complete).map(place);
        let opened = self.opened.iter().filter_map(|id| self.execution(*id));
        let opened = opened.filter(|row| {
            row.plan == plan
                && row.label_set == label_set
                && reach.is_none_or(|reach| place(row) <= reach)
                && !queue.ids.contains(&row.id)
        });
        let mut all: Vec<_> = of_queue
            .chain(opened)
            .filter(|row| row.is_available())
            .collect();
        all.sort_unstable_by_key(|row| place(row));
        all
    }

    /// Adds a change of counters; returns how many executions of the label set are open or reserved now.
    pub(super) fn count(
        &mut self,
        plan: i64,
        label_set: i64,
        change: CounterChange,
    ) -> Result<i64, StoreError> {
        let Some(counters) = self.counters.get_mut(&(plan, label_set)) else {
            return Err(StoreError::Broken("BUG: a counter is missing".to_owned()));
        };
        for (index, by) in change.states.into_iter().enumerate() {
            counters.states[index] += by;
            counters.unwritten.states[index] += by;
        }
        for (index, by) in change.verdicts.into_iter().enumerate() {
            counters.unwritten.verdicts[index] += by;
        }
        Ok(counters.states[0] + counters.states[1])
    }
}

/// Where an execution stands in its queue.
pub(super) fn place(row: &Execution) -> (std::cmp::Reverse<i64>, i64) {
    (std::cmp::Reverse(row.expected_ms), row.id)
}
