//! A reservation, and the lease that a worker keeps while its session works under it.

use std::sync::Arc;

use super::Worker;
use crate::{
    client::Granted,
    model::{ExecutionId, LeaseToken, SquishServer, record::RecordEvent},
    run::{
        attempt::Attempt, heartbeat::HeartbeatTask, held_lease::HeldLease, lease_files::LeaseFile,
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
    pub(super) heartbeat: HeartbeatTask,
    file: Option<LeaseFile>,
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

    pub(super) fn token(&self) -> Option<&LeaseToken> {
        self.granted.lease.as_ref()
    }

    pub(super) fn work(&self) -> WorkItem {
        WorkItem {
            granted: Arc::clone(&self.granted),
            lease: self.heartbeat.watch().clone(),
            mark: self.file.as_ref().map(|file| file.mark().to_owned()),
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
}

impl Worker {
    /// Begins to keep the lease of a reservation.
    pub(super) async fn hold(&self, reserved: Reserved) -> ActiveLease {
        let granted = self.client.fresh(reserved.granted).await;
        self.record(RecordEvent::Reserved {
            execution: granted.execution,
            test: granted.test.clone(),
            required: granted.required.clone(),
            attempt: granted.attempt,
            lease: granted.lease.as_ref().map(LeaseToken::fingerprint),
            squish_server: granted.server.as_ref().map(SquishServer::address),
        })
        .await;
        let lease = HeldLease {
            execution: granted.execution,
            token: granted.lease.clone(),
            timeout: granted.timeout,
            sent_at: granted.sent_at,
        };
        ActiveLease {
            granted: Arc::new(granted),
            heartbeat: HeartbeatTask::start(self.client.clone(), lease, self.settings.lease),
            file: reserved.file,
        }
    }
}
