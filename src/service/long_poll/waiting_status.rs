//! A client that waits for other counts of a plan.

use std::{pin::Pin, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Sleep};

use super::{end_of_wait, watch as watch_plan};
use crate::{
    model::{Capabilities, PlanId, PlanStatus},
    service::{service_state::ServiceState, waiting_clients::Published},
};

/// A client that waits for counts. It leaves when it is dropped.
#[derive(Debug)]
pub(in crate::service) struct WaitingStatus {
    shared: Arc<ServiceState>,
    plan: PlanId,
    filter: Capabilities,
    published: watch::Receiver<Published>,
    /// Answers to questions up to this one may be older than the client.
    seen: u64,
    stopping: watch::Receiver<bool>,
    end: Pin<Box<Sleep>>,
}

impl WaitingStatus {
    /// Takes a place for `wait`. Must happen before the store is asked.
    pub(in crate::service) fn join(
        shared: &Arc<ServiceState>,
        plan: PlanId,
        filter: Capabilities,
        wait: Duration,
    ) -> Self {
        let mut tables = shared.waiting.tables();
        let (published, seen) = tables.statuses.join(plan, &filter);
        watch_plan(&mut tables, shared, plan);
        let number = tables.statuses.members(plan) as u64;
        drop(tables);
        Self {
            shared: Arc::clone(shared),
            plan,
            filter,
            published,
            seen,
            stopping: shared.stopping(),
            end: end_of_wait(shared, wait, number),
        }
    }

    /// Waits for counts that differ from `known`; `None` when the wait is over or the service is stopping.
    pub(in crate::service) async fn other_than(&mut self, known: PlanStatus) -> Option<PlanStatus> {
        loop {
            tokio::select! {
                biased;
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
                () = &mut self.end => return None,
                changed = self.published.changed() => changed.ok()?,
            }
            if let Some((question, counts)) = *self.published.borrow_and_update()
                && question > self.seen
                && counts != known
            {
                return Some(counts);
            }
        }
    }
}

impl Drop for WaitingStatus {
    fn drop(&mut self) {
        let mut tables = self.shared.waiting.tables();
        tables.statuses.leave(self.plan, &self.filter);
        tables.left(self.plan);
    }
}
