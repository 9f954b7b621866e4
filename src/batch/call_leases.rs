//! The leases of a call: it goes on until the last of them is lost, and each loss ends its execution at once.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::sync::mpsc;

use crate::{
    model::{ExecutionId, Outcome},
    run::{Attempt, SessionEvent, WorkItem, heartbeat::LeaseWatch, supervisor::Right},
    sync::ignore_poison,
};

/// The leases of the executions that share a call.
#[derive(Debug)]
pub(crate) struct CallLeases {
    leases: Vec<(ExecutionId, LeaseWatch)>,
    /// Those that were lost, and reported as such.
    lost: Mutex<HashSet<ExecutionId>>,
    events: mpsc::UnboundedSender<SessionEvent>,
}

impl CallLeases {
    pub(crate) fn new(work: &[WorkItem], events: mpsc::UnboundedSender<SessionEvent>) -> Self {
        let leases = work
            .iter()
            .map(|work| (work.granted.execution, work.lease.clone()));
        Self {
            leases: leases.collect(),
            lost: Mutex::default(),
            events,
        }
    }

    /// Whether the execution has still its lease. If not, that is reported.
    pub(crate) fn is_held(&self, work: &WorkItem) -> bool {
        if let Some(reason) = work.lease.loss() {
            self.report_lost(work.granted.execution, &reason);
            return false;
        }
        !self.lost().contains(&work.granted.execution)
    }

    fn report_lost(&self, execution: ExecutionId, reason: &str) {
        if !self.lost().insert(execution) {
            return;
        }
        tracing::warn!(%execution, %reason, "lease lost, the results of the test do not count");
        let attempt = Attempt::without_process(Duration::ZERO, Outcome::LeaseLost);
        // Received for as long as the session lives.
        let _ = self.events.send(SessionEvent::Ended {
            execution,
            attempt: Box::new(attempt),
        });
    }

    fn lost(&self) -> MutexGuard<'_, HashSet<ExecutionId>> {
        ignore_poison(self.lost.lock())
    }
}

impl Right for CallLeases {
    async fn lost(&self) -> String {
        let held = self.leases.iter().filter(|(execution, _)| {
            let lost = Self::lost(self);
            !lost.contains(execution)
        });
        let mut waiting: FuturesUnordered<_> = held
            .map(|(execution, lease)| async move { (*execution, lease.lost().await) })
            .collect();
        let mut last = "its leases were lost".to_owned();
        while let Some((execution, reason)) = waiting.next().await {
            self.report_lost(execution, &reason);
            last = reason;
        }
        last
    }

    fn kill_budget(&self) -> Duration {
        let budgets = self.leases.iter().map(|(_, lease)| lease.kill_budget());
        budgets.min().unwrap_or_default()
    }
}
