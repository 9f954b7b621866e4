//! Keeps a lease from a task of its own, so that a busy worker cannot starve it.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::lease::HeldLease;
use crate::{client::Client, clock};

/// What the holder of a lease must know at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The lease is held; the work must begin to end at this time unless a later heartbeat moves it.
    Held {
        /// See [`HeldLease::fence`].
        fence: Instant,
    },
    /// The service says that it is lost.
    Lost {
        /// In its words.
        reason: String,
    },
}

impl Standing {
    /// Whether nobody else can hold the execution yet.
    pub fn is_held(&self) -> bool {
        match self {
            Self::Held { fence } => clock::monotonic() < *fence,
            Self::Lost { .. } => false,
        }
    }
}

/// A running heartbeat. Dropping it ends the task.
#[derive(Debug)]
pub struct Heartbeat {
    standing: watch::Receiver<Standing>,
    task: tokio::task::JoinHandle<()>,
}

impl Heartbeat {
    /// Starts to keep `lease` at length `full`: the first beat lengthens a short first lease.
    pub fn start(client: Client, lease: HeldLease, full: Duration) -> Self {
        let (sender, standing) = watch::channel(Standing::Held {
            fence: lease.fence(),
        });
        Self {
            standing,
            task: tokio::spawn(keep(client, lease, full, sender)),
        }
    }

    /// What it says, also once it is no more: then its last word.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// Resolves when the work must end, with the reason: the fence was reached, or the service said no.
    pub async fn lost(&mut self) -> String {
        loop {
            let standing = self.standing.borrow_and_update().clone();
            match standing {
                Standing::Lost { reason } => return reason,
                Standing::Held { fence } => {
                    tokio::select! {
                        changed = self.standing.changed() => if changed.is_err() {
                            // The task ended without a word (its runtime is going down): the fence still holds.
                            sleep_until(fence).await;
                            return FENCE_REACHED.to_owned();
                        },
                        () = sleep_until(fence) => return FENCE_REACHED.to_owned(),
                    }
                }
            }
        }
    }

    /// Whether the work must end now, without waiting: asked before a result is believed, because a process that was
    /// stopped as a whole (SIGSTOP) finds its clock past the fence and its child gone at the same moment.
    pub fn is_lost(&self) -> Option<String> {
        match &*self.standing.borrow() {
            Standing::Lost { reason } => Some(reason.clone()),
            Standing::Held { fence } => {
                (clock::monotonic() >= *fence).then(|| FENCE_REACHED.to_owned())
            }
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.task.abort();
    }
}

const FENCE_REACHED: &str = "no heartbeat was answered before the lease was about to end";

/// Longest time one heartbeat may take: a hung connection must not eat the lease.
const LONGEST_BEAT: Duration = Duration::from_secs(10);

async fn keep(
    client: Client,
    mut lease: HeldLease,
    full: Duration,
    standing: watch::Sender<Standing>,
) {
    let spread = f64::from(u8::try_from(lease.execution.0.rem_euclid(256)).unwrap_or(0)) / 255.0;
    // Some of it is used already: an old lease is renewed at once.
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
                let _ = standing.send(Standing::Held {
                    fence: lease.fence(),
                });
                pause = lease.beat_interval(spread);
            }
            Err(error) if error.lease_is_lost() => {
                let _ = standing.send(Standing::Lost {
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
