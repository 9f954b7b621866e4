//! How long a Squish server rests that gave trouble.

use std::time::Duration;

use crate::model::ServerTrouble;

/// The longest rest, as a multiple of the first: ten minutes for half a minute.
const LONGEST: u32 = 20;

/// How long it rests after the last of `in_a_row` troubles: twice as long each time, up to a bound.
pub fn rest(first: Duration, in_a_row: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(in_a_row.saturating_sub(1));
    first.saturating_mul(doubled.min(LONGEST))
}

/// The line of history about it.
pub fn told(address: &str, trouble: ServerTrouble, rest: Duration) -> String {
    format!(
        "Squish server {address} {}; it rests {} s",
        trouble.word(),
        rest.as_secs_f64()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_double_up_to_ten_minutes() {
        let first = Duration::from_secs(30);
        let rests: Vec<u64> = [1, 2, 3, 5, 6, 7, 1_000, u32::MAX]
            .map(|row| rest(first, row).as_secs())
            .to_vec();
        assert_eq!(rests, [30, 60, 120, 480, 600, 600, 600, 600]);
    }
}
