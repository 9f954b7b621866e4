//! The cool-down of Squish servers that gave trouble.

use std::time::Duration;

use crate::model::ServerTrouble;

/// The longest cool-down, as a multiple of the first: ten minutes for half a minute.
const LONGEST: u32 = 20;

/// The cool-down after the last of `in_a_row` troubles: twice as long each time, up to a bound.
pub(crate) fn cool_down(first: Duration, in_a_row: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(in_a_row.saturating_sub(1));
    first.saturating_mul(doubled.min(LONGEST))
}

/// The detail of the event in the history.
pub(crate) fn history_text(address: &str, trouble: ServerTrouble, cool_down: Duration) -> String {
    format!(
        "Squish server {address} {}; it cools down for {} s",
        trouble.word(),
        cool_down.as_secs_f64()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cool_downs_double_up_to_ten_minutes() {
        let first = Duration::from_secs(30);
        let cool_downs: Vec<u64> = [1, 2, 3, 5, 6, 7, 1_000, u32::MAX]
            .map(|row| cool_down(first, row).as_secs())
            .to_vec();
        assert_eq!(cool_downs, [30, 60, 120, 480, 600, 600, 600, 600]);
    }
}
