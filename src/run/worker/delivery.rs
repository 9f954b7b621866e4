//! Delivers outcomes to the service and records its answers.

use std::time::Duration;

use futures_util::future::join_all;

use super::{
    Worker,
    active_lease::{ActiveLease, EndedExecution},
};
use crate::{
    client::{ClientError, ResultDelivery},
    model::record::{Confirmation, RecordEvent},
    run::{attempt::Disposition, ending::RunEnding},
};

/// How long the service may take to accept a result when the run stops: as long as other tests get to end.
const DELIVERY_GRACE: Duration = Duration::from_secs(4);
/// How many single calls are under way at once.
const SINGLE_CALLS: usize = 8;

/// What the service answered to a result; `None` if the run was stopped before it did.
type DeliveryAnswer = Option<Result<(), ClientError>>;

impl Worker {
    /// Delivers outcomes whose executions are recorded, with what the call of the tool cost beyond them. Returns why the
    /// worker leaves, if it does.
    pub(super) async fn deliver_all(
        &self,
        ended: Vec<EndedExecution>,
        start_cost: Option<Duration>,
    ) -> Option<RunEnding> {
        for EndedExecution { lease, .. } in &ended {
            // A heartbeat after the result would be refused.
            lease.kept.stop();
        }
        let answers = self.send_results(&ended, start_cost).await;
        let mut leaving: Option<RunEnding> = None;
        for (EndedExecution { mut lease, attempt }, answer) in ended.into_iter().zip(answers) {
            let ending = match (self.answered(&mut lease, answer).await, attempt.disposition) {
                (Err(ending), _) => ending,
                (Ok(()), Disposition::ReportAndLeave { reason }) => RunEnding::NoServer(reason),
                (Ok(()), _) => continue,
            };
            leaving.get_or_insert_default().merge(ending);
        }
        leaving
    }

    /// Sends results: several by one call where the service takes lists.
    async fn send_results(
        &self,
        ended: &[EndedExecution],
        start_cost: Option<Duration>,
    ) -> Vec<DeliveryAnswer> {
        let is_one = ended.len() == 1 && start_cost.is_none();
        if is_one || !self.client.is_testplan() {
            return self.send_singly(ended).await;
        }
        let results: Vec<ResultDelivery> = ended.iter().map(delivery).collect();
        let finishing = self.client.finish_many(self.plan, &results, start_cost);
        match self.unless_stopped(DELIVERY_GRACE, finishing).await {
            Some(answers) => answers.into_iter().map(Some).collect(),
            None => ended.iter().map(|_| None).collect(),
        }
    }

    /// A stop of the run ends each call by itself, so that what was answered until then is known.
    async fn send_singly(&self, ended: &[EndedExecution]) -> Vec<DeliveryAnswer> {
        let mut answers = Vec::with_capacity(ended.len());
        for some in ended.chunks(SINGLE_CALLS) {
            let some: Vec<_> = some.iter().map(delivery).collect();
            let calls = some.iter().map(|result| {
                let finishing = self.client.finish_after(result);
                self.unless_stopped(DELIVERY_GRACE, finishing)
            });
            answers.extend(join_all(calls).await);
        }
        answers
    }

    /// Records the answer to a result. An error is a reason to leave.
    async fn answered(
        &self,
        lease: &mut ActiveLease,
        answer: DeliveryAnswer,
    ) -> Result<(), RunEnding> {
        let execution = lease.execution();
        let answer = match answer {
            // No other worker can have had the execution, so what the service has already is this result.
            Some(Err(error))
                if error.is_refused_repetition() && lease.kept.watch().loss().is_none() =>
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

fn delivery(EndedExecution { lease, attempt }: &EndedExecution) -> ResultDelivery {
    ResultDelivery {
        execution: lease.execution(),
        lease: lease.granted.lease.clone(),
        outcome: attempt.outcome.clone(),
        failure: attempt.failure().to_owned(),
        trouble: attempt.server_trouble,
    }
}

/// Whether the service is there and answered: then there is no reason to leave it.
fn concerns_one_execution(error: &ClientError) -> bool {
    error.lease_is_lost() || error.is_refused_repetition()
}
