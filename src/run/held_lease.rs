//! A lease as its holder sees it: bounded by the monotonic clock, from the moment the request that got it was sent.
//!
//! The service counts from when it answered, which is later. A holder that obeys [`HeldLease::fence`] has stopped before
//! the service can give the execution to another worker.

use std::time::{Duration, Instant};

use crate::model::{ExecutionId, LeaseToken};

/// The longest lease asked for with a reservation: a lost answer strands an execution no longer than this. The first
/// heartbeat asks for the full length. A holder that reserved just before an outage has to stop after 23 s of it: longer than a
/// service takes to be restarted.
pub(super) const FIRST_LEASE: Duration = Duration::from_secs(30);

/// Most of a lease that is set aside for ending a process tree.
const KILL_BUDGET: Duration = Duration::from_secs(4);

/// When a first lease that is shorter than the full one is lengthened: tests that end earlier cost no heartbeat, and an outage
/// that begins later has the full length to pass.
const FIRST_BEAT: Duration = Duration::from_secs(1);

/// A lease held on an execution.
#[derive(Clone, Debug)]
pub(super) struct HeldLease {
    pub(super) execution: ExecutionId,
    /// The proof; absent against Test Center.
    pub(super) token: Option<LeaseToken>,
    /// Its length, counted from `sent_at`.
    pub(super) timeout: Duration,
    /// When the last request that was granted it left here.
    pub(super) sent_at: Instant,
}

impl HeldLease {
    /// When the work must begin to end: early enough that its processes are gone before the lease is.
    pub(super) fn fence(&self) -> Instant {
        self.sent_at
            + self
                .timeout
                .saturating_sub(self.kill_budget() + self.timeout / 10)
    }

    /// How long ending the work may take.
    pub(super) fn kill_budget(&self) -> Duration {
        KILL_BUDGET.min(self.timeout / 5)
    }

    /// How long to wait before the next heartbeat: a third of the lease, so that two may be lost, spread by ±10 % so
    /// that workers do not beat in step. `spread` is in 0..=1.
    pub(super) fn beat_interval(&self, spread: f64) -> Duration {
        (self.timeout / 3).mul_f64(0.9 + 0.2 * spread.clamp(0.0, 1.0))
    }

    /// How long after the request the first heartbeat is due. `full` is the length that it asks for.
    pub(super) fn first_beat(&self, full: Duration, spread: f64) -> Duration {
        let usual = self.beat_interval(spread);
        if self.timeout < full {
            usual.min(FIRST_BEAT)
        } else {
            usual
        }
    }

    /// What to say of a service that took longer than `limit` to answer a heartbeat.
    pub(super) fn slow_service(&self, limit: Duration, full: Duration) -> String {
        let (limit, length) = (limit.as_secs_f32(), self.timeout.as_secs_f32());
        let advice = if self.timeout < full {
            "find out why it is slow: its log, its disk, a proxy before it"
        } else {
            "find out why it is slow, or ask for longer leases with --lease"
        };
        format!(
            "the service took longer than {limit:.1} s to answer a heartbeat, which is what a lease of {length:.1} s allows: {advice}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn lease(seconds: u64) -> HeldLease {
        HeldLease {
            execution: ExecutionId(1),
            token: None,
            timeout: Duration::from_secs(seconds),
            sent_at: clock::monotonic(),
        }
    }

    #[test]
    fn the_fence_leaves_time_to_kill_before_the_lease_ends() {
        for seconds in [1, 2, 5, 20, 60, 3600] {
            let lease = lease(seconds);
            let end = lease.sent_at + lease.timeout;
            assert!(lease.fence() + lease.kill_budget() < end, "{seconds}");
            assert!(
                lease.fence() > lease.sent_at + lease.timeout / 2,
                "two beats fit before the fence: {seconds}"
            );
        }
    }

    #[test]
    fn first_lease_outlasts_a_restart_of_the_service() {
        let lease = lease(FIRST_LEASE.as_secs());
        let restart = Duration::from_secs(20);
        assert!(lease.fence() > lease.sent_at + restart);
    }

    #[test]
    fn short_first_lease_is_lengthened_after_a_second() {
        let full = Duration::from_secs(60);
        assert_eq!(lease(30).first_beat(full, 0.5), Duration::from_secs(1));
        assert_eq!(lease(60).first_beat(full, 0.5), Duration::from_secs(20));
        let short = lease(2);
        assert_eq!(short.first_beat(full, 0.5), short.beat_interval(0.5));
    }

    #[test]
    fn two_beats_may_be_lost_before_the_fence() {
        for spread in [0.0, 0.5, 1.0] {
            let lease = lease(60);
            assert!(lease.sent_at + lease.beat_interval(spread) * 2 < lease.fence());
        }
    }
}
