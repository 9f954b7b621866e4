//! A worker: reserve, run under the lease, record, upload, report the result, and again.
//!
//! `work_loop` is the heart. `next_execution` reserves or waits, `active_lease` keeps the lease while the session works,
//! `settlement` records what ended, `results_upload` sends its files, and `delivery` reports its outcome.

mod active_lease;
mod delivery;
mod health;
mod next_execution;
mod results_upload;
mod settlement;
mod work_loop;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::sync::{Semaphore, mpsc, oneshot, watch};

pub(super) use self::{health::MachineHealth, results_upload::upload_turns, work_loop::work};
use super::{
    lease_keeper::LeaseKeeper,
    phase::{self, Phase},
    session::Runner,
    state::WorkerEvent,
    upload::Uploader,
};
use crate::{
    client::Client,
    model::{Capabilities, PlanId, record::RecordEvent},
};

/// What all workers of a process have in common.
#[derive(Debug)]
pub struct WorkerSettings {
    /// What they offer.
    pub offered: Capabilities,
    /// The lease they ask for and renew.
    pub lease: Duration,
    /// Whether each execution needs a server that the service allocates.
    pub allocate_server: bool,
    /// Runs the tests.
    pub runner: Arc<dyn Runner>,
    /// The folder that records name files relative to; absolute.
    pub out: PathBuf,
    /// Uploads results, if they are to be uploaded.
    pub upload: Option<Uploader>,
    /// No other process works on the plan: what cannot be started here cannot be started at all.
    pub alone: bool,
}

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) client: Client,
    pub(super) plan: PlanId,
    pub(super) settings: Arc<WorkerSettings>,
    /// Unique among all workers of the plan.
    pub(super) name: String,
    /// Its number in this process, from 0.
    pub(super) slot: usize,
    pub(super) phase: watch::Receiver<Phase>,
    /// Renews its leases.
    pub(super) keeper: LeaseKeeper,
    /// One permit for each upload at once.
    pub(super) uploads: Semaphore,
    /// To the dispatcher.
    pub(super) messages: mpsc::Sender<WorkerMessage>,
    /// The folder for the files of leases, if there is one.
    pub(super) lease_files: Option<Arc<Path>>,
    /// Of this machine, for all workers of this process.
    pub(super) health: Arc<Mutex<MachineHealth>>,
}

/// What a worker sends the dispatcher.
#[derive(Debug)]
pub(super) struct WorkerMessage {
    pub(super) slot: usize,
    pub(super) event: WorkerEvent,
    /// Answered once the record is written.
    pub(super) written: Option<oneshot::Sender<()>>,
}

impl Worker {
    /// The answer of a request; `None` if the run stops and there is none within `grace`.
    async fn unless_stopped<T>(
        &self,
        grace: Duration,
        request: impl Future<Output = T>,
    ) -> Option<T> {
        phase::unless_stopped(&self.phase, grace, request).await
    }

    async fn record(&self, event: RecordEvent) {
        self.send(WorkerEvent::Record(event)).await;
    }

    /// Returns whether the records are on disk. They are written in order, so it waits for the last one alone.
    async fn record_all_and_wait(&self, mut events: Vec<RecordEvent>) -> bool {
        let last = events.pop();
        for event in events {
            self.record(event).await;
        }
        match last {
            Some(last) => self.record_and_wait(last).await,
            None => true,
        }
    }

    /// Returns whether the record is on disk.
    async fn record_and_wait(&self, event: RecordEvent) -> bool {
        let (written, on_disk) = oneshot::channel();
        let message = WorkerMessage {
            slot: self.slot,
            event: WorkerEvent::Record(event),
            written: Some(written),
        };
        self.messages.send(message).await.is_ok() && on_disk.await.is_ok()
    }

    async fn send(&self, event: WorkerEvent) {
        let message = WorkerMessage {
            slot: self.slot,
            event,
            written: None,
        };
        // The dispatcher outlives its workers, unless it failed to write a record.
        let _ = self.messages.send(message).await;
    }
}
