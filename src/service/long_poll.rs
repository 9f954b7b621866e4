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
    time::{Sleep, sleep_until},
};

use super::{service_state::ServiceState, waiting_clients::WaitingTables};
use crate::{clock, model::PlanId};

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
/// Such waits end in steps of this length: to answer some clients at once takes fewer timers and less time than one by one.
const STEP: Duration = Duration::from_millis(100);

/// The end of the wait of the client with this number.
fn end_of_wait(shared: &ServiceState, wait: Duration, number: u64) -> Pin<Box<Sleep>> {
    let passed = clock::timer() - shared.started;
    let end = shared.started + passed + length_of_wait(passed, wait, number);
    Box::pin(sleep_until(end))
}

/// How long a client waits that came when the service had run for `passed`: never longer than it asked for.
fn length_of_wait(passed: Duration, wait: Duration, number: u64) -> Duration {
    if wait < SPREAD_FROM {
        return wait;
    }
    let latest = passed + wait.mul_f64(1.0 - spread(number) / 10.0);
    let beyond_step = latest.as_nanos() % STEP.as_nanos();
    let beyond_step = Duration::from_nanos(u64::try_from(beyond_step).unwrap_or_default());
    latest.saturating_sub(beyond_step).saturating_sub(passed)
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
    fn long_waits_end_in_steps_and_none_takes_longer_than_asked_for() {
        let seconds = Duration::from_secs;
        for number in 0..1_000 {
            let passed = Duration::from_micros(number * 977);
            let length = length_of_wait(passed, seconds(60), number);
            assert!(
                length <= seconds(60) && length + STEP > seconds(54),
                "{length:?}"
            );
            let end = passed + length;
            assert_eq!(end.as_nanos() % STEP.as_nanos(), 0, "{end:?}");
            assert_eq!(length_of_wait(passed, seconds(9), number), seconds(9));
        }
    }

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
