//! How much longer a lease lasts because the service was away.

use std::time::Duration;

/// Extra time after a restart, so that a worker can reconnect.
const RECONNECT_GRACE: Duration = Duration::from_secs(10);
/// A longer gap is an outage, or a step of the wall clock, and counts in full each time. Shorter ones may come from a service
/// that restarts in a loop.
const LONGEST_RESTART: Duration = Duration::from_secs(60);

/// The extension of one lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Compensation {
    /// How much later it ends.
    pub(in crate::store) extension: Duration,
    /// Its extensions for restarts since it was granted or renewed.
    pub(in crate::store) granted: Duration,
}

impl Compensation {
    /// After the service was away for `downtime`. Restarts in a row extend a lease that no worker renews no more than the longest
    /// of them does alone: a service that restarts in a loop must not keep abandoned leases alive.
    pub(in crate::store) fn of_restart(
        downtime: Duration,
        timeout: Duration,
        before: Duration,
    ) -> Self {
        let grace = timeout.min(RECONNECT_GRACE);
        if downtime > LONGEST_RESTART {
            let rest = grace.saturating_sub(before);
            return Self {
                extension: downtime + rest,
                granted: before + rest,
            };
        }
        let whole = downtime + grace;
        Self {
            extension: whole.saturating_sub(before),
            granted: before.max(whole),
        }
    }

    /// After the clock of the service jumped by `span` while it ran: the lease is as long as before.
    pub(in crate::store) fn of_jump(span: Duration, before: Duration) -> Self {
        Self {
            extension: span,
            granted: before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extensions(timeout: u64, downtimes: &[u64]) -> Vec<u64> {
        let mut before = Duration::ZERO;
        let each = downtimes.iter().map(|downtime| {
            let got = Compensation::of_restart(
                Duration::from_secs(*downtime),
                Duration::from_secs(timeout),
                before,
            );
            before = got.granted;
            got.extension.as_secs()
        });
        each.collect()
    }

    #[test]
    fn restarts_in_a_row_extend_a_lease_once() {
        assert_eq!(extensions(10, &[1; 30])[..3], [11, 0, 0]);
        assert_eq!(extensions(10, &[1; 30]).iter().sum::<u64>(), 11);
        assert_eq!(
            extensions(3, &[2, 2]),
            [5, 0],
            "grace is no longer than the lease"
        );
        assert_eq!(
            extensions(60, &[1, 5, 2, 7]),
            [11, 4, 0, 2],
            "the longest counts"
        );
    }

    #[test]
    fn outages_count_each_time_and_their_grace_once() {
        assert_eq!(extensions(60, &[600, 600]), [610, 600]);
        assert_eq!(extensions(60, &[1, 3600, 1]), [11, 3600, 0]);
        assert_eq!(extensions(60, &[3600, 1, 9]), [3610, 1, 8]);
    }
}
