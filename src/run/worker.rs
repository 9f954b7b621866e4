//! A worker: reserve, execute under the lease, write the result down, tell the service, and again.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{mpsc, oneshot, watch};

use super::{
    executor::{Attempt, Executor, Work},
    heartbeat::Heartbeat,
    held::Hold,
    idle::Idle,
    lease::{FIRST_LEASE, HeldLease},
    state::{self, Leave, Phase, Waiting, WorkerEvent},
};
use crate::{
    client::{Client, ClientError, Granted, Reservation, ReserveOptions},
    model::{
        Capabilities, ExecutionId, LeaseToken, Outcome, PlanId,
        record::{Confirmation, RecordEvent},
    },
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
    pub mail: mpsc::Sender<Mail>,
    /// Where leases are written down, if anywhere.
    pub held: Option<Arc<Path>>,
    /// The lease of the last reservation, until it is worked on.
    pub reserved: Mutex<Option<Hold>>,
}

/// A letter to the dispatcher.
#[derive(Debug)]
pub struct Mail {
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
/// How long the service may still take to hear a result when the run is stopped: as long as other tests get to end.
const DELIVERY_GRACE: Duration = Duration::from_secs(4);
/// The same for a lease that is given back, which is done after the test has used its time. Expiry does it later.
const RELEASE_GRACE: Duration = Duration::from_secs(1);

/// Works until nothing is left, the run stops, or the service is gone. `Left` is always the last letter.
pub async fn work(mut worker: Worker) {
    let leave = worker.until_left().await;
    worker.tell(WorkerEvent::Left(leave)).await;
}

impl Worker {
    async fn until_left(&mut self) -> Leave {
        let mut next = self.reserve(Duration::ZERO).await;
        let mut idle = Idle::default();
        loop {
            if *self.phase.borrow() > Phase::Working {
                self.give_back(next).await;
                return Leave::Told;
            }
            next = match next {
                None => return Leave::Told,
                Some(Err(error)) => return Leave::Service(Box::new(error)),
                Some(Ok(Reservation::Granted(granted))) => {
                    idle = Idle::default();
                    match self.execute(*granted).await {
                        Ok(next) => next,
                        Err(leave) => return leave,
                    }
                }
                Some(Ok(Reservation::NoExecution { pending })) => {
                    match self
                        .wait(&mut idle, Waiting::Executions(pending), pending)
                        .await
                    {
                        Ok(next) => next,
                        Err(leave) => return leave,
                    }
                }
                Some(Ok(Reservation::NoServer { pending })) => {
                    match self.wait(&mut idle, Waiting::SquishServer, pending).await {
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
            let answer = self.client.reserve(self.plan, &options, &self.name).await;
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
            *self.lock_reserved() = Hold::of(granted, self.plan, folder);
        }
    }

    fn lock_reserved(&self) -> std::sync::MutexGuard<'_, Option<Hold>> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing fits now: leave if nothing will, else ask again, waiting at the service where it can.
    async fn wait(
        &mut self,
        idle: &mut Idle,
        waiting: Waiting,
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
                if status.is_drained() || idle.for_too_long(waiting) {
                    return Err(Leave::NothingLeft);
                }
                self.tell(WorkerEvent::Waiting(waiting)).await;
                let pause = idle.pause(self.slot);
                let mut phase = self.phase.clone();
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    _ = state::moved_past(&mut phase, Phase::Working) => return Err(Leave::Told),
                }
                Ok(self.reserve(Duration::ZERO).await)
            }
        }
    }

    /// Runs one execution to its end, and brings back the next reservation, which travels with the result.
    async fn execute(
        &mut self,
        granted: Granted,
    ) -> Result<Option<Result<Reservation, ClientError>>, Leave> {
        // It was asked for while the last result was delivered, which may have taken longer than the lease.
        let mut hold = self.lock_reserved().take();
        let granted = self.client.fresh(granted).await;
        let execution = granted.execution;
        self.record(RecordEvent::Reserved {
            execution,
            test: granted.test.clone(),
            required: granted.required.clone(),
            attempt: granted.attempt,
            lease: granted.lease.as_ref().map(LeaseToken::fingerprint),
            squish_server: granted
                .server
                .as_ref()
                .map(|server| format!("{}:{}", server.host, server.port)),
        })
        .await;
        let lease = HeldLease {
            execution,
            token: granted.lease.clone(),
            timeout: granted.timeout,
            sent_at: granted.sent_at,
        };
        let heartbeat = Heartbeat::start(self.client.clone(), lease.clone(), self.settings.lease);
        let mark = hold.as_ref().map(|hold| hold.mark().to_owned());
        let started = |pid| {
            if let Some(hold) = &mut hold {
                hold.started(pid);
            }
            self.record(RecordEvent::Started { execution, pid })
        };
        let work = Work {
            granted: &granted,
            lease: &lease,
            mark,
        };
        let attempt = self
            .settings
            .executor
            .execute(work, heartbeat, self.phase.clone(), started)
            .await;
        let Attempt {
            outcome,
            duration,
            cases,
            log,
            output_tail,
        } = attempt;
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let ended = RecordEvent::Ended {
            execution,
            outcome: outcome.clone(),
            duration_ms,
            cases,
            log,
            output_tail,
        };
        // On disk before the service is told: a result that counts is never without a record.
        if !self.record_and_wait(ended).await {
            return Err(Leave::Told);
        }
        match outcome {
            Outcome::LeaseLost => {
                over(hold);
                Ok(self.next().await)
            }
            Outcome::Cancelled => {
                if self.release(execution, lease.token.as_ref()).await {
                    over(hold);
                    self.record(RecordEvent::Released { execution }).await;
                }
                Err(Leave::Told)
            }
            Outcome::Completed { .. } | Outcome::ExecutionError { .. } => {
                Ok(self.finish(&lease, &outcome, hold).await)
            }
        }
    }

    /// Tells the result and asks for the next execution at the same time, so that one commit's wait hides the other's.
    /// With Squish servers the result goes first, because it frees the one that the next execution may need.
    async fn finish(
        &mut self,
        lease: &HeldLease,
        outcome: &Outcome,
        hold: Option<Hold>,
    ) -> Option<Result<Reservation, ClientError>> {
        let telling = async {
            let told = self
                .client
                .finish(lease.execution, lease.token.as_ref(), outcome)
                .await;
            if !matches!(&told, Err(error) if !error.lease_is_lost()) {
                over(hold);
            }
            told
        };
        let told = self.unless_stopped(DELIVERY_GRACE, telling);
        let (told, next) = if self.settings.allocate_server {
            let told = told.await;
            (told, self.next().await)
        } else {
            tokio::join!(told, self.next())
        };
        let answer = match &told {
            Some(Ok(())) => Confirmation::Counted,
            Some(Err(error)) if error.lease_is_lost() => Confirmation::NotCounted {
                reason: error.to_string(),
            },
            Some(Err(error)) => Confirmation::Undelivered {
                reason: error.to_string(),
            },
            None => Confirmation::Undelivered {
                reason: "the run was stopped before the service answered".to_owned(),
            },
        };
        self.record(RecordEvent::Confirmed {
            execution: lease.execution,
            answer,
        })
        .await;
        match told {
            Some(Err(error)) if !error.lease_is_lost() => {
                self.give_back(next).await;
                Some(Err(error))
            }
            Some(_) => next,
            None => {
                self.give_back(next).await;
                None
            }
        }
    }

    async fn next(&self) -> Option<Result<Reservation, ClientError>> {
        if *self.phase.borrow() > Phase::Working {
            return None;
        }
        self.reserve(Duration::ZERO).await
    }

    /// Gives a reservation back that will not be worked on.
    async fn give_back(&self, reservation: Option<Result<Reservation, ClientError>>) {
        if let Some(Ok(Reservation::Granted(granted))) = reservation {
            let hold = self.lock_reserved().take();
            if self
                .release(granted.execution, granted.lease.as_ref())
                .await
            {
                over(hold);
            }
        }
    }

    /// Gives a lease back, and says whether that is done.
    async fn release(&self, execution: ExecutionId, lease: Option<&LeaseToken>) -> bool {
        let giving = self.client.release(execution, lease);
        let because = match self.unless_stopped(RELEASE_GRACE, giving).await {
            Some(Ok(())) => return true,
            Some(Err(error)) => error.to_string(),
            None => "no answer in time".to_owned(),
        };
        tracing::warn!(%execution, because, "a lease could not be given back; it ends by itself");
        false
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
        let mail = Mail {
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
            .send(Mail {
                slot: self.slot,
                event,
                written: None,
            })
            .await;
    }
}

/// The lease is over, and so is what was written down of it.
fn over(hold: Option<Hold>) {
    if let Some(hold) = hold {
        hold.over();
    }
}
