//! How a worker gets its next execution: it reserves one, or waits for one that fits, or leaves.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

use super::{
    Worker,
    active_lease::{ActiveLease, Reserved},
};
use crate::{
    client::{ClientError, Reservation, ReserveOptions},
    model::{Capabilities, ExecutionId, LeaseToken, ServerTrouble},
    run::{
        ending::RunEnding,
        held_lease::FIRST_LEASE,
        lease_files::LeaseFile,
        phase::{LAST_ANSWER, Phase, moved_past, sleep_while_working},
        state::WorkerEvent,
    },
    wait::{PollBackoff, WaitingFor},
};

/// How long a reservation waits at the service for an execution that fits.
const LONG_POLL: Duration = Duration::from_secs(25);
/// How long the service may take to take a lease back when the run stops, after the test has used its time. Expiry does the
/// same later.
const RELEASE_GRACE: Duration = Duration::from_secs(1);

/// What a worker does next.
#[derive(Debug)]
pub(super) enum Next {
    /// Run this execution.
    Execute(Box<ActiveLease>),
    /// Leave the plan.
    Leave(RunEnding),
}

/// The answer to a reservation.
#[derive(Debug)]
enum Answer {
    Reserved(Box<Reserved>),
    /// Nothing fits now. `pending` executions may still come, where the service says how many.
    Nothing {
        reason: WaitingFor,
        pending: Option<u64>,
    },
    Leave(RunEnding),
}

impl Answer {
    /// The run stops, or nothing is left: another worker or the outside knows why.
    const LEAVE: Self = Self::Leave(RunEnding::Finished);

    fn service_lost(error: ClientError) -> Self {
        Self::Leave(RunEnding::ServiceLost(Box::new(error)))
    }
}

impl Worker {
    /// Reserves the next execution, waits until one fits, or leaves because nothing can come or the run stops.
    /// Notifies `nothing_fits` before it waits.
    pub(super) async fn next_work(&self, nothing_fits: Arc<Notify>) -> Next {
        let mut backoff = PollBackoff::default();
        let mut answer = self.reserve(Duration::ZERO).await;
        loop {
            if *self.phase.borrow() > Phase::Working {
                if let Answer::Reserved(reserved) = answer {
                    self.release_unused(*reserved).await;
                }
                return Next::Leave(RunEnding::Finished);
            }
            answer = match answer {
                Answer::Reserved(reserved) => {
                    return Next::Execute(Box::new(self.hold(*reserved).await));
                }
                Answer::Nothing { reason, pending } => {
                    nothing_fits.notify_one();
                    self.wait(&mut backoff, reason, pending).await
                }
                Answer::Leave(ending) => return Next::Leave(ending),
            };
        }
    }

    /// Reserves an execution. If the run stops meanwhile, waits a moment for the answer, so that its lease can be released.
    async fn reserve(&self, wait: Duration) -> Answer {
        let options = ReserveOptions {
            offered: self.settings.offered.clone(),
            lease: self.settings.lease.min(FIRST_LEASE),
            allocate_server: self.settings.allocate_server,
            wait,
        };
        let mut phase = self.phase.clone();
        let reserving = async {
            let answer = self
                .client
                .reserve_next(self.plan, &options, &self.name)
                .await;
            match answer {
                Ok(Reservation::Granted(granted)) => {
                    let folder = self.lease_files.as_deref();
                    let file = folder.and_then(|it| LeaseFile::create(&granted, self.plan, it));
                    Answer::Reserved(Box::new(Reserved {
                        granted: *granted,
                        file,
                    }))
                }
                Ok(Reservation::NoExecution { pending }) => Answer::Nothing {
                    reason: WaitingFor::Executions(pending),
                    pending,
                },
                Ok(Reservation::NoServer { pending }) => Answer::Nothing {
                    reason: WaitingFor::SquishServer,
                    pending,
                },
                Err(error) => Answer::service_lost(error),
            }
        };
        tokio::pin!(reserving);
        tokio::select! {
            next = &mut reserving => next,
            _ = moved_past(&mut phase, Phase::Working) => {
                let next = tokio::time::timeout(LAST_ANSWER, reserving).await;
                next.unwrap_or(Answer::LEAVE)
            }
        }
    }

    /// Leaves if no execution can follow; else reserves again, and waits at the service if the service supports it.
    async fn wait(
        &self,
        backoff: &mut PollBackoff,
        reason: WaitingFor,
        pending: Option<u64>,
    ) -> Answer {
        match pending {
            Some(0) => return Answer::LEAVE,
            Some(_) => {
                self.send(WorkerEvent::Waiting(reason)).await;
                return self.reserve(LONG_POLL).await;
            }
            None => {}
        }
        let everything = Capabilities::default();
        let asking = self.client.status(self.plan, &everything);
        match self.unless_stopped(LAST_ANSWER, asking).await {
            Some(Ok(status)) if status.is_drained() || backoff.for_too_long(reason) => {
                Answer::LEAVE
            }
            Some(Ok(_)) => {
                self.send(WorkerEvent::Waiting(reason)).await;
                if sleep_while_working(&self.phase, backoff.pause()).await {
                    self.reserve(Duration::ZERO).await
                } else {
                    Answer::LEAVE
                }
            }
            Some(Err(error)) => Answer::service_lost(error),
            None => Answer::LEAVE,
        }
    }

    /// Releases a reservation that will not be worked on.
    async fn release_unused(&self, reserved: Reserved) {
        let Reserved { granted, file } = reserved;
        let lease = granted.lease.as_ref();
        if self.release(granted.execution, lease, None).await
            && let Some(file) = file
        {
            file.remove();
        }
    }

    /// Releases a lease, and reports the trouble with its server. Returns whether the service confirmed it.
    pub(super) async fn release(
        &self,
        execution: ExecutionId,
        lease: Option<&LeaseToken>,
        trouble: Option<ServerTrouble>,
    ) -> bool {
        let releasing = self.client.release_after(execution, lease, trouble);
        let because = match self.unless_stopped(RELEASE_GRACE, releasing).await {
            Some(Ok(())) => return true,
            Some(Err(error)) => error.to_string(),
            None => "no answer in time".to_owned(),
        };
        tracing::warn!(%execution, because, "a lease could not be released; it expires by itself");
        false
    }
}
