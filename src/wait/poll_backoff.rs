//! Pauses of a worker between requests to a service without long polls.

use std::time::Duration;

use super::WaitingFor;
use crate::{
    clock,
    pace::{Backoff, Jitter},
};

const BACKOFF: Backoff = Backoff::new(
    Duration::from_secs(2),
    Duration::from_secs(15),
    Jitter::Quarter,
);
/// How long a worker of a service without `pending` stays while nothing fits and others still work.
pub(crate) const IDLE_GRACE: Duration = Duration::from_secs(300);

/// The wait of a worker for a service without long polls.
#[derive(Debug, Default)]
pub(crate) struct PollBackoff {
    since: Option<std::time::Instant>,
    asked: u32,
}

impl PollBackoff {
    /// Whether the worker should leave.
    pub(crate) fn for_too_long(&mut self, waiting: WaitingFor) -> bool {
        let since = *self.since.get_or_insert_with(clock::monotonic);
        // A worker that waits for a busy Squish server stays until the plan is drained.
        waiting != WaitingFor::SquishServer && since.elapsed() > IDLE_GRACE
    }

    /// How long to wait before the next request.
    pub(crate) fn pause(&mut self) -> Duration {
        self.asked = self.asked.saturating_add(1);
        BACKOFF.pause(self.asked)
    }
}
