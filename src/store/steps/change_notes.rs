//! What the requests of one transaction changed for waiting clients, noted while they run.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::{
    model::{Capabilities, LabelCase, PlanId},
    store::{Changes, OpenedExecutions},
};

/// The notes of a transaction. One that is rolled back in part may have noted too much: that only wakes a client in vain.
#[derive(Debug, Default)]
pub(in crate::store) struct ChangeNotes {
    plans: HashMap<PlanId, BTreeMap<i64, LabelSetNote>>,
    free_servers: usize,
}

/// What happened to the executions of one label set of a plan.
#[derive(Debug)]
struct LabelSetNote {
    required: Arc<Capabilities>,
    opened: usize,
    is_drained: bool,
}

impl ChangeNotes {
    /// An execution opened.
    pub(in crate::store) fn opened(&mut self, plan: PlanId, set: i64, required: Arc<Capabilities>) {
        let note = self.of_set(plan, set, required);
        note.opened += 1;
        note.is_drained = false;
    }

    /// An execution ended; `is_drained` if none of its label set is open or reserved now.
    pub(in crate::store) fn ended(
        &mut self,
        plan: PlanId,
        set: i64,
        required: Arc<Capabilities>,
        is_drained: bool,
    ) {
        self.of_set(plan, set, required).is_drained = is_drained;
    }

    /// A Squish server may have become free.
    pub(in crate::store) fn freed_server(&mut self) {
        self.free_servers += 1;
    }

    /// The notes since the last call.
    pub(in crate::store) fn take(&mut self, label_case: LabelCase) -> Changes {
        let notes = std::mem::take(self);
        let mut changes = Changes {
            label_case,
            free_servers: notes.free_servers,
            ..Changes::default()
        };
        for (plan, sets) in notes.plans {
            let of_plan = changes.plans.entry(plan).or_default();
            for note in sets.into_values() {
                if note.is_drained {
                    of_plan.drained.push(Arc::clone(&note.required));
                } else if note.opened > 0 {
                    let (required, count) = (note.required, note.opened);
                    of_plan.opened.push(OpenedExecutions { required, count });
                }
            }
        }
        changes
    }

    fn of_set(&mut self, plan: PlanId, set: i64, required: Arc<Capabilities>) -> &mut LabelSetNote {
        let sets = self.plans.entry(plan).or_default();
        sets.entry(set).or_insert(LabelSetNote {
            required,
            opened: 0,
            is_drained: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_of_a_transaction_are_added_up_by_plan_and_label_set() {
        let required = Arc::new(Capabilities::default());
        let mut notes = ChangeNotes::default();
        let plan = PlanId(7);
        notes.opened(plan, 1, Arc::clone(&required));
        notes.opened(plan, 1, Arc::clone(&required));
        notes.ended(plan, 2, Arc::clone(&required), true);
        // The last execution of a label set ended, then one was reset.
        notes.ended(PlanId(8), 1, Arc::clone(&required), true);
        notes.opened(PlanId(8), 1, Arc::clone(&required));
        notes.freed_server();
        let changes = notes.take(LabelCase::Folded);
        let of = |plan| &changes.plans[&PlanId(plan)];
        assert_eq!(of(7).opened.len(), 1);
        assert_eq!(of(7).opened[0].count, 2);
        assert_eq!(of(7).drained.len(), 1);
        assert_eq!((of(8).opened.len(), of(8).drained.len()), (1, 0));
        assert_eq!(changes.free_servers, 1);
        assert!(notes.take(LabelCase::Folded).is_empty(), "taken once");
    }
}
