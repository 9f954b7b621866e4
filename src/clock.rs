//! The only reader of clocks. Everyone else is handed a time.
#![expect(clippy::disallowed_methods, reason = "this module owns the effect")]

use std::{
    sync::Mutex,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    model::{Timestamp, signed_millis},
    sync::ignore_poison,
};

/// The wall clock, as milliseconds since the epoch. For stamps that people read; never for measuring.
pub fn wall() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(signed_millis(since))
}

/// The monotonic clock, for measuring and for leases held.
pub fn monotonic() -> Instant {
    Instant::now()
}

/// The service's clock: never goes back, whatever is done to the machine's.
///
/// It reads `max(high-water, wall anchor + monotonic elapsed)`: set forward or back, the wall clock does not move it
/// while the process lives.
#[derive(Debug)]
pub struct ServiceClock {
    anchor: Timestamp,
    started: Instant,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    monotonic: Duration,
    wall: Timestamp,
    skipped: Duration,
}

/// A jump of the wall clock past the monotonic one that is taken for a suspended machine.
const SUSPENSION: Duration = Duration::from_secs(5);

impl ServiceClock {
    /// A clock that begins now, but not before `high_water`, the last time a former process wrote down.
    pub fn starting_at(high_water: Timestamp) -> Self {
        let wall = wall();
        Self {
            anchor: wall.max(high_water),
            started: monotonic(),
            seen: Mutex::new(Seen {
                monotonic: Duration::ZERO,
                wall,
                skipped: Duration::ZERO,
            }),
        }
    }

    /// What time the service has.
    pub fn now(&self) -> Timestamp {
        let seen = ignore_poison(self.seen.lock());
        self.anchor.plus(self.started.elapsed() + seen.skipped)
    }

    /// Compares both clocks; a forward jump of more than five seconds is a machine that slept. The time slept is
    /// returned once, and [`Self::now`] includes it from then on: the caller moves all valid leases by as much.
    pub fn suspension(&self) -> Option<Duration> {
        let (elapsed, wall) = (self.started.elapsed(), wall());
        let mut seen = ignore_poison(self.seen.lock());
        let jump = wall
            .since(seen.wall)
            .saturating_sub(elapsed.saturating_sub(seen.monotonic));
        (seen.monotonic, seen.wall) = (elapsed, wall);
        (jump > SUSPENSION).then(|| {
            seen.skipped += jump;
            jump
        })
    }
}
