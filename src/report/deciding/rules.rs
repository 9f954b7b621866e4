//! The rules, as functions of plain values.

use crate::{
    model::{Day, FlakyVerdict},
    report::EntryStatus,
};

/// What the earlier runs of a test say, those of its plan left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EarlierRuns {
    /// How many of the last ones failed in a row.
    pub failed_in_a_row: u32,
    /// How many are known, as far as they were asked for. Runs without a verdict, and those of plans that were out of order as
    /// a whole, are left out.
    pub known: u32,
}

/// Whether a quarantine excuses a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuarantineState {
    /// It does.
    Active,
    /// Its last day is over.
    Expired,
    /// The test failed in so many runs in a row: it is broken, not flaky.
    Broken(u32),
    /// Whether the test is broken is not known.
    HistoryUnknown,
}

/// How a quarantine stands on a day. `broken_after`: how many failed runs in a row make its test broken.
pub fn quarantine_state(
    until: Day,
    today: Option<Day>,
    broken_after: Option<u32>,
    runs: Option<EarlierRuns>,
) -> QuarantineState {
    if today.is_none_or(|today| today > until) {
        return QuarantineState::Expired;
    }
    let Some(most) = broken_after else {
        return QuarantineState::Active;
    };
    match runs {
        None => QuarantineState::HistoryUnknown,
        Some(runs) if runs.failed_in_a_row >= most => QuarantineState::Broken(most),
        Some(_) => QuarantineState::Active,
    }
}

/// What a result means for the conclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It passed or was skipped.
    Good,
    /// It failed.
    Fails,
    /// It is flaky, and that counts as failed.
    FlakyFails,
    /// It failed and does not decide.
    Excused,
    /// There is no result of the test.
    NoResult,
}

impl Weight {
    pub(super) fn is_failure(self) -> bool {
        matches!(self, Self::Fails | Self::FlakyFails)
    }
}

/// What a result means. `quarantine` is `None` for a test that is not in quarantine.
pub fn weigh(
    status: EntryStatus,
    is_flaky: bool,
    flaky: FlakyVerdict,
    quarantine: Option<QuarantineState>,
) -> Weight {
    let failure = match status {
        EntryStatus::CouldNotRun | EntryStatus::Missing => return Weight::NoResult,
        EntryStatus::Failed => Weight::Fails,
        EntryStatus::Passed if is_flaky && flaky == FlakyVerdict::Fail => Weight::FlakyFails,
        EntryStatus::Passed | EntryStatus::Skipped => return Weight::Good,
    };
    if quarantine == Some(QuarantineState::Active) {
        Weight::Excused
    } else {
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weight_follows_from_result_policy_and_quarantine() {
        use EntryStatus::{CouldNotRun, Failed, Missing, Passed, Skipped};
        use FlakyVerdict::{Fail, Pass};
        use QuarantineState::{Active, Broken, Expired, HistoryUnknown};
        let states = [Active, Expired, Broken(5), HistoryUnknown];
        for flaky in [Pass, Fail] {
            for state in states.map(Some).into_iter().chain([None]) {
                for (status, is_flaky, expected) in [
                    (Passed, false, Weight::Good),
                    (Skipped, false, Weight::Good),
                    (CouldNotRun, false, Weight::NoResult),
                    (CouldNotRun, true, Weight::NoResult),
                    (Missing, false, Weight::NoResult),
                ] {
                    assert_eq!(weigh(status, is_flaky, flaky, state), expected);
                }
                let failed = if state == Some(Active) {
                    Weight::Excused
                } else {
                    Weight::Fails
                };
                assert_eq!(weigh(Failed, false, flaky, state), failed, "{state:?}");
            }
        }
        for (flaky, state, expected) in [
            (Pass, None, Weight::Good),
            (Pass, Some(Active), Weight::Good),
            (Pass, Some(Broken(5)), Weight::Good),
            (Fail, None, Weight::FlakyFails),
            (Fail, Some(Active), Weight::Excused),
            (Fail, Some(Expired), Weight::FlakyFails),
            (Fail, Some(Broken(5)), Weight::FlakyFails),
            (Fail, Some(HistoryUnknown), Weight::FlakyFails),
        ] {
            assert_eq!(weigh(Passed, true, flaky, state), expected, "{state:?}");
        }
    }

    #[test]
    fn state_follows_from_day_and_history() {
        use QuarantineState::{Active, Broken, Expired, HistoryUnknown};
        let day = |text: &str| text.parse::<Day>().ok();
        let runs = |failed_in_a_row, known| {
            Some(EarlierRuns {
                failed_in_a_row,
                known,
            })
        };
        let until = day("2026-06-30").expect("a day");
        for (today, broken_after, runs, expected) in [
            ("2026-06-30", None, None, Active),
            ("2026-07-01", None, None, Expired),
            ("2026-07-01", Some(5), runs(5, 5), Expired),
            ("2026-06-30", Some(5), None, HistoryUnknown),
            ("2026-06-30", Some(5), runs(0, 0), Active),
            ("2026-06-30", Some(5), runs(4, 4), Active),
            ("2026-06-30", Some(5), runs(4, 5), Active),
            ("2026-06-30", Some(5), runs(5, 5), Broken(5)),
            ("2026-06-30", Some(2), runs(3, 3), Broken(2)),
        ] {
            let state = quarantine_state(until, day(today), broken_after, runs);
            assert_eq!(state, expected, "{today} {broken_after:?} {runs:?}");
        }
        assert_eq!(quarantine_state(until, None, None, None), Expired);
    }
}
