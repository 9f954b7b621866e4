//! How a worker gets its next executions: it reserves some, or waits for one that fits, or leaves.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

use super::{
    Worker,
    active_lease::{ActiveLease, Reserved},
};
use crate::{
    client::{BatchOptions, ClientError, Granted, LeaseRelease, Reservations, ReserveOptions},
    model::{Capabilities, record::RecordEvent},
    run::{
        ending::RunEnding,
        held_lease::FIRST_LEASE,
        lease_files::NewLeaseFiles,
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

/// What a session wants, and the mark that its processes bear already, if they do.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) batch: BatchOptions,
    pub(super) mark: Option<String>,
}

/// What a worker does next.
#[derive(Debug)]
pub(super) enum Next {
    /// Run these executions; never empty.
    Execute(Vec<ActiveLease>),
    /// Leave the plan.
    Leave(RunEnding),
}

/// The answer to a reservation.
#[derive(Debug)]
enum Answer {
    Reserved(Vec<Reserved>),
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
    /// Reserves the next executions, waits until one fits, or leaves because nothing can come or the run stops.
    /// Notifies `nothing_fits` before it waits.
    pub(super) async fn next_work(&self, wanted: Wanted, nothing_fits: Arc<Notify>) -> Next {
        let mut backoff = PollBackoff::default();
        let mut answer = self.reserve(&wanted, Duration::ZERO).await;
        loop {
            if *self.phase.borrow() > Phase::Working {
                if let Answer::Reserved(reserved) = answer {
                    self.release_unused(reserved).await;
                }
                return Next::Leave(RunEnding::Finished);
            }
            answer = match answer {
                Answer::Reserved(reserved) => {
                    return Next::Execute(self.hold_all(reserved).await);
                }
                Answer::Nothing { reason, pending } => {
                    nothing_fits.notify_one();
                    self.wait(&wanted, &mut backoff, reason, pending).await
                }
                Answer::Leave(ending) => return Next::Leave(ending),
            };
        }
    }

    /// Reserves executions. If the run stops meanwhile, waits a moment for the answer, so that its leases can be released.
    async fn reserve(&self, wanted: &Wanted, wait: Duration) -> Answer {
        let options = ReserveOptions {
            offered: self.settings.offered.clone(),
            lease: self.settings.lease.min(FIRST_LEASE),
            allocate_server: self.settings.allocate_server,
            wait,
        };
        let mut phase = self.phase.clone();
        let goes_on = || *self.phase.borrow() == Phase::Working;
        let reserving = async {
            let answer = self
                .client
                .reserve_many(self.plan, &options, &wanted.batch, &self.name, &goes_on)
                .await;
            match answer {
                Ok(Reservations::Granted(granted)) => {
                    Answer::Reserved(self.reserved(granted, wanted.mark.clone()))
                }
                Ok(Reservations::NoExecution { pending }) => Answer::Nothing {
                    reason: WaitingFor::Executions(pending),
                    pending,
                },
                Ok(Reservations::NoServer { pending }) => Answer::Nothing {
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

    /// Writes the files of new leases, where there are files.
    fn reserved(&self, granted: Vec<Granted>, mark: Option<String>) -> Vec<Reserved> {
        let files = self.lease_files.as_deref();
        let files = files.and_then(|folder| NewLeaseFiles::begin(self.plan, folder, mark));
        let reserved = granted.into_iter().map(|granted| Reserved {
            file: files.as_ref().map(|files| files.create(&granted)),
            granted,
        });
        reserved.collect()
    }

    /// Leaves if no execution can follow; else reserves again, and waits at the service if the service supports it.
    async fn wait(
        &self,
        wanted: &Wanted,
        backoff: &mut PollBackoff,
        reason: WaitingFor,
        pending: Option<u64>,
    ) -> Answer {
        match pending {
            Some(0) => return Answer::LEAVE,
            Some(_) => {
                self.send(WorkerEvent::Waiting(reason)).await;
                return self.reserve(wanted, LONG_POLL).await;
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
                    self.reserve(wanted, Duration::ZERO).await
                } else {
                    Answer::LEAVE
                }
            }
            Some(Err(error)) => Answer::service_lost(error),
            None => Answer::LEAVE,
        }
    }

    /// Releases reservations that will not be worked on.
    async fn release_unused(&self, reserved: Vec<Reserved>) {
        let releases: Vec<LeaseRelease> = reserved
            .iter()
            .map(|Reserved { granted, .. }| LeaseRelease {
                execution: granted.execution,
                lease: granted.lease.clone(),
                trouble: None,
                alone: false,
                not_started: None,
            })
            .collect();
        let confirmed = self.release(&releases).await;
        for (reserved, confirmed) in reserved.into_iter().zip(confirmed) {
            if confirmed && let Some(file) = reserved.file {
                file.remove();
            }
        }
    }

    /// Releases leases that are held, and records which were.
    pub(super) async fn release_held(&self, leases: Vec<(ActiveLease, LeaseRelease)>) {
        let (mut leases, releases): (Vec<_>, Vec<_>) = leases.into_iter().unzip();
        for lease in &leases {
            lease.kept.stop();
        }
        let confirmed = self.release(&releases).await;
        for ((lease, release), confirmed) in leases.iter_mut().zip(releases).zip(confirmed) {
            if confirmed {
                lease.remove_file();
                self.record(RecordEvent::Released {
                    execution: release.execution,
                    server_trouble: release.trouble,
                })
                .await;
            }
        }
    }

    /// Releases leases. Returns which of them the service confirmed.
    async fn release(&self, releases: &[LeaseRelease]) -> Vec<bool> {
        let releasing = async {
            match releases {
                [one] => vec![self.client.release_as(one).await],
                several => self.client.release_many(self.plan, several).await,
            }
        };
        let answers = self.unless_stopped(RELEASE_GRACE, releasing).await;
        let mut answers = answers.into_iter().flatten();
        let confirmed = releases.iter().map(|release| {
            let because = match answers.next() {
                Some(Ok(())) => return true,
                Some(Err(error)) => error.to_string(),
                None => "no answer in time".to_owned(),
            };
            let execution = release.execution;
            tracing::warn!(%execution, because, "a lease could not be released; it expires by itself");
            false
        });
        confirmed.collect()
    }
}
