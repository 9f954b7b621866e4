//! What a worker does with an execution that ended: record its end, upload its results, then report its outcome or release
//! its lease.

use std::sync::atomic::Ordering;

use super::{
    Worker,
    active_lease::{ActiveLease, EndedExecution},
};
use crate::{
    model::{Outcome, ServerTrouble, record::RecordEvent},
    run::{
        attempt::{Attempt, Disposition},
        ending::RunEnding,
        phase::sleep_while_working,
        state::WorkerEvent,
    },
};

/// Executions in a row that could not be started, at which the workers of this machine leave.
const MOST_START_FAILURES: u32 = 3;

/// What is left to do for an execution that ended.
#[derive(Debug)]
pub(super) enum Settled {
    /// Its end is recorded; its outcome is to be delivered.
    ToDeliver(Box<EndedExecution>),
    /// Nothing. The worker leaves if there is an ending.
    Done(Option<RunEnding>),
}

impl Worker {
    /// Records the end of an execution and uploads its results. Releases it if there is no outcome to report.
    pub(super) async fn settle(&self, ended: EndedExecution) -> Settled {
        let EndedExecution { lease, mut attempt } = ended;
        self.settle_disposition(&lease, &mut attempt).await;
        let results = self.record_results(&lease, &attempt).await;
        // On disk before the service knows: a result that counts is never without a record.
        let event = attempt.take_ended_event(lease.execution());
        if !self.record_and_wait(event).await {
            return Settled::Done(Some(RunEnding::Finished));
        }
        if let Some(results) = results {
            self.upload(&lease, &results).await;
        }
        self.release_or_deliver(EndedExecution { lease, attempt })
            .await
    }

    /// Reports why a test did not run, and decides whether an execution that this machine cannot start is another
    /// machine's.
    async fn settle_disposition(&self, lease: &ActiveLease, attempt: &mut Attempt) {
        match &attempt.disposition {
            Disposition::Report => {}
            Disposition::ReportAndLeave { reason } | Disposition::Release { reason, .. } => {
                let (execution, reason) = (lease.execution(), reason.clone());
                self.send(WorkerEvent::NotRun { execution, reason }).await;
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

    /// Releases an execution whose end is recorded, unless it has an outcome to deliver.
    async fn release_or_deliver(&self, ended: EndedExecution) -> Settled {
        let EndedExecution { mut lease, attempt } = ended;
        let ending = match (&attempt.disposition, &attempt.outcome) {
            (Disposition::Release { pause, .. }, _) => {
                self.release_recorded(lease, attempt.server_trouble).await;
                if let Some(pause) = pause {
                    sleep_while_working(&self.phase, *pause).await;
                }
                None
            }
            (Disposition::NotStarted { reason }, _) => {
                self.release_recorded(lease, None).await;
                let in_a_row = self.start_failures.fetch_add(1, Ordering::Relaxed) + 1;
                (in_a_row >= MOST_START_FAILURES).then(|| RunEnding::CannotStart(reason.clone()))
            }
            (_, Outcome::LeaseLost) => {
                lease.remove_file();
                None
            }
            (_, Outcome::Cancelled) => {
                self.release_recorded(lease, None).await;
                Some(RunEnding::Finished)
            }
            (Disposition::Report, _) => {
                self.start_failures.store(0, Ordering::Relaxed);
                return Settled::ToDeliver(Box::new(EndedExecution { lease, attempt }));
            }
            (Disposition::ReportAndLeave { .. }, _) => {
                return Settled::ToDeliver(Box::new(EndedExecution { lease, attempt }));
            }
        };
        Settled::Done(ending)
    }

    /// Releases the lease of an execution whose end is recorded.
    pub(super) async fn release_recorded(
        &self,
        mut lease: ActiveLease,
        trouble: Option<ServerTrouble>,
    ) {
        lease.heartbeat.stop();
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
