//! How many runs of a test ended how on each day.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{model::RunEnd, store::TestRun};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A day, by UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Day {
    /// Its beginning.
    pub(crate) start_dt: i64,
    pub(crate) passed: u64,
    pub(crate) flaky: u64,
    pub(crate) failed: u64,
    /// Those that could not run, or ended without a verdict.
    pub(crate) without_verdict: u64,
    pub(crate) skipped: u64,
}

impl Day {
    /// All of its runs.
    pub(crate) fn runs(&self) -> u64 {
        self.passed + self.flaky + self.failed + self.without_verdict + self.skipped
    }
}

/// The last `count` days up to that of `now`, oldest first, also those without runs.
pub(crate) fn days(runs: &[TestRun], now: i64, count: u16) -> Vec<Day> {
    let today = now.div_euclid(DAY_MS);
    let first = today - i64::from(count) + 1;
    let mut by_day: BTreeMap<i64, Day> = (first..=today)
        .map(|day| {
            let start_dt = day * DAY_MS;
            (
                day,
                Day {
                    start_dt,
                    ..Day::default()
                },
            )
        })
        .collect();
    for run in runs {
        let Some(day) = by_day.get_mut(&run.started.0.div_euclid(DAY_MS)) else {
            continue;
        };
        match run.end {
            RunEnd::Passed => day.passed += 1,
            RunEnd::Flaky => day.flaky += 1,
            RunEnd::Failed => day.failed += 1,
            RunEnd::Skipped => day.skipped += 1,
            RunEnd::CouldNotRun | RunEnd::NoVerdict => day.without_verdict += 1,
            RunEnd::Open => {}
        }
    }
    by_day.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::{super::spell::examples::runs, *};

    #[test]
    fn days_without_runs_are_there_too() {
        // Hourly from 1 o'clock on the first day.
        let all = runs("Linux", &format!("{}F~!so", ".".repeat(23)));
        let found = days(&all, DAY_MS * 2 + 5, 3);
        let counts: Vec<_> = found.iter().map(Day::runs).collect();
        assert_eq!(counts, [23, 4, 0]);
        assert_eq!(
            (found[1].failed, found[1].flaky, found[1].without_verdict),
            (1, 1, 1)
        );
        assert_eq!(found[2].start_dt, DAY_MS * 2);
        assert_eq!(
            days(&all, DAY_MS * 9, 3).iter().map(Day::runs).sum::<u64>(),
            0
        );
    }
}
