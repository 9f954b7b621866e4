//! Pauses that double with each failure, with jitter.

use std::time::Duration;

/// Pauses that double from `first` up to `longest`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    jitter: Jitter,
}

/// How a pause is randomised, so that clients that failed together do not come back together.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Jitter {
    None,
    /// Anything from zero to the pause.
    Full,
    /// Anything from the first pause to this one.
    AboveFirst,
    /// The pause, ±25 %.
    Quarter,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, longest: Duration, jitter: Jitter) -> Self {
        Self {
            first,
            longest,
            jitter,
        }
    }

    /// The pause after this many failures in a row, counted from 1.
    pub(crate) fn pause(&self, failures: u32) -> Duration {
        self.pause_at(failures, random_fraction())
    }

    /// `fraction` is in 0..=1 and stands for chance.
    fn pause_at(&self, failures: u32, fraction: f64) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        let pause = self.first.saturating_mul(doubled).min(self.longest);
        match self.jitter {
            Jitter::None => pause,
            Jitter::Full => pause.mul_f64(fraction),
            Jitter::AboveFirst => self.first + pause.saturating_sub(self.first).mul_f64(fraction),
            Jitter::Quarter => pause.mul_f64(0.75 + 0.5 * fraction),
        }
    }
}

/// 0.5 if the system has no random bytes.
fn random_fraction() -> f64 {
    getrandom::u32().map_or(0.5, |bits| f64::from(bits) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JITTERS: [Jitter; 4] = [
        Jitter::None,
        Jitter::Full,
        Jitter::AboveFirst,
        Jitter::Quarter,
    ];

    fn backoff(jitter: Jitter) -> Backoff {
        Backoff::new(Duration::from_secs(1), Duration::from_secs(30), jitter)
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses =
            [1, 2, 3, 5, 6, u32::MAX].map(|failures| backoff(Jitter::None).pause(failures));
        assert_eq!(pauses.map(|pause| pause.as_secs()), [1, 2, 4, 16, 30, 30]);
    }

    #[test]
    fn jitter_has_exact_limits() {
        let limits = |jitter| [0.0, 1.0].map(|at| backoff(jitter).pause_at(3, at).as_millis());
        assert_eq!(
            JITTERS.map(limits),
            [[4000, 4000], [0, 4000], [1000, 4000], [3000, 5000]]
        );
    }

    #[test]
    fn pauses_with_jitter_differ() {
        for jitter in &JITTERS[1..] {
            let pauses = [(); 20].map(|()| backoff(*jitter).pause(5));
            assert!(
                pauses.iter().any(|pause| *pause != pauses[0]),
                "{jitter:?}: {pauses:?}"
            );
        }
    }
}
