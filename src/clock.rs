//! The only reader of clocks. All other code gets the time as a parameter.
#![expect(clippy::disallowed_methods, reason = "this module owns the effect")]

use std::{
    sync::Mutex,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    model::{Timestamp, signed_millis},
    sync::ignore_poison,
};

/// The wall clock. For time stamps, never for measuring.
pub fn wall() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(signed_millis(since))
}

/// The monotonic clock, for measuring and for held leases.
pub fn monotonic() -> Instant {
    Instant::now()
}

/// The monotonic clock that timers follow: the same, but a test that pauses its runtime moves it.
pub fn timer() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// The service's clock: never goes back, even if the machine's clock is set back.
///
/// It reads `max(high-water, wall anchor + monotonic elapsed)`: set forward or back, the wall clock does not move it
/// while the process lives.
#[derive(Debug)]
pub struct ServiceClock {
    anchor: Timestamp,
    started: Instant,
    last: Mutex<LastReading>,
}

#[derive(Debug)]
struct LastReading {
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
            last: Mutex::new(LastReading {
                monotonic: Duration::ZERO,
                wall,
                skipped: Duration::ZERO,
            }),
        }
    }

    /// The service's time.
    pub fn now(&self) -> Timestamp {
        let seen = ignore_poison(self.last.lock());
        self.anchor.plus(self.started.elapsed() + seen.skipped)
    }

    /// Compares both clocks; a forward jump of more than five seconds means that the machine was suspended. Returns the
    /// length of the suspension once; [`Self::now`] includes it from then on. The caller moves all valid leases by it.
    pub fn suspension(&self) -> Option<Duration> {
        let (elapsed, wall) = (self.started.elapsed(), wall());
        let mut seen = ignore_poison(self.last.lock());
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
