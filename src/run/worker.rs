//! A worker: reserve, execute under the lease, write the result down, tell the service, and again.

mod not_started;
pub mod trouble;
mod turn;
mod unreachable;

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::sync::{mpsc, oneshot, watch};

use self::trouble::Troubles;
use super::{
    executor::Executor,
    lease::FIRST_LEASE,
    lease_files::LeaseFile,
    state::{self, Leave, Phase, WorkerEvent},
    upload::Uploader,
};
use crate::{
    client::{Client, ClientError, Granted, Reservation, ReserveOptions},
    model::{Capabilities, PlanId, record::RecordEvent},
    sync::ignore_poison,
    wait::{PollBackoff, WaitingFor},
};

/// What all workers of a process have in common.
#[derive(Debug)]
pub struct WorkerSettings {
    /// What they offer.
    pub offered: Capabilities,
    /// The lease they ask for and renew.
    pub lease: Duration,
    /// Whether a Squish server is wanted with every execution.
    pub allocate_server: bool,
    /// How an execution is run.
    pub executor: Executor,
    /// Where its results are to be uploaded: with what.
    pub upload: Option<Uploader>,
    /// No other process works on the plan: what cannot be started here cannot be started at all.
    pub alone: bool,
}

/// One worker.
#[derive(Debug)]
pub struct Worker {
    /// The service.
    pub client: Client,
    /// The plan.
    pub plan: PlanId,
    /// See [`WorkerSettings`].
    pub settings: Arc<WorkerSettings>,
    /// Unique among all workers of the plan.
    pub name: String,
    /// Its number in this process, from 0.
    pub slot: usize,
    /// What it may still do.
    pub phase: watch::Receiver<Phase>,
    /// The dispatcher.
    pub mail: mpsc::Sender<WorkerMessage>,
    /// Where leases are written down, if anywhere.
    pub held: Option<Arc<Path>>,
    /// The troubles with Squish servers of all workers of this process.
    pub troubles: Arc<Mutex<Troubles>>,
    /// The lease of the last reservation, until it is worked on.
    pub(crate) reserved: Mutex<Option<LeaseFile>>,
}

/// A letter to the dispatcher.
#[derive(Debug)]
pub struct WorkerMessage {
    /// From whom.
    pub slot: usize,
    /// What.
    pub event: WorkerEvent,
    /// Answered once it is written down.
    pub written: Option<oneshot::Sender<()>>,
}

/// How long a reserve waits at the service for something to fit.
const LONG_POLL: Duration = Duration::from_secs(25);
/// How long a reserve that is under way when the run stops may still be answered, so that its lease can be given back.
const STOP_GRACE: Duration = Duration::from_millis(500);

/// Works until nothing is left, the run stops, or the service is gone. `Left` is always the last letter.
pub async fn work(mut worker: Worker) {
    let leave = worker.until_left().await;
    worker.tell(WorkerEvent::Left(leave)).await;
}

impl Worker {
    async fn until_left(&mut self) -> Leave {
        let mut next = self.reserve(Duration::ZERO).await;
        let mut backoff = PollBackoff::default();
        loop {
            if *self.phase.borrow() > Phase::Working {
                self.give_back(next).await;
                return Leave::Told;
            }
            next = match next {
                None => return Leave::Told,
                Some(Err(error)) => return Leave::Service(Box::new(error)),
                Some(Ok(Reservation::Granted(granted))) => {
                    backoff = PollBackoff::default();
                    match self.execute(*granted).await {
                        Ok(next) => next,
                        Err(leave) => return leave,
                    }
                }
                Some(Ok(Reservation::NoExecution { pending })) => {
                    match self
                        .wait(&mut backoff, WaitingFor::Executions(pending), pending)
                        .await
                    {
                        Ok(next) => next,
                        Err(leave) => return leave,
                    }
                }
                Some(Ok(Reservation::NoServer { pending })) => {
                    match self
                        .wait(&mut backoff, WaitingFor::SquishServer, pending)
                        .await
                    {
                        Ok(next) => next,
                        Err(leave) => return leave,
                    }
                }
            };
        }
    }

    /// Asks for the next execution. `None` if the run was stopped before an answer.
    async fn reserve(&self, wait: Duration) -> Option<Result<Reservation, ClientError>> {
        let options = ReserveOptions {
            offered: self.settings.offered.clone(),
            lease: self.settings.lease.min(FIRST_LEASE),
            allocate_server: self.settings.allocate_server,
            wait,
        };
        let mut phase = self.phase.clone();
        let asking = async {
            let answer = self
                .client
                .reserve_next(self.plan, &options, &self.name)
                .await;
            if let Ok(Reservation::Granted(granted)) = &answer {
                self.hold(granted);
            }
            answer
        };
        tokio::pin!(asking);
        tokio::select! {
            answer = &mut asking => Some(answer),
            _ = state::moved_past(&mut phase, Phase::Working) => {
                tokio::time::timeout(STOP_GRACE, asking).await.ok()
            }
        }
    }

    fn hold(&self, granted: &Granted) {
        if let Some(folder) = &self.held {
            *self.lock_reserved() = LeaseFile::create(granted, self.plan, folder);
        }
    }

    fn lock_reserved(&self) -> std::sync::MutexGuard<'_, Option<LeaseFile>> {
        ignore_poison(self.reserved.lock())
    }

    /// Nothing fits now: leave if nothing will, else ask again, waiting at the service where it can.
    async fn wait(
        &mut self,
        backoff: &mut PollBackoff,
        waiting: WaitingFor,
        pending: Option<u64>,
    ) -> Result<Option<Result<Reservation, ClientError>>, Leave> {
        match pending {
            Some(0) => Err(Leave::NothingLeft),
            Some(_) => {
                self.tell(WorkerEvent::Waiting(waiting)).await;
                Ok(self.reserve(LONG_POLL).await)
            }
            None => {
                let everything = Capabilities::default();
                let asking = self.client.status(self.plan, &everything);
                let status = match self.unless_stopped(STOP_GRACE, asking).await {
                    Some(Ok(status)) => status,
                    Some(Err(error)) => return Err(Leave::Service(Box::new(error))),
                    None => return Err(Leave::Told),
                };
                if status.is_drained() || backoff.for_too_long(waiting) {
                    return Err(Leave::NothingLeft);
                }
                self.tell(WorkerEvent::Waiting(waiting)).await;
                let pause = backoff.pause();
                let mut phase = self.phase.clone();
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    _ = state::moved_past(&mut phase, Phase::Working) => return Err(Leave::Told),
                }
                Ok(self.reserve(Duration::ZERO).await)
            }
        }
    }

    /// What comes of a request. `None` if somebody wanted an end and there is no answer `grace` later, or half a
    /// second after the same was wanted again.
    async fn unless_stopped<T>(
        &self,
        grace: Duration,
        request: impl Future<Output = T>,
    ) -> Option<T> {
        let (mut stopped, mut killed) = (self.phase.clone(), self.phase.clone());
        let given_up = async {
            state::moved_past(&mut stopped, Phase::Leaving).await;
            tokio::select! {
                () = tokio::time::sleep(grace) => {}
                _ = state::moved_past(&mut killed, Phase::Stopping) => {
                    tokio::time::sleep(STOP_GRACE.min(grace)).await;
                }
            }
        };
        tokio::select! {
            biased;
            answer = request => Some(answer),
            () = given_up => None,
        }
    }

    async fn record(&self, event: RecordEvent) {
        self.tell(WorkerEvent::Record(event)).await;
    }

    async fn record_and_wait(&self, event: RecordEvent) -> bool {
        let (written, on_disk) = oneshot::channel();
        let mail = WorkerMessage {
            slot: self.slot,
            event: WorkerEvent::Record(event),
            written: Some(written),
        };
        self.mail.send(mail).await.is_ok() && on_disk.await.is_ok()
    }

    async fn tell(&self, event: WorkerEvent) {
        // The dispatcher outlives its workers unless it failed to write a record; then there is nobody to tell.
        let _ = self
            .mail
            .send(WorkerMessage {
                slot: self.slot,
                event,
                written: None,
            })
            .await;
    }
}
