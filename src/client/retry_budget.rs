//! How much of its patience a call has left.

use std::time::Duration;

use tokio::time::Instant;

/// How long a call is still tried, counted from its first failure. Pauses and requests count alike. A request that began in
/// time may end later, by at most the limit of one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct RetryBudget {
    patience: Duration,
    request: Duration,
    first_failure: Option<Instant>,
}

impl RetryBudget {
    /// `request` is the usual limit of one request.
    pub(super) fn new(patience: Duration, request: Duration) -> Self {
        Self {
            patience,
            request,
            first_failure: None,
        }
    }

    /// Starts to count, if this was the first failure.
    pub(super) fn failed(&mut self, now: Instant) {
        self.first_failure.get_or_insert(now);
    }

    /// How long another try may still begin.
    pub(super) fn left(&self, now: Instant) -> Duration {
        self.until(self.patience, now)
    }

    /// How long a request that begins now may take. After a failure, the end of the budget also ends a request that is
    /// usually given more time, such as a long poll.
    pub(super) fn limit(&self, usual: Duration, now: Instant) -> Duration {
        match self.first_failure {
            None => usual,
            Some(_) => usual.min(self.until(self.patience.saturating_add(self.request), now)),
        }
    }

    fn until(&self, span: Duration, now: Instant) -> Duration {
        let spent = self
            .first_failure
            .map(|first| now.saturating_duration_since(first));
        span.saturating_sub(spent.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn budget_is_untouched_until_the_first_failure() {
        let began = clock::timer();
        let mut budget = RetryBudget::new(SECOND * 20, SECOND * 5);
        let later = began + SECOND * 90;
        assert_eq!(budget.left(later), SECOND * 20);
        assert_eq!(budget.limit(SECOND * 30, later), SECOND * 30);
        budget.failed(later);
        budget.failed(later + SECOND * 7);
        assert_eq!(budget.left(later + SECOND * 8), SECOND * 12);
        assert_eq!(budget.left(later + SECOND * 21), Duration::ZERO);
    }

    #[test]
    fn retry_ends_at_most_one_request_after_the_budget() {
        let began = clock::timer();
        let mut budget = RetryBudget::new(SECOND * 20, SECOND * 5);
        budget.failed(began);
        for (at, usual, limit) in [
            (0, 5, 5),
            (0, 30, 25),
            (19, 30, 6),
            (20, 3, 3),
            (22, 30, 3),
            (25, 30, 0),
            (99, 30, 0),
        ] {
            let got = budget.limit(SECOND * usual, began + SECOND * at);
            assert_eq!(got, SECOND * limit, "{at} {usual}");
        }
    }
}
