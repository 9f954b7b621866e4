//! Starts squishrunner again while it finds no licence, under the same lease, for as long as `testplan.yml` says.

use std::time::{Duration, Instant};

use crate::{
    clock,
    model::Outcome,
    pace::{Backoff, Jitter},
    runner::{process_end::ProcessEnd, squishrunner::squish_decision::is_without_licence},
};

/// Pauses between two tries.
const SHORTEST: Duration = Duration::from_secs(1);
const BACKOFF: Backoff = Backoff::new(SHORTEST, Duration::from_secs(30), Jitter::AboveFirst);

/// How often and for how long one execution has found no licence.
#[derive(Debug)]
pub(super) struct LicenceRetry {
    patience: Duration,
    missed: u32,
    since: Option<Instant>,
}

impl LicenceRetry {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            missed: 0,
            since: None,
        }
    }

    /// How long to pause before the next try; `None` if this was the last one.
    pub(super) fn pause_after(&mut self, ending: ProcessEnd) -> Option<Duration> {
        if !is_without_licence(ending) {
            return None;
        }
        self.missed += 1;
        let since = *self.since.get_or_insert_with(clock::monotonic);
        let left = self.patience.checked_sub(since.elapsed())?;
        (!left.is_zero()).then(|| BACKOFF.pause(self.missed.saturating_add(1)).min(left))
    }

    /// Adds to the message how often and for how long there was no licence.
    pub(super) fn explain(&self, outcome: &mut Outcome) {
        if let (Outcome::ExecutionError { message, .. }, Some(since)) = (outcome, self.since)
            && self.missed > 1
        {
            let seconds = since.elapsed().as_secs();
            *message = format!("{message}; tried {} times within {seconds} s", self.missed);
        }
    }

    pub(super) fn missed(&self) -> u32 {
        self.missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_one_second_to_thirty() {
        for (missed, most) in [(1, 2), (2, 4), (4, 16), (5, 30), (u32::MAX, 30)] {
            let mut licence = LicenceRetry {
                missed: missed - 1,
                ..LicenceRetry::new(Duration::from_secs(600))
            };
            let pause = licence.pause_after(ProcessEnd::Exited(37)).unwrap();
            assert!(
                (SHORTEST..=Duration::from_secs(most)).contains(&pause),
                "{missed}: {pause:?}"
            );
        }
    }

    #[test]
    fn only_a_missing_licence_is_retried_within_the_patience() {
        let mut patient = LicenceRetry::new(Duration::from_secs(60));
        for ending in [
            ProcessEnd::Exited(0),
            ProcessEnd::Exited(255),
            ProcessEnd::Signalled(9),
        ] {
            assert_eq!(patient.pause_after(ending), None);
        }
        assert_eq!(patient.missed(), 0);
        assert!(patient.pause_after(ProcessEnd::Exited(37)) >= Some(SHORTEST));
        let mut hasty = LicenceRetry::new(Duration::from_millis(700));
        let pause = hasty.pause_after(ProcessEnd::Exited(37)).unwrap();
        assert!(pause <= Duration::from_millis(700), "{pause:?}");
        assert_eq!(
            LicenceRetry::new(Duration::ZERO).pause_after(ProcessEnd::Exited(37)),
            None
        );
    }
}
