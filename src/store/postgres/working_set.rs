//! What a transaction has read and changed, in memory.
//!
//! While a plan is locked nobody else changes its rows, so requests of one group work on rows in memory, and what they changed
//! is written by a few statements at the end, however many requests there were.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::execution::Execution;
use crate::store::{StoreError, rows::CounterChange};

/// A place in a queue: the prediction in milliseconds, the number of the execution.
pub(super) type Place = (i64, i64);

/// Before everything in a queue. Nothing comes after it with the same prediction, whichever index is used to look.
pub(super) const BEGINNING: Place = (i64::MAX, i64::MAX);

/// What is open: the sum of the predictions in milliseconds, and how many have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OpenWork {
    pub(super) predicted_ms: i64,
    pub(super) unknown: i64,
}

impl OpenWork {
    /// What one execution adds.
    pub(super) fn of(expected_ms: i64) -> Self {
        Self {
            predicted_ms: expected_ms,
            unknown: i64::from(expected_ms == 0),
        }
    }

    /// Adds `times` of another.
    pub(super) fn add(&mut self, other: Self, times: i64) {
        self.predicted_ms += other.predicted_ms * times;
        self.unknown += other.unknown * times;
    }
}

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
    /// What it was at first.
    pub(super) first_events: HashMap<i64, i64>,
    /// The locked plans of which executions are still to be ended, because they were cancelled.
    pub(super) cancelling: HashSet<i64>,
    /// What was open by plan and label set before this transaction, as far as it was asked for.
    pub(super) work: HashMap<(i64, i64), OpenWork>,
    /// What this transaction adds to what is open.
    pub(super) work_changes: HashMap<(i64, i64), OpenWork>,
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
pub(super) struct Queue {
    /// Numbers in order: longest first.
    pub(super) ids: Vec<i64>,
    /// Whether there are no others.
    pub(super) is_complete: bool,
    /// The place after which they begin.
    pub(super) after: Place,
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
        let row = &held.row;
        let times = i64::from(row.is_available()) - i64::from(was_available);
        let work = self.work_changes.entry((row.plan, row.label_set));
        work.or_default().add(OpenWork::of(row.expected_ms), times);
        if times > 0 {
            self.opened.insert(id);
        }
    }

    /// Whether executions of a plan and label set opened in this transaction.
    pub(super) fn has_opened(&self, plan: i64, label_set: i64) -> bool {
        let opened = self.opened.iter().filter_map(|id| self.execution(*id));
        opened
            .into_iter()
            .any(|row| (row.plan, row.label_set) == (plan, label_set))
    }

    /// The place before the first execution of a queue that is still available; `None` if it was not read, or if others
    /// opened, which may be before it.
    pub(super) fn place_before_available(&self, plan: i64, label_set: i64) -> Option<Place> {
        let queue = self.queues.get(&(plan, label_set))?;
        if self.has_opened(plan, label_set) {
            return None;
        }
        let rows = queue.ids.iter().filter_map(|id| self.execution(*id));
        let taken = rows.take_while(|row| !row.is_available()).last();
        Some(taken.map_or(queue.after, |row| (row.expected_ms, row.id)))
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
