//! The service's housekeeping, once a second.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::AbortHandle,
    time::{MissedTickBehavior, interval},
};

use crate::{clock::ServiceClock, store::Store};

/// Sweeps the store every `beat`, and after the machine slept moves all leases first: the service was away, not the
/// workers.
pub(super) fn start(
    store: Arc<dyn Store>,
    clock: Arc<ServiceClock>,
    beat: Duration,
) -> AbortHandle {
    let housekeeping = async move {
        let mut ticks = interval(beat);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut alive = clock.now();
        loop {
            ticks.tick().await;
            if let Some(span) = clock.suspension() {
                tracing::warn!(?span, "the machine slept; all leases are moved by as much");
                report(store.compensate(alive, span, clock.now()).await);
            }
            alive = clock.now();
            report(store.sweep(alive).await);
        }
    };
    tokio::spawn(housekeeping).abort_handle()
}

fn report(done: Result<(), crate::store::StoreError>) {
    if let Err(cause) = done {
        tracing::warn!(%cause, "housekeeping failed; it is tried again with the next beat");
    }
}
