//! A lease as those see it who work under it; `lease_keeper` renews it.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::clock;

/// What the holder of a lease knows about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LeaseStanding {
    /// The lease is held. The work must begin to end at the fence (`HeldLease::fence`), unless a heartbeat moves it.
    Held {
        fence: Instant,
        /// Why the last heartbeat did not move it, if it was not answered.
        trouble: Option<String>,
    },
    /// The service refused a heartbeat: why.
    Lost { reason: String },
}

/// A lease as those see it who work under it. Clones watch the same lease.
#[derive(Clone, Debug)]
pub struct LeaseWatch {
    standing: watch::Receiver<LeaseStanding>,
    kill_budget: Duration,
}

impl LeaseWatch {
    pub(super) fn new(standing: watch::Receiver<LeaseStanding>, kill_budget: Duration) -> Self {
        Self {
            standing,
            kill_budget,
        }
    }

    /// Resolves when the work must end, with the reason: the fence was reached, or the service refused a heartbeat.
    pub async fn lost(&self) -> String {
        let mut watched = self.standing.clone();
        loop {
            let standing = watched.borrow_and_update().clone();
            match standing {
                LeaseStanding::Lost { reason } => return reason,
                LeaseStanding::Held { fence, trouble } => {
                    tokio::select! {
                        changed = watched.changed() => if changed.is_err() {
                            // The heartbeat ended: its last word still holds.
                            sleep_until(fence).await;
                            return fence_reached(trouble.as_deref());
                        },
                        () = sleep_until(fence) => return fence_reached(trouble.as_deref()),
                    }
                }
            }
        }
    }

    /// Why the work must end now; `None` while no other worker can hold the execution. Asked before a result is believed:
    /// a process that was stopped as a whole (SIGSTOP) finds its clock past the fence and its child gone at the same
    /// moment.
    pub fn loss(&self) -> Option<String> {
        match &*self.standing.borrow() {
            LeaseStanding::Lost { reason } => Some(reason.clone()),
            LeaseStanding::Held { fence, trouble } => {
                (clock::monotonic() >= *fence).then(|| fence_reached(trouble.as_deref()))
            }
        }
    }

    /// How long ending the work may take.
    pub(crate) fn kill_budget(&self) -> Duration {
        self.kill_budget
    }
}

/// A lease that no heartbeat keeps: it holds until it is ended by hand, or for an hour. For sessions that run
/// without a service, as those of tests do.
#[derive(Debug)]
pub struct ManualLease(watch::Sender<LeaseStanding>);

impl ManualLease {
    /// A lease, and the watch on it.
    pub fn new() -> (Self, LeaseWatch) {
        let hour = Duration::from_secs(3600);
        let fence = clock::monotonic() + hour;
        let (sender, standing) = watch::channel(LeaseStanding::Held {
            fence,
            trouble: None,
        });
        (
            Self(sender),
            LeaseWatch::new(standing, Duration::from_secs(1)),
        )
    }

    /// Ends it.
    pub fn lose(&self, reason: &str) {
        let reason = reason.to_owned();
        // Without a watch it does not matter to anyone.
        let _ = self.0.send(LeaseStanding::Lost { reason });
    }
}

fn fence_reached(trouble: Option<&str>) -> String {
    let reached = "no heartbeat was answered before the lease was about to end";
    match trouble {
        Some(trouble) => format!("{reached}: {trouble}"),
        None => reached.to_owned(),
    }
}

async fn sleep_until(time: Instant) {
    tokio::time::sleep_until(time.into()).await;
}
