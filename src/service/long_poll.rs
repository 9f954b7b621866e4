//! Waiting for a better answer (`Prefer: wait=N`): a change wakes only those whom it could serve.
//!
//! A client takes its place before it asks the store, so no change between the two is missed. For each plan that clients wait
//! for, a task watches the time.

mod plan_watch;
mod waiting_status;
mod waiting_worker;

use std::{pin::Pin, sync::Arc, time::Duration};

use tokio::{
    sync::Notify,
    time::{Sleep, sleep},
};

use super::{service_state::ServiceState, waiting_clients::WaitingTables};
use crate::model::PlanId;

pub(super) use waiting_status::WaitingStatus;
pub(super) use waiting_worker::{WaitingWorker, Woken};

/// Starts the watch of a plan, unless it has one.
fn watch(tables: &mut WaitingTables, shared: &Arc<ServiceState>, plan: PlanId) {
    tables.watches.entry(plan).or_insert_with(|| {
        let poke = Arc::new(Notify::new());
        let watch = plan_watch::run(Arc::clone(shared), plan, Arc::clone(&poke));
        tokio::spawn(watch);
        poke
    });
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
