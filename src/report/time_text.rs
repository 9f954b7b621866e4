//! Durations and times as text.

use crate::model::{Timestamp, millis};

/// `0.4s`, `3.2s`, `1m 05s`, `2h 03m`: at most two units, so that columns stay narrow.
pub fn duration_text(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0..60 => format!("{seconds}.{}s", milliseconds % 1000 / 100),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

pub(crate) fn millis_between(from: Timestamp, to: Timestamp) -> u64 {
    millis(to.since(from))
}

/// `2025-08-22T15:23:37Z`.
pub fn utc_text(time: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.0).map_or_else(
        |_| "a time outside the calendar".to_owned(),
        |time| format!("{time:.0}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_at_most() {
        let table = [
            (0, "0.0s"),
            (3_249, "3.2s"),
            (59_999, "59.9s"),
            (60_000, "1m 00s"),
            (760_000, "12m 40s"),
            (3_600_000, "1h 00m"),
            (7_384_000, "2h 03m"),
        ];
        for (milliseconds, text) in table {
            assert_eq!(duration_text(milliseconds), text);
        }
        assert_eq!(
            utc_text(Timestamp(1_755_876_217_000)),
            "2025-08-22T15:23:37Z"
        );
    }
}
