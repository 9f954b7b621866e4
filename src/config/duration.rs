//! Durations as people write them: `30s`, `10m`, `1h 30m`, `500ms`.

use std::time::Duration;

use jiff::fmt::friendly::SpanParser;

use crate::text::DURATION_UNITS;

pub use crate::text::format_duration as format;

/// The longest duration that is accepted: a year. Longer ones are slips, and would overflow clocks.
pub const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// More digits are not a number of milliseconds that fits [`LONGEST`].
const LONGEST_NUMBER: usize = 18;

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotADuration {
    /// Nothing is there.
    #[error("a duration is empty: write one as 30s, 10m or 1h 30m")]
    Empty,
    /// A number stands alone.
    #[error("{0:?} has no unit: write {0}s, {0}m or {0}h")]
    NoUnit(String),
    /// A fraction.
    #[error("{0:?} has a fraction: write whole numbers, as 1h 30m or 1500ms")]
    Fraction(String),
    /// A word that is no unit.
    #[error("{unit:?} in {text:?} is not a unit: use ms, s, m or h, as in 1h 30m")]
    Unit {
        /// The whole text.
        text: String,
        /// The word.
        unit: String,
    },
    /// Units that do not get smaller, as in `30m 1h` or `1m 1m`.
    #[error(
        "the units of {0:?} are not in order: write the largest first and each once, as 1h 30m"
    )]
    Order(String),
    /// More than a year, see [`LONGEST`].
    #[error("{0:?} is longer than a year")]
    TooLong(String),
    /// Something else.
    #[error("{0:?} is not a duration: write one as 30s, 10m or 1h 30m")]
    Other(String),
}

/// Reads a duration: whole numbers, each with a unit of `h`, `m`, `s`, `ms`, largest first, with or without blanks.
/// Zero is a duration.
///
/// jiff reads more than that (`5 min`, `1.5h`, `1:30:00`), which `testplan.yml` does not allow.
pub fn parse(text: &str) -> Result<Duration, NotADuration> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = |text: &str| text.chars().take(40).collect::<String>();
    let is_digit = |c: char| c.is_ascii_digit();
    if text.is_empty() {
        return Err(NotADuration::Empty);
    }
    if !text.starts_with(is_digit) || text.contains(':') {
        return Err(NotADuration::Other(shown(&text)));
    }
    if text.chars().all(is_digit) {
        return Err(NotADuration::NoUnit(shown(&text)));
    }
    if text.contains(['.', ',']) {
        return Err(NotADuration::Fraction(shown(&text)));
    }
    let mut words = text.split(|c: char| !c.is_alphabetic());
    let is_unit =
        |word: &str| word.is_empty() || DURATION_UNITS.iter().any(|(unit, _)| *unit == word);
    if let Some(unit) = words.find(|word| !is_unit(word)) {
        return Err(NotADuration::Unit {
            text: shown(&text),
            unit: shown(unit),
        });
    }
    let is_huge = |number: &str| number.len() > LONGEST_NUMBER;
    if text.split(|c| !is_digit(c)).any(is_huge) {
        return Err(NotADuration::TooLong(shown(&text)));
    }
    let duration = SpanParser::new()
        .parse_unsigned_duration(&text)
        .map_err(|_| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || c == ' ';
            if text.ends_with(is_digit) || !text.chars().all(is_plain) {
                NotADuration::Other(shown(&text))
            } else {
                NotADuration::Order(shown(&text))
            }
        })?;
    if duration > LONGEST {
        return Err(NotADuration::TooLong(shown(&text)));
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_people_write() {
        let table = [
            ("30s", 30_000),
            ("10m", 600_000),
            ("1h 30m", 5_400_000),
            ("1h30m", 5_400_000),
            (" 1 h  30 m ", 5_400_000),
            ("1\u{a0}h", 3_600_000),
            ("007s", 7_000),
            ("500ms", 500),
            ("1h 1ms", 3_600_001),
            ("90s", 90_000),
            ("0s", 0),
            ("8760h", 31_536_000_000),
        ];
        for (text, millis) in table {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let table = [
            ("", "a duration is empty: write one as 30s, 10m or 1h 30m"),
            ("30", "\"30\" has no unit: write 30s, 30m or 30h"),
            (
                "1.5h",
                "\"1.5h\" has a fraction: write whole numbers, as 1h 30m or 1500ms",
            ),
            (
                "1:30:00",
                "\"1:30:00\" is not a duration: write one as 30s, 10m or 1h 30m",
            ),
            (
                "5 min",
                "\"min\" in \"5 min\" is not a unit: use ms, s, m or h, as in 1h 30m",
            ),
            (
                "30m 1h",
                "the units of \"30m 1h\" are not in order: write the largest first and each once, as 1h 30m",
            ),
            (
                "1m 1m",
                "the units of \"1m 1m\" are not in order: write the largest first and each once, as 1h 30m",
            ),
            ("8761h", "\"8761h\" is longer than a year"),
            (
                "99999999999999999999h",
                "\"99999999999999999999h\" is longer than a year",
            ),
            (
                "-1s",
                "\"-1s\" is not a duration: write one as 30s, 10m or 1h 30m",
            ),
            (
                "soon",
                "\"soon\" is not a duration: write one as 30s, 10m or 1h 30m",
            ),
            (
                "1h 30",
                "\"1h 30\" is not a duration: write one as 30s, 10m or 1h 30m",
            ),
        ];
        for (text, message) in table {
            assert_eq!(parse(text).unwrap_err().to_string(), message, "{text}");
        }
    }

    #[test]
    fn writes_the_shortest_form() {
        let table = [
            (0, "0s"),
            (500, "500ms"),
            (90_000, "1m 30s"),
            (5_400_000, "1h 30m"),
            (3_600_001, "1h 1ms"),
            (100_000_000, "27h 46m 40s"),
        ];
        for (millis, text) in table {
            assert_eq!(format(Duration::from_millis(millis)), text);
        }
        assert_eq!(format(Duration::from_micros(1_999)), "1ms");
    }

    proptest! {
        #[test]
        fn reads_back_what_it_writes(millis in 0_u64..=31_536_000_000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }

        #[test]
        fn never_panics(text in ".{0,40}") {
            if let Ok(duration) = parse(&text) {
                prop_assert!(duration <= LONGEST);
            }
        }
    }
}
