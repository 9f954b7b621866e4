//! The only reader of clocks. All other code gets the time as a parameter.
#![expect(clippy::disallowed_methods, reason = "this module owns the effect")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
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

/// How far the service's clock is ahead of the wall clock: that of a machine may be set back while the service runs. Clones
/// are the same.
#[derive(Clone, Debug, Default)]
pub struct ClockLead(Arc<Lead>);

#[derive(Debug, Default)]
struct Lead {
    milliseconds: AtomicI64,
    is_read: AtomicBool,
}

impl ClockLead {
    /// What the wall clock shows at a time of the service.
    pub fn wall_time(&self, service: Timestamp) -> Timestamp {
        Timestamp(
            service
                .0
                .saturating_sub(self.0.milliseconds.load(Ordering::Relaxed)),
        )
    }

    /// The time of the service at a time of the wall clock.
    pub fn service_time(&self, wall: Timestamp) -> Timestamp {
        Timestamp(
            wall.0
                .saturating_add(self.0.milliseconds.load(Ordering::Relaxed)),
        )
    }

    /// Takes a comparison of the clocks over. A lead of a few seconds is the drift of two clocks.
    pub fn compare(&self, service: Timestamp, wall: Timestamp) {
        let lead = service.since(wall);
        let lead = if lead > CLOCK_STEP {
            lead
        } else {
            Duration::ZERO
        };
        let milliseconds = &self.0.milliseconds;
        milliseconds.store(signed_millis(lead), Ordering::Relaxed);
    }

    /// What a time of the service may have lost when it was read from a clock, in whole milliseconds. Nothing, if none of its
    /// times are.
    pub fn rounding(&self) -> Duration {
        Duration::from_millis(self.0.is_read.load(Ordering::Relaxed).into())
    }
}

/// The clock of a database that several replicas share, as this process last read it. Between two readings it goes on with the
/// monotonic clock; it never goes back. Clones are the same.
#[derive(Clone, Debug)]
pub struct SharedClock(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    started: Instant,
    /// What it showed when this process began to follow it, in milliseconds.
    anchor: AtomicI64,
    latest: AtomicI64,
}

impl SharedClock {
    /// A clock that shows `now`.
    pub fn starting_at(now: Timestamp) -> Self {
        Self(Arc::new(Shared {
            started: monotonic(),
            anchor: AtomicI64::new(now.0),
            latest: AtomicI64::new(now.0),
        }))
    }

    /// Takes a reading over.
    pub fn observe(&self, now: Timestamp) {
        let elapsed = signed_millis(self.0.started.elapsed());
        let anchor = now.0.saturating_sub(elapsed);
        self.0.anchor.store(anchor, Ordering::Relaxed);
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        let elapsed = signed_millis(self.0.started.elapsed());
        let now = self
            .0
            .anchor
            .load(Ordering::Relaxed)
            .saturating_add(elapsed);
        let before = self.0.latest.fetch_max(now, Ordering::Relaxed);
        Timestamp(now.max(before))
    }
}

/// The service's clock: never goes back, even if the machine's clock is set back.
///
/// It reads `max(high-water, wall anchor + monotonic elapsed)`: set forward or back, the wall clock does not move it
/// while the process lives. [`ClockLead`] knows by how much the two differ then.
#[derive(Debug)]
pub struct ServiceClock {
    /// The clock that it follows instead of this machine's.
    shared: Option<SharedClock>,
    anchor: Timestamp,
    started: Instant,
    last: Mutex<LastReading>,
    lead: ClockLead,
}

#[derive(Debug)]
struct LastReading {
    monotonic: Duration,
    wall: Timestamp,
    skipped: Duration,
}

/// A jump of the wall clock past the monotonic one is taken for a suspended machine from here on, and one back for a correction.
const CLOCK_STEP: Duration = Duration::from_secs(5);

impl ServiceClock {
    /// A clock that begins now, but not before `high_water`, the last time a former process wrote down.
    pub fn starting_at(high_water: Timestamp) -> Self {
        let wall = wall();
        Self {
            shared: None,
            anchor: wall.max(high_water),
            started: monotonic(),
            last: Mutex::new(LastReading {
                monotonic: Duration::ZERO,
                wall,
                skipped: Duration::ZERO,
            }),
            lead: ClockLead::default(),
        }
    }

    /// The same clock; it keeps `lead` up to date.
    pub fn leading(self, lead: ClockLead) -> Self {
        lead.0.is_read.store(true, Ordering::Relaxed);
        Self { lead, ..self }
    }

    /// A clock that follows that of a database.
    pub fn following(shared: SharedClock) -> Self {
        Self {
            anchor: shared.now(),
            shared: Some(shared),
            ..Self::starting_at(Timestamp(0))
        }
    }

    /// The service's time.
    pub fn now(&self) -> Timestamp {
        if let Some(shared) = &self.shared {
            return shared.now();
        }
        let seen = ignore_poison(self.last.lock());
        self.anchor.plus(self.started.elapsed() + seen.skipped)
    }

    /// Compares both clocks; a forward jump of more than five seconds means that the machine was suspended. Returns the
    /// length of the suspension once; [`Self::now`] includes it from then on. The caller moves all valid leases by it.
    pub fn suspension(&self) -> Option<Duration> {
        if self.shared.is_some() {
            // This machine's clock and sleep say nothing about leases.
            return None;
        }
        let (elapsed, wall) = (self.started.elapsed(), wall());
        let jump = self.jump(elapsed, wall);
        self.lead.compare(self.now(), wall);
        jump
    }

    fn jump(&self, elapsed: Duration, wall: Timestamp) -> Option<Duration> {
        let mut seen = ignore_poison(self.last.lock());
        let jump = wall
            .since(seen.wall)
            .saturating_sub(elapsed.saturating_sub(seen.monotonic));
        (seen.monotonic, seen.wall) = (elapsed, wall);
        (jump > CLOCK_STEP).then(|| {
            seen.skipped += jump;
            jump
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn wall_clock_that_was_set_back_shows_in_wall_times_alone() {
        let now = wall();
        let lead = ClockLead::default();
        lead.compare(now.plus(HOUR), now);
        assert_eq!(lead.wall_time(now.plus(HOUR)), now);
        assert_eq!(lead.service_time(now), now.plus(HOUR));
        // Set right again, or behind: the service follows forward by itself.
        lead.compare(now, now.plus(HOUR));
        assert_eq!(lead.wall_time(now), now);
        lead.compare(now.plus(Duration::from_secs(4)), now);
        assert_eq!(lead.wall_time(now), now, "drift");
    }

    #[test]
    fn service_clock_goes_on_while_the_wall_clock_is_set_back() {
        let lead = ClockLead::default();
        // As if the wall clock had been an hour ahead when the service started.
        let clock = ServiceClock::starting_at(wall().plus(HOUR)).leading(lead.clone());
        assert_eq!(clock.suspension(), None);
        let (service, now) = (clock.now(), wall());
        assert!(
            service >= now.plus(HOUR).min(service),
            "it does not go back"
        );
        let apart = lead.wall_time(service).0 - now.0;
        assert!(apart.abs() < 2_000, "{apart} ms");
    }

    #[test]
    fn shared_clock_follows_forward_and_never_goes_back() {
        let shared = SharedClock::starting_at(Timestamp(1_000));
        let clock = ServiceClock::following(shared.clone());
        assert!(clock.now() >= Timestamp(1_000));
        shared.observe(Timestamp(5_000_000));
        assert!(clock.now() >= Timestamp(5_000_000));
        assert!(clock.now() < Timestamp(5_060_000));
        shared.observe(Timestamp(2_000));
        assert!(clock.now() >= Timestamp(5_000_000), "it waits");
        assert_eq!(clock.suspension(), None);
    }

    #[test]
    fn step_forward_is_returned_once_and_followed() {
        let clock = ServiceClock::starting_at(Timestamp(0));
        let before = clock.now();
        let later = wall().plus(HOUR);
        let jump = clock.jump(clock.started.elapsed(), later).unwrap();
        assert!(jump.as_secs().abs_diff(3_600) < 5, "{jump:?}");
        assert!(clock.now().since(before).as_secs() >= 3_595);
        assert_eq!(clock.jump(clock.started.elapsed(), later), None);
    }
}
