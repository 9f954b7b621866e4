//! The clients that wait, by plan, and whom a change of the store wakes.

mod status_groups;
mod worker_groups;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::Notify;

use crate::{
    model::PlanId,
    store::{ChangeListener, Changes},
    sync::ignore_poison,
};

pub(super) use status_groups::{CountsChange, Published, StatusGroups};
pub(super) use worker_groups::{GroupKey, Place, ReserveAnswer, Ticket, WakeUp, WorkerGroups};

/// All clients that wait.
#[derive(Debug, Default)]
pub(super) struct WaitingClients(Mutex<WaitingTables>);

#[derive(Debug, Default)]
pub(super) struct WaitingTables {
    pub(super) workers: WorkerGroups,
    pub(super) statuses: StatusGroups,
    /// One for each plan that a task watches; it wakes that task.
    pub(super) watches: HashMap<PlanId, Arc<Notify>>,
}

impl WaitingClients {
    pub(super) fn tables(&self) -> MutexGuard<'_, WaitingTables> {
        ignore_poison(self.0.lock())
    }
}

impl ChangeListener for WaitingClients {
    fn changed(&self, changes: &Changes) {
        let mut tables = self.tables();
        tables.workers.apply(changes);
        for (plan, of_plan) in &changes.plans {
            if tables.statuses.changed(*plan, !of_plan.drained.is_empty()) {
                tables.poke(*plan);
            }
        }
    }
}

impl WaitingTables {
    /// Whether a client waits for a plan.
    pub(super) fn has_waiting(&self, plan: PlanId) -> bool {
        self.workers.has_waiting(plan) || self.statuses.has_waiting(plan)
    }

    /// Wakes the watch of a plan.
    pub(super) fn poke(&self, plan: PlanId) {
        if let Some(watch) = self.watches.get(&plan) {
            watch.notify_one();
        }
    }

    /// Ends the watch of a plan that no client waits for any more.
    pub(super) fn left(&self, plan: PlanId) {
        if !self.has_waiting(plan) {
            self.poke(plan);
        }
    }
}
