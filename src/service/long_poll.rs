//! Waiting for a better answer (`Prefer: wait=N`): a change wakes only those whom it could serve.
//!
//! A client takes its place before it asks the store, so no change between the two is missed. The store reports what each
//! commit changed; for each plan that clients wait for, a task watches the time.

mod plan_watch;
mod status_groups;
mod waiting_status;
mod waiting_worker;
mod worker_groups;

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Sleep, sleep},
};

use super::service_state::ServiceState;
use crate::{
    model::PlanId,
    store::{ChangeListener, Changes},
    sync::ignore_poison,
};
use status_groups::StatusGroups;
use worker_groups::WorkerGroups;

pub(super) use waiting_status::WaitingStatus;
pub(super) use waiting_worker::{WaitingWorker, Woken};

/// All clients that wait.
#[derive(Debug, Default)]
pub(super) struct WaitingClients(Mutex<WaitingTables>);

#[derive(Debug, Default)]
struct WaitingTables {
    workers: WorkerGroups,
    statuses: StatusGroups,
    /// One for each plan with a [`plan_watch`].
    watches: HashMap<PlanId, Arc<Notify>>,
}

impl WaitingClients {
    fn tables(&self) -> MutexGuard<'_, WaitingTables> {
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
    fn has_waiting(&self, plan: PlanId) -> bool {
        self.workers.has_waiting(plan) || self.statuses.has_waiting(plan)
    }

    /// Wakes the watch of a plan.
    fn poke(&self, plan: PlanId) {
        if let Some(watch) = self.watches.get(&plan) {
            watch.notify_one();
        }
    }

    /// Ends the watch of a plan that no client waits for any more.
    fn left(&self, plan: PlanId) {
        if !self.has_waiting(plan) {
            self.poke(plan);
        }
    }

    /// Starts the watch of a plan, unless it has one.
    fn watch(&mut self, shared: &Arc<ServiceState>, plan: PlanId) {
        let shared = Arc::clone(shared);
        self.watches.entry(plan).or_insert_with(|| {
            let poke = Arc::new(Notify::new());
            tokio::spawn(plan_watch::run(shared, plan, Arc::clone(&poke)));
            poke
        });
    }
}

/// A wait of at least this length ends up to a tenth earlier, so that clients that came together do not come again together.
const SPREAD_FROM: Duration = Duration::from_secs(10);

/// The end of the wait of the client with this number.
fn end_of_wait(wait: Duration, number: u64) -> Pin<Box<Sleep>> {
    let early = if wait < SPREAD_FROM {
        Duration::ZERO
    } else {
        wait.mul_f64(spread(number) / 10.0)
    };
    Box::pin(sleep(wait.saturating_sub(early)))
}

/// A number from 0 to 1 for a place in a row: neighbours are far apart, and many fill the range evenly.
#[expect(clippy::cast_precision_loss, reason = "the lowest 32 bits are exact")]
fn spread(number: u64) -> f64 {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    (number.wrapping_mul(GOLDEN) >> 32) as f64 / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_fills_the_range_evenly() {
        let mut parts = [0; 10];
        for number in 0..1_000 {
            let at = spread(number);
            assert!((0.0..=1.0).contains(&at), "{at}");
            let part = (0..9).find(|part| at < f64::from(part + 1) / 10.0);
            parts[usize::try_from(part.unwrap_or(9)).unwrap()] += 1;
        }
        assert!(
            parts.iter().all(|count| (90..=110).contains(count)),
            "{parts:?}"
        );
    }
}
