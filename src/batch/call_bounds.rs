//! How long a call may take.

use std::time::Duration;

/// The least that a test of a known duration is given.
const LEAST: Duration = Duration::from_secs(1);

/// The time limit of a call, if one test may take `limit`. `expected` is what each of its tests usually takes.
///
/// Nothing shows which test is running. So the call gets the limit of one test, and for each of the others twice what it is
/// expected to take, or its whole limit if that is not known. A test that hangs is found later, when it runs alone.
pub(crate) fn time_limit(limit: Duration, expected: &[Option<Duration>]) -> Duration {
    let shares = expected.iter().map(|expected| match expected {
        Some(expected) => (*expected * 2).max(LEAST).min(limit),
        None => limit,
    });
    let longest = shares.clone().max().unwrap_or_default();
    limit + shares.sum::<Duration>().saturating_sub(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_follows_the_expected_durations() {
        let limit = Duration::from_secs(60);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let of = |expected: &[Option<Duration>]| time_limit(limit, expected).as_secs();
        assert_eq!(of(&[None]), 60, "one test has its own limit");
        assert_eq!(of(&[seconds(3)]), 60);
        assert_eq!(of(&[None, None, None]), 180);
        assert_eq!(of(&[seconds(10), seconds(5), seconds(0)]), 60 + 10 + 1);
        assert_eq!(of(&[seconds(100), seconds(100)]), 120);
    }
}
