//! Waiting for a better answer (`Prefer: wait=N`) without losing a wake-up: subscribe, look, wait, look again.

use std::{pin::Pin, time::Duration};

use tokio::{
    sync::watch,
    time::{Sleep, sleep},
};

use super::{failure::Failure, shared::Shared};
use crate::model::PlanId;

/// A waiting client. Made before the first look at the store.
#[derive(Debug)]
pub(super) struct LongPoll {
    changes: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    /// What remains of the wait; `None` where the client does not wait.
    end: Option<Pin<Box<Sleep>>>,
}

/// Never looks again because of a deadline sooner than this: one that nobody can use would make it spin.
const BREATH: Duration = Duration::from_millis(10);

impl LongPoll {
    /// A client that waits for `wait`.
    pub(super) fn new(shared: &Shared, wait: Duration) -> Self {
        Self {
            changes: shared.changes(),
            stopping: shared.stopping(),
            end: (!wait.is_zero()).then(|| Box::pin(sleep(wait))),
        }
    }

    /// Waits until it is worth looking at the plan again, `look` at the latest. Says `false` when the wait is over or the
    /// service is stopping: then the last answer is the answer.
    pub(super) async fn again(
        &mut self,
        shared: &Shared,
        plan: PlanId,
        look: Duration,
    ) -> Result<bool, Failure> {
        let Some(end) = &mut self.end else {
            return Ok(false);
        };
        let deadline = shared
            .ask(move |store, now| store.next_deadline(plan, now))
            .await?;
        let pause = deadline.map_or(look, |deadline| {
            deadline.since(shared.clock.now()).max(BREATH).min(look)
        });
        Ok(tokio::select! {
            biased;
            _ = self.stopping.wait_for(|stopping| *stopping) => false,
            () = end => false,
            changed = self.changes.changed() => changed.is_ok(),
            () = sleep(pause) => true,
        })
    }
}
