//! A point in time as the API writes it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, according to the clock of its maker: this machine or the service.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This time moved forward; saturates at the end of time.
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(signed_millis(span)))
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A duration in whole milliseconds; saturates.
pub fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// The same for the wire and for SQL, which have no unsigned numbers.
pub fn signed_millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_cut_and_saturate() {
        assert_eq!(millis(Duration::from_micros(1999)), 1);
        assert_eq!(millis(Duration::MAX), u64::MAX);
        assert_eq!(signed_millis(Duration::from_secs(2)), 2000);
        assert_eq!(signed_millis(Duration::MAX), i64::MAX);
    }

    #[test]
    fn differences_are_never_negative() {
        assert_eq!(Timestamp(3).since(Timestamp(1)), Duration::from_millis(2));
        assert_eq!(Timestamp(1).since(Timestamp(3)), Duration::ZERO);
        assert_eq!(Timestamp(1).plus(Duration::MAX), Timestamp(i64::MAX));
    }
}
