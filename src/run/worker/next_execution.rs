//! How a worker gets its next execution: it reserves one, or waits for one that fits, or leaves.

use std::time::Duration;

use super::{Next, Reserved, Worker};
use crate::{
    client::{Reservation, ReserveOptions},
    model::{Capabilities, ExecutionId, LeaseToken, ServerTrouble},
    run::{
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

impl Worker {
    /// Reserves the next execution, unless the run stops.
    pub(super) async fn reserve_next(&self) -> Next {
        if *self.phase.borrow() > Phase::Working {
            return Next::LEAVE;
        }
        self.reserve(Duration::ZERO).await
    }

    /// Reserves an execution. If the run stops meanwhile, waits a moment for the answer, so that its lease can be released.
    pub(super) async fn reserve(&self, wait: Duration) -> Next {
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
                    Next::Execute(Box::new(Reserved {
                        granted: *granted,
                        file,
                    }))
                }
                Ok(Reservation::NoExecution { pending }) => Next::Wait {
                    reason: WaitingFor::Executions(pending),
                    pending,
                },
                Ok(Reservation::NoServer { pending }) => Next::Wait {
                    reason: WaitingFor::SquishServer,
                    pending,
                },
                Err(error) => Next::service_lost(error),
            }
        };
        tokio::pin!(reserving);
        tokio::select! {
            next = &mut reserving => next,
            _ = moved_past(&mut phase, Phase::Working) => {
                let next = tokio::time::timeout(LAST_ANSWER, reserving).await;
                next.unwrap_or(Next::LEAVE)
            }
        }
    }

    /// Leaves if no execution can follow; else reserves again, and waits at the service if the service supports it.
    pub(super) async fn wait(
        &self,
        backoff: &mut PollBackoff,
        reason: WaitingFor,
        pending: Option<u64>,
    ) -> Next {
        match pending {
            Some(0) => return Next::LEAVE,
            Some(_) => {
                self.send(WorkerEvent::Waiting(reason)).await;
                return self.reserve(LONG_POLL).await;
            }
            None => {}
        }
        let everything = Capabilities::default();
        let asking = self.client.status(self.plan, &everything);
        match self.unless_stopped(LAST_ANSWER, asking).await {
            Some(Ok(status)) if status.is_drained() || backoff.for_too_long(reason) => Next::LEAVE,
            Some(Ok(_)) => {
                self.send(WorkerEvent::Waiting(reason)).await;
                if sleep_while_working(&self.phase, backoff.pause()).await {
                    self.reserve(Duration::ZERO).await
                } else {
                    Next::LEAVE
                }
            }
            Some(Err(error)) => Next::service_lost(error),
            None => Next::LEAVE,
        }
    }

    /// Releases a reservation that will not be worked on.
    pub(super) async fn release_unused(&self, next: Next) {
        if let Next::Execute(reserved) = next {
            let Reserved { granted, file } = *reserved;
            let lease = granted.lease.as_ref();
            if self.release(granted.execution, lease, None).await
                && let Some(file) = file
            {
                file.remove();
            }
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
