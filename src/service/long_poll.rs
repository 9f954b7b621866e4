//! Waiting for a better answer (`Prefer: wait=N`). It subscribes to changes before it asks the store, so none is missed.

use std::{pin::Pin, time::Duration};

use tokio::{
    sync::watch,
    time::{Sleep, sleep},
};

use super::{http_error::HttpError, service_state::ServiceState};
use crate::model::PlanId;

/// A waiting client. Created before the store is asked for the first time.
#[derive(Debug)]
pub(super) struct LongPoll {
    changes: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    /// The end of the wait; `None` if the client does not wait.
    end: Option<Pin<Box<Sleep>>>,
}

/// Shortest pause before a deadline: without it, a deadline that changes nothing for this client would make it spin.
const MIN_PAUSE: Duration = Duration::from_millis(10);

impl LongPoll {
    /// A client that waits for `wait`.
    pub(super) fn new(shared: &ServiceState, wait: Duration) -> Self {
        Self {
            changes: shared.changes(),
            stopping: shared.stopping(),
            end: (!wait.is_zero()).then(|| Box::pin(sleep(wait))),
        }
    }

    /// Waits for a change or a deadline of the plan, at most for `look`. Returns `false` when the wait is over or the service
    /// is stopping: then the last answer stands.
    pub(super) async fn wait_for_change(
        &mut self,
        shared: &ServiceState,
        plan: PlanId,
        look: Duration,
    ) -> Result<bool, HttpError> {
        let Some(end) = &mut self.end else {
            return Ok(false);
        };
        let deadline = shared
            .ask(move |store, now| store.next_deadline(plan, now))
            .await?;
        let pause = deadline.map_or(look, |deadline| {
            deadline.since(shared.clock.now()).max(MIN_PAUSE).min(look)
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
