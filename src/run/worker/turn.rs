//! One turn of a worker: hold the lease, run the execution, record its end, upload its results, report its outcome; or
//! release the lease.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{Next, Reserved, Worker};
use crate::{
    client::{ClientError, Granted},
    model::{
        ExecutionId, LeaseToken, Outcome, ServerTrouble, SquishServer,
        record::{Confirmation, RecordEvent},
    },
    run::{
        attempt::{Attempt, Disposition},
        ending::RunEnding,
        heartbeat::HeartbeatTask,
        held_lease::HeldLease,
        lease_files::LeaseFile,
        phase::sleep_while_working,
        session::{Session, SessionEvent, WorkItem},
        state::WorkerEvent,
    },
};

/// How long the service may take to accept a result when the run stops: as long as other tests get to end.
const DELIVERY_GRACE: Duration = Duration::from_secs(4);
/// Executions in a row that could not be started, at which the workers of this machine leave.
const MOST_START_FAILURES: u32 = 3;

/// A lease while this worker works under it.
#[derive(Debug)]
pub(super) struct ActiveLease {
    pub(super) granted: Arc<Granted>,
    pub(super) heartbeat: HeartbeatTask,
    file: Option<LeaseFile>,
}

impl ActiveLease {
    fn execution(&self) -> ExecutionId {
        self.granted.execution
    }

    fn token(&self) -> Option<&LeaseToken> {
        self.granted.lease.as_ref()
    }

    fn work(&self) -> WorkItem {
        WorkItem {
            granted: Arc::clone(&self.granted),
            lease: self.heartbeat.watch().clone(),
            mark: self.file.as_ref().map(|file| file.mark().to_owned()),
        }
    }

    /// Removes its file, once the lease has ended.
    fn remove_file(&mut self) {
        if let Some(file) = self.file.take() {
            file.remove();
        }
    }
}

impl Worker {
    /// Runs one execution to its end. Brings back what to do next: the next reservation travels with the result.
    pub(super) async fn execute(&self, session: &mut dyn Session, reserved: Reserved) -> Next {
        let mut lease = self.hold(reserved).await;
        let mut attempt = self.run(session, &mut lease).await;
        self.settle_disposition(&mut attempt).await;
        let results = self.record_results(&lease, &attempt).await;
        // On disk before the service knows: a result that counts is never without a record.
        let ended = attempt.take_ended_event(lease.execution());
        if !self.record_and_wait(ended).await {
            return Next::LEAVE;
        }
        if let Some(results) = results {
            self.upload(&lease, &results).await;
        }
        lease.heartbeat.stop();
        self.finish(lease, attempt).await
    }

    /// Begins to keep the lease of a reservation.
    async fn hold(&self, reserved: Reserved) -> ActiveLease {
        // It was reserved while the last result was delivered, which may have taken longer than the lease.
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

    /// Has the session run the execution.
    async fn run(&self, session: &mut dyn Session, lease: &mut ActiveLease) -> Attempt {
        session.take(vec![lease.work()]);
        loop {
            match session.next().await {
                SessionEvent::Started { execution, pid } => {
                    if let Some(file) = &mut lease.file {
                        file.record_process(pid);
                    }
                    self.record(RecordEvent::Started { execution, pid }).await;
                }
                SessionEvent::Ended { attempt, .. } => return *attempt,
            }
        }
    }

    /// Reports why a test did not run, and decides whether an execution that this machine cannot start is another
    /// machine's.
    async fn settle_disposition(&self, attempt: &mut Attempt) {
        match &attempt.disposition {
            Disposition::Report => {}
            Disposition::ReportAndLeave { reason } | Disposition::Release { reason, .. } => {
                self.send(WorkerEvent::NotRun(reason.clone())).await;
            }
            Disposition::NotStarted { .. } if self.settings.alone => {
                attempt.disposition = Disposition::Report;
            }
            Disposition::NotStarted { reason } => {
                tracing::warn!(
                    reason,
                    "not started here, the execution goes back to the plan"
                );
                attempt.outcome = Outcome::Cancelled;
                attempt.output_tail.clone_from(reason);
            }
        }
    }

    /// Reports or releases an execution whose end is recorded.
    async fn finish(&self, mut lease: ActiveLease, attempt: Attempt) -> Next {
        match (attempt.disposition, attempt.outcome) {
            (Disposition::Release { pause, .. }, _) => {
                self.release_recorded(lease, attempt.server_trouble).await;
                match pause {
                    Some(pause) if !sleep_while_working(&self.phase, pause).await => Next::LEAVE,
                    _ => self.reserve_next().await,
                }
            }
            (Disposition::NotStarted { reason }, _) => {
                self.release_recorded(lease, None).await;
                let in_a_row = self.start_failures.fetch_add(1, Ordering::Relaxed) + 1;
                if in_a_row >= MOST_START_FAILURES {
                    return Next::Leave(RunEnding::CannotStart(reason));
                }
                self.reserve_next().await
            }
            (_, Outcome::LeaseLost) => {
                lease.remove_file();
                self.reserve_next().await
            }
            (_, Outcome::Cancelled) => {
                self.release_recorded(lease, None).await;
                Next::LEAVE
            }
            (Disposition::Report, outcome) => {
                self.start_failures.store(0, Ordering::Relaxed);
                self.report(lease, &outcome, attempt.server_trouble).await
            }
            (Disposition::ReportAndLeave { reason }, outcome) => {
                let delivered = self.deliver(&mut lease, &outcome, attempt.server_trouble);
                Next::Leave(delivered.await.err().unwrap_or(RunEnding::NoServer(reason)))
            }
        }
    }

    /// Delivers the result and reserves the next execution at the same time, so that one commit's wait hides the other's.
    /// With servers the result goes first, because it frees the one that the next execution may need.
    async fn report(
        &self,
        mut lease: ActiveLease,
        outcome: &Outcome,
        trouble: Option<ServerTrouble>,
    ) -> Next {
        let delivering = self.deliver(&mut lease, outcome, trouble);
        if self.settings.allocate_server {
            return match delivering.await {
                Ok(()) => self.reserve_next().await,
                Err(ending) => Next::Leave(ending),
            };
        }
        let (delivered, next) = tokio::join!(delivering, self.reserve_next());
        match delivered {
            Ok(()) => next,
            Err(ending) => {
                self.release_unused(next).await;
                Next::Leave(ending)
            }
        }
    }

    /// Delivers a result and records the answer. An error is a reason to leave.
    async fn deliver(
        &self,
        lease: &mut ActiveLease,
        outcome: &Outcome,
        trouble: Option<ServerTrouble>,
    ) -> Result<(), RunEnding> {
        let execution = lease.execution();
        let finishing = self
            .client
            .finish_after(execution, lease.token(), outcome, trouble);
        let answer = match self.unless_stopped(DELIVERY_GRACE, finishing).await {
            // No other worker can have had the execution, so what the service has already is this result.
            Some(Err(error))
                if error.is_refused_repetition() && lease.heartbeat.watch().loss().is_none() =>
            {
                Some(Ok(()))
            }
            answer => answer,
        };
        let (confirmation, leave) = match answer {
            Some(Ok(())) => (Confirmation::Counted, None),
            Some(Err(error)) => {
                let reason = error.to_string();
                let confirmation = if error.lease_is_lost() {
                    Confirmation::NotCounted { reason }
                } else {
                    Confirmation::Undelivered { reason }
                };
                let leave = (!concerns_one_execution(&error))
                    .then(|| RunEnding::ServiceLost(Box::new(error)));
                (confirmation, leave)
            }
            None => {
                let reason = "the run was stopped before the service answered".to_owned();
                (
                    Confirmation::Undelivered { reason },
                    Some(RunEnding::Finished),
                )
            }
        };
        if leave.is_none() {
            lease.remove_file();
        }
        self.record(RecordEvent::Confirmed {
            execution,
            answer: confirmation,
        })
        .await;
        leave.map_or(Ok(()), Err)
    }

    /// Releases the lease of an execution whose end is recorded.
    async fn release_recorded(&self, mut lease: ActiveLease, trouble: Option<ServerTrouble>) {
        let execution = lease.execution();
        if self.release(execution, lease.token(), trouble).await {
            lease.remove_file();
            self.record(RecordEvent::Released {
                execution,
                server_trouble: trouble,
            })
            .await;
        }
    }
}

/// Whether the service is there and answered: then there is no reason to leave it.
fn concerns_one_execution(error: &ClientError) -> bool {
    error.lease_is_lost() || error.is_refused_repetition()
}
