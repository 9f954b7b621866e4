//! Keeps a lease from a task of its own, so that a busy worker cannot starve it.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::held_lease::HeldLease;
use crate::{client::Client, clock};

/// What the holder of a lease knows about it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum LeaseStanding {
    /// The lease is held. The work must begin to end at the fence ([`HeldLease::fence`]), unless a heartbeat moves it.
    Held { fence: Instant },
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
    /// Resolves when the work must end, with the reason: the fence was reached, or the service refused a heartbeat.
    pub async fn lost(&self) -> String {
        let mut watched = self.standing.clone();
        loop {
            let standing = watched.borrow_and_update().clone();
            match standing {
                LeaseStanding::Lost { reason } => return reason,
                LeaseStanding::Held { fence } => {
                    tokio::select! {
                        changed = watched.changed() => if changed.is_err() {
                            // The heartbeat ended: its last word still holds.
                            sleep_until(fence).await;
                            return FENCE_REACHED.to_owned();
                        },
                        () = sleep_until(fence) => return FENCE_REACHED.to_owned(),
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
            LeaseStanding::Held { fence } => {
                (clock::monotonic() >= *fence).then(|| FENCE_REACHED.to_owned())
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
        let (sender, standing) = watch::channel(LeaseStanding::Held { fence });
        let watch = LeaseWatch {
            standing,
            kill_budget: Duration::from_secs(1),
        };
        (Self(sender), watch)
    }

    /// Ends it.
    pub fn lose(&self, reason: &str) {
        let reason = reason.to_owned();
        // Without a watch it does not matter to anyone.
        let _ = self.0.send(LeaseStanding::Lost { reason });
    }
}

/// A task that sends heartbeats. Dropping it ends the task.
#[derive(Debug)]
pub(super) struct HeartbeatTask {
    watch: LeaseWatch,
    task: tokio::task::JoinHandle<()>,
}

impl HeartbeatTask {
    /// Starts to keep `lease` at length `full`: the first beat lengthens a short first lease.
    pub(super) fn start(client: Client, lease: HeldLease, full: Duration) -> Self {
        let (sender, standing) = watch::channel(LeaseStanding::Held {
            fence: lease.fence(),
        });
        let watch = LeaseWatch {
            standing,
            kill_budget: lease.kill_budget(),
        };
        Self {
            watch,
            task: tokio::spawn(keep(client, lease, full, sender)),
        }
    }

    pub(super) fn watch(&self) -> &LeaseWatch {
        &self.watch
    }

    /// Sends no more heartbeats. The watch keeps what the last one said.
    pub(super) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for HeartbeatTask {
    fn drop(&mut self) {
        self.stop();
    }
}

const FENCE_REACHED: &str = "no heartbeat was answered before the lease was about to end";

/// Longest time one heartbeat may take: a hung connection must not use up the lease.
const LONGEST_BEAT: Duration = Duration::from_secs(10);

async fn keep(
    client: Client,
    mut lease: HeldLease,
    full: Duration,
    standing: watch::Sender<LeaseStanding>,
) {
    let spread = f64::from(u8::try_from(lease.execution.0.rem_euclid(256)).unwrap_or(0)) / 255.0;
    // Part of an old lease is used up, so it is renewed at once.
    let age = clock::monotonic().saturating_duration_since(lease.sent_at);
    let mut pause = lease.beat_interval(spread).saturating_sub(age);
    loop {
        tokio::time::sleep(pause).await;
        let interval = lease.beat_interval(spread);
        let limit = interval.min(LONGEST_BEAT);
        match client
            .heartbeat(lease.execution, lease.token.as_ref(), full, limit)
            .await
        {
            Ok(sent_at) => {
                (lease.sent_at, lease.timeout) = (sent_at, full);
                let _ = standing.send(LeaseStanding::Held {
                    fence: lease.fence(),
                });
                pause = lease.beat_interval(spread);
            }
            Err(error) if error.lease_is_lost() => {
                let _ = standing.send(LeaseStanding::Lost {
                    reason: error.to_string(),
                });
                return;
            }
            Err(error) => {
                tracing::warn!(execution = %lease.execution, %error, "heartbeat not answered, trying again");
                pause = (interval / 4).min(Duration::from_secs(2));
            }
        }
    }
}

async fn sleep_until(time: Instant) {
    tokio::time::sleep_until(time.into()).await;
}
