//! When the database answered last, for load balancers: another replica may still reach it.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::{
    clock,
    store::{Outage, OutageKind},
    sync::ignore_poison,
};

/// A database that did not answer for longer cannot be reached: the writer asks it every second.
const RECENT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct LastContact(Mutex<Instant>);

impl LastContact {
    pub(super) fn now() -> Self {
        Self(Mutex::new(clock::monotonic()))
    }

    /// Notes that it answered.
    pub(super) fn note(&self) {
        *ignore_poison(self.0.lock()) = clock::monotonic();
    }

    /// That it did not answer lately.
    pub(super) fn silence(&self) -> Option<Outage> {
        let last = *ignore_poison(self.0.lock());
        let silent_for = clock::monotonic().saturating_duration_since(last);
        (silent_for > RECENT).then(|| {
            let reason = format!("it has not answered for {} s", silent_for.as_secs());
            Outage {
                kind: OutageKind::Connection,
                text: format!("PostgreSQL: {reason}; check its load and the network"),
                reason,
            }
        })
    }
}
