//! Periodic housekeeping: sweeps the store, and extends leases after the machine slept.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::AbortHandle,
    time::{MissedTickBehavior, interval},
};

use super::live_workers::LiveWorkers;
use crate::{
    clock::ServiceClock,
    store::{Store, StoreError},
};

/// Sweeps the store every `period`. After the machine slept it first extends all leases, because the service, not the
/// workers, stopped.
pub(super) fn start(
    store: Arc<dyn Store>,
    clock: Arc<ServiceClock>,
    live_workers: LiveWorkers,
    period: Duration,
) -> AbortHandle {
    let housekeeping = async move {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut alive = clock.now();
        loop {
            ticks.tick().await;
            if let Some(span) = clock.suspension() {
                tracing::warn!(
                    ?span,
                    "the machine slept: all leases are extended by that time"
                );
                report(store.compensate(alive, span, clock.now()).await);
            }
            alive = clock.now();
            report(store.sweep(alive).await);
            if store.has_replicas() {
                let own = live_workers.presence(alive);
                match store.share_workers(own, alive).await {
                    Ok(elsewhere) => live_workers.set_elsewhere(elsewhere),
                    Err(cause) => report(Err(cause)),
                }
            }
        }
    };
    tokio::spawn(housekeeping).abort_handle()
}

fn report(done: Result<(), StoreError>) {
    match done {
        // The store logs when a fault of the disk or an outage of the database begins and ends.
        Ok(()) | Err(StoreError::Disk(_) | StoreError::Away(_)) => {}
        Err(cause) => tracing::warn!(%cause, "housekeeping failed; it runs again next time"),
    }
}
