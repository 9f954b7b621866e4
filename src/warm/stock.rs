//! How many tests a worker keeps at hand for its warm process, so that the round trip of a lease does not hold up tests
//! that take a millisecond.
//!
//! A test that is kept here cannot run elsewhere meanwhile. So the stock is measured in predicted time: tests of a second
//! are asked for when they are needed, tests of a tenth of a second one ahead, tests of a millisecond in dozens.

use std::time::Duration;

/// The time that the stock should last.
const WANTED: Duration = Duration::from_millis(25);
/// A worker keeps one test ahead of a running one while tests take no longer: the round trip costs a hundredth of them.
const ONE_AHEAD: f64 = 120.0;
/// Most tests in it.
const MOST: usize = 50;
/// How much the last test counts in the mean.
const WEIGHT: f64 = 0.2;

/// The running mean of how long tests take.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stock {
    mean_ms: Option<f64>,
}

impl Stock {
    /// Learns from a test that ended. A long one counts at once: what follows may be as long.
    pub(crate) fn learn(&mut self, took: Duration) {
        let ms = took.as_secs_f64() * 1000.0;
        self.mean_ms = Some(match self.mean_ms {
            Some(mean) => mean.mul_add(1.0 - WEIGHT, ms * WEIGHT),
            None => ms,
        });
    }

    /// How many more tests to ask for, with `at_hand` of them taken and not begun.
    pub(crate) fn wanted(&self, at_hand: usize, process_waits: bool) -> usize {
        let full = self.full();
        if at_hand == 0 && process_waits {
            return full;
        }
        if full > 1 {
            return if at_hand * 2 <= full {
                full - at_hand
            } else {
                0
            };
        }
        // One test ahead of a running one is worth it only if tests are short.
        let is_short = self.mean_ms.is_some_and(|mean| mean <= ONE_AHEAD);
        usize::from(is_short && at_hand == 0)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "cut to a small number first"
    )]
    fn full(&self) -> usize {
        let Some(mean) = self.mean_ms else { return 1 };
        let tests = WANTED.as_secs_f64() * 1000.0 / mean.max(0.01);
        (tests.min(50.0) as usize).clamp(1, MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(ms: u64) -> Stock {
        let mut stock = Stock::default();
        stock.learn(Duration::from_millis(ms));
        stock
    }

    #[test]
    fn first_test_and_long_tests_are_asked_for_one_by_one() {
        for stock in [Stock::default(), after(130), after(3000)] {
            assert_eq!(stock.wanted(0, true), 1);
            assert_eq!(stock.wanted(0, false), 0, "nothing is kept ahead");
            assert_eq!(stock.wanted(1, false), 0);
        }
    }

    #[test]
    fn one_test_of_a_tenth_of_a_second_is_kept_ahead() {
        let stock = after(100);
        assert_eq!(stock.wanted(0, true), 1);
        assert_eq!(stock.wanted(0, false), 1);
        assert_eq!(stock.wanted(1, false), 0);
    }

    #[test]
    fn short_tests_are_kept_at_hand() {
        let stock = after(1);
        assert_eq!(stock.wanted(0, true), 25);
        assert_eq!(stock.wanted(0, false), 25);
        assert_eq!(stock.wanted(12, false), 13);
        assert_eq!(stock.wanted(13, false), 0);
        assert_eq!(after(0).wanted(0, false), MOST);
    }

    #[test]
    fn one_long_test_empties_the_stock() {
        let mut stock = after(1);
        stock.learn(Duration::from_secs(1));
        assert_eq!(stock.wanted(0, false), 0);
    }
}
