//! How long a teardown waits for the next test before it ends all fixtures.
//!
//! A fixture that lives on saves more than the wait, if a test comes. At the end of a plan none comes, and the result of the
//! last test waits too. So the limit follows from how fast tests came before.

use std::time::Duration;

const LEAST: Duration = Duration::from_millis(50);
const MOST: Duration = Duration::from_secs(2);
/// So many times the slowest of the last answers.
const FACTOR: u32 = 4;

/// Learns how long the worker takes to bring tests.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Patience {
    slow: Duration,
}

impl Patience {
    /// Learns from tests that came: a slow answer counts at once and is forgotten slowly.
    pub(crate) fn learn(&mut self, took: Duration) {
        // A wait that was longer than any limit is one for other workers.
        if took <= MOST {
            self.slow = took.max(self.slow.mul_f64(0.9));
        }
    }

    /// How long to wait.
    pub(crate) fn limit(self) -> Duration {
        (self.slow * FACTOR).clamp(LEAST, MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_follows_the_slow_answers() {
        let mut patience = Patience::default();
        assert_eq!(patience.limit(), LEAST);
        patience.learn(Duration::from_millis(100));
        assert_eq!(patience.limit(), Duration::from_millis(400));
        patience.learn(Duration::from_millis(1));
        assert_eq!(patience.limit(), Duration::from_millis(360));
        patience.learn(Duration::from_secs(60));
        assert_eq!(patience.limit(), Duration::from_millis(360));
        patience.learn(Duration::from_secs(1));
        assert_eq!(patience.limit(), MOST);
    }
}
