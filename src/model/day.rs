//! A day of the calendar, in UTC.

use std::{fmt, str::FromStr};

use jiff::{civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::Timestamp;

/// A day, written as `2026-12-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(Date);

impl Day {
    /// The day of a time.
    pub fn of(time: Timestamp) -> Self {
        let time = jiff::Timestamp::from_millisecond(time.0).unwrap_or_default();
        Self(time.to_zoned(TimeZone::UTC).date())
    }

    /// How many days it is after `earlier`; negative if it is before.
    pub fn days_after(self, earlier: Self) -> i64 {
        self.0.duration_since(earlier.0).as_hours() / 24
    }
}

impl FromStr for Day {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a day is expected, as 2026-12-31";
        if text.len() != 10 {
            return Err(EXPECTED);
        }
        Date::strptime("%Y-%m-%d", text)
            .map(Self)
            .map_err(|_| EXPECTED)
    }
}

impl TryFrom<String> for Day {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_is_read_compared_and_written() {
        let day = |text: &str| text.parse::<Day>().expect("a day");
        assert_eq!(day("2026-03-01").days_after(day("2026-02-27")), 2);
        assert_eq!(day("2026-02-27").days_after(day("2026-03-01")), -2);
        assert_eq!(Day::of(Timestamp(86_399_999)), day("1970-01-01"));
        assert_eq!(Day::of(Timestamp(86_400_000)).to_string(), "1970-01-02");
        for wrong in [
            "",
            "2026-2-30",
            "2026-02-30",
            "20260201",
            "31.12.2026",
            "2026-12-31T",
        ] {
            assert!(wrong.parse::<Day>().is_err(), "{wrong}");
        }
    }
}
