//! Delivers outcomes to the service and records its answers.

use std::time::Duration;

use super::{
    Worker,
    active_lease::{ActiveLease, EndedExecution},
};
use crate::{
    client::ClientError,
    model::{
        Outcome, ServerTrouble,
        record::{Confirmation, RecordEvent},
    },
    run::{attempt::Disposition, ending::RunEnding},
};

/// How long the service may take to accept a result when the run stops: as long as other tests get to end.
const DELIVERY_GRACE: Duration = Duration::from_secs(4);

impl Worker {
    /// Delivers outcomes whose executions are recorded. Returns why the worker leaves, if it does.
    pub(super) async fn deliver_all(&self, ended: Vec<EndedExecution>) -> Option<RunEnding> {
        let mut leaving: Option<RunEnding> = None;
        for EndedExecution { mut lease, attempt } in ended {
            // A heartbeat after the result would be refused.
            lease.heartbeat.stop();
            let delivered = self.deliver(&mut lease, &attempt.outcome, attempt.server_trouble);
            let ending = match (delivered.await, attempt.disposition) {
                (Err(ending), _) => ending,
                (Ok(()), Disposition::ReportAndLeave { reason }) => RunEnding::NoServer(reason),
                (Ok(()), _) => continue,
            };
            leaving.get_or_insert_default().merge(ending);
        }
        leaving
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
}

/// Whether the service is there and answered: then there is no reason to leave it.
fn concerns_one_execution(error: &ClientError) -> bool {
    error.lease_is_lost() || error.is_refused_repetition()
}
