//! The leases of a call. The call goes on until the last of them is lost. An execution ends when its lease is lost, or when its
//! result is reported, also while the call still runs.

use std::{
    collections::{HashMap, hash_map::Entry},
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

/// Why a call does not decide about an execution any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// Its lease was lost, and that was reported.
    Lost,
    /// Its result was reported while the call ran.
    Reported,
}

/// The leases of the executions that share a call.
#[derive(Debug)]
pub(crate) struct CallLeases {
    leases: Vec<(ExecutionId, LeaseWatch)>,
    over: Mutex<HashMap<ExecutionId, Over>>,
    events: mpsc::UnboundedSender<SessionEvent>,
}

impl CallLeases {
    pub(crate) fn new(work: &[WorkItem], events: mpsc::UnboundedSender<SessionEvent>) -> Self {
        let leases = work
            .iter()
            .map(|work| (work.granted.execution, work.lease.clone()));
        Self {
            leases: leases.collect(),
            over: Mutex::default(),
            events,
        }
    }

    /// Whether the execution has still its lease, and no result. If the lease was lost, that is reported.
    pub(crate) fn is_held(&self, work: &WorkItem) -> bool {
        let execution = work.granted.execution;
        if let Some(reason) = work.lease.loss() {
            self.report_lost(execution, &reason);
        }
        !self.over().contains_key(&execution)
    }

    /// Notes that the result of the execution was reported: what happens to its lease does not matter any more.
    pub(crate) fn set_reported(&self, execution: ExecutionId) {
        self.over().insert(execution, Over::Reported);
    }

    pub(crate) fn is_reported(&self, execution: ExecutionId) -> bool {
        self.over().get(&execution) == Some(&Over::Reported)
    }

    pub(crate) fn has_reported(&self) -> bool {
        self.over().values().any(|over| *over == Over::Reported)
    }

    fn report_lost(&self, execution: ExecutionId, reason: &str) {
        match self.over().entry(execution) {
            Entry::Occupied(_) => return,
            Entry::Vacant(entry) => entry.insert(Over::Lost),
        };
        tracing::warn!(%execution, %reason, "lease lost, the results of the test do not count");
        let attempt = Attempt::without_process(Duration::ZERO, Outcome::LeaseLost);
        // Received for as long as the session lives.
        let _ = self.events.send(SessionEvent::Ended {
            execution,
            attempt: Box::new(attempt),
        });
    }

    fn over(&self) -> MutexGuard<'_, HashMap<ExecutionId, Over>> {
        ignore_poison(self.over.lock())
    }

    fn all_are_over(&self) -> bool {
        let over = self.over();
        let mut executions = self.leases.iter().map(|(execution, _)| execution);
        executions.all(|execution| over.contains_key(execution))
    }
}

impl Right for CallLeases {
    async fn lost(&self) -> String {
        let mut waiting: FuturesUnordered<_> = self
            .leases
            .iter()
            .filter(|(execution, _)| !self.over().contains_key(execution))
            .map(|(execution, lease)| async move { (*execution, lease.lost().await) })
            .collect();
        while let Some((execution, reason)) = waiting.next().await {
            self.report_lost(execution, &reason);
            if self.all_are_over() {
                return reason;
            }
        }
        "its leases were lost".to_owned()
    }

    fn kill_budget(&self) -> Duration {
        let budgets = self.leases.iter().map(|(_, lease)| lease.kill_budget());
        budgets.min().unwrap_or_default()
    }
}
