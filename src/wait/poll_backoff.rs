//! How a worker waits for a service that cannot let it wait: pauses that grow, and an end.

use std::time::Duration;

use super::WaitingFor;
use crate::clock;

/// Pauses between two questions to a service that cannot let a worker wait: from, to.
const POLL: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(15));
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

    /// Grows from two to fifteen seconds, apart by slot so that workers do not ask in step.
    pub(crate) fn pause(&mut self, slot: usize) -> Duration {
        self.asked += 1;
        let grown = POLL.0 * 2u32.saturating_pow(self.asked.min(4) - 1);
        let spread = 0.75 + 0.5 * f64::from(u8::try_from(slot * 37 % 100).unwrap_or(0)) / 100.0;
        grown.min(POLL.1).mul_f64(spread)
    }
}
