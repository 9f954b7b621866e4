//! How a worker waits for a service that cannot let it wait: pauses that grow, and an end.

use std::time::Duration;

use super::WaitingFor;
use crate::{
    clock,
    pace::{Backoff, Jitter},
};

/// Pauses between two requests to a service that cannot let a worker wait.
const BACKOFF: Backoff = Backoff::new(
    Duration::from_secs(2),
    Duration::from_secs(15),
    Jitter::Quarter,
);
/// How long a worker of a service without `pending` stays while nothing fits and others still work.
pub(crate) const IDLE_GRACE: Duration = Duration::from_secs(300);

/// How long a worker has found nothing, against a service that cannot let it wait.
#[derive(Debug, Default)]
pub(crate) struct PollBackoff {
    since: Option<std::time::Instant>,
    asked: u32,
}

impl PollBackoff {
    /// Whether it is time to leave.
    pub(crate) fn for_too_long(&mut self, waiting: WaitingFor) -> bool {
        let since = *self.since.get_or_insert_with(clock::monotonic);
        // Who waits for a busy Squish server waits for as long as the plan is not drained.
        waiting != WaitingFor::SquishServer && since.elapsed() > IDLE_GRACE
    }

    /// How long to wait before the next request.
    pub(crate) fn pause(&mut self) -> Duration {
        self.asked = self.asked.saturating_add(1);
        BACKOFF.pause(self.asked)
    }
}
