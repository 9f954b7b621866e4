//! Reservations, and the leases that a worker keeps while its session works under them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::Worker;
use crate::{
    client::{Granted, LeaseRelease},
    model::{ExecutionId, LeaseToken, ServerTrouble, SquishServer, record::RecordEvent},
    run::{
        attempt::Attempt, held_lease::HeldLease, lease_files::LeaseFile, lease_keeper::KeptLease,
        session::WorkItem,
    },
};

/// A reservation under which nothing runs yet.
#[derive(Debug)]
pub(super) struct Reserved {
    pub(super) granted: Granted,
    pub(super) file: Option<LeaseFile>,
}

/// A lease while this worker works under it.
#[derive(Debug)]
pub(super) struct ActiveLease {
    pub(super) granted: Arc<Granted>,
    pub(super) kept: KeptLease,
    file: Option<LeaseFile>,
    /// Shared by all leases of one answer: their executions may fail by the same start of the tool.
    start_failed: Arc<AtomicBool>,
}

/// An execution that ended, and the lease that it ran under.
#[derive(Debug)]
pub(super) struct EndedExecution {
    pub(super) lease: ActiveLease,
    pub(super) attempt: Attempt,
}

impl ActiveLease {
    pub(super) fn execution(&self) -> ExecutionId {
        self.granted.execution
    }

    pub(super) fn work(&self) -> WorkItem {
        WorkItem {
            granted: Arc::clone(&self.granted),
            lease: self.kept.watch().clone(),
            mark: self.file.as_ref().map(|file| file.mark().to_owned()),
        }
    }

    /// What gives it back.
    pub(super) fn release(&self, trouble: Option<ServerTrouble>, alone: bool) -> LeaseRelease {
        LeaseRelease {
            execution: self.execution(),
            lease: self.granted.lease.clone(),
            trouble,
            alone,
            not_started: None,
        }
    }

    /// What gives it back because the execution could not be started here.
    pub(super) fn release_not_started(&self, reason: String) -> LeaseRelease {
        LeaseRelease {
            not_started: Some(reason),
            ..self.release(None, false)
        }
    }

    /// Keeps the process in the lease's file, for a process that ends it after this one was killed.
    pub(super) fn record_process(&mut self, pid: u32) {
        if let Some(file) = &mut self.file {
            file.record_process(pid);
        }
    }

    /// Removes its file, once the lease has ended.
    pub(super) fn remove_file(&mut self) {
        if let Some(file) = self.file.take() {
            file.remove();
        }
    }

    /// Whether it is the first of its answer whose execution could not be started.
    pub(super) fn is_first_start_failure(&self) -> bool {
        !self.start_failed.swap(true, Ordering::Relaxed)
    }
}

impl Worker {
    /// Begins to keep the leases of one answer.
    pub(super) async fn hold_all(&self, mut reserved: Vec<Reserved>) -> Vec<ActiveLease> {
        if let [Reserved { granted, .. }] = reserved.as_mut_slice() {
            *granted = self.client.fresh(granted.clone()).await;
        }
        let leases = reserved.iter().map(|Reserved { granted, .. }| HeldLease {
            execution: granted.execution,
            token: granted.lease.clone(),
            timeout: granted.timeout,
            sent_at: granted.sent_at,
        });
        let kept = self.keeper.keep(leases.collect());
        let start_failed = Arc::default();
        let mut held = Vec::with_capacity(reserved.len());
        for (Reserved { granted, file }, kept) in reserved.into_iter().zip(kept) {
            self.record(RecordEvent::Reserved {
                execution: granted.execution,
                test: granted.test.clone(),
                required: granted.required.clone(),
                attempt: granted.attempt,
                lease: granted.lease.as_ref().map(LeaseToken::fingerprint),
                squish_server: granted.server.as_ref().map(SquishServer::address),
            })
            .await;
            held.push(ActiveLease {
                granted: Arc::new(granted),
                kept,
                file,
                start_failed: Arc::clone(&start_failed),
            });
        }
        held
    }
}
