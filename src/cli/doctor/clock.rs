//! The service's clock and ours.

use std::time::Duration;

use super::{
    finding::{Finding, Group},
    plan::Told,
};
use crate::{client::ConnectionCheck, config::duration, model::Timestamp};

/// A difference that nobody needs to see to, in milliseconds.
const NEGLIGIBLE: i64 = 5_000;

/// One look at both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The service's clock when it answered.
    pub service: Timestamp,
    /// How far that may be off by its own rounding, in milliseconds.
    pub grain: i64,
    /// Our clock when the request was sent.
    pub sent: Timestamp,
    /// How long the answer took.
    pub took: Duration,
}

impl Reading {
    /// The best there is: `server_dt` of a plan, else the header `Date`, which counts whole seconds.
    pub fn of(told: Option<&Told>, knock: Option<&ConnectionCheck>) -> Option<Self> {
        let exact = told.filter(|told| told.plan.server_time.0 > 0);
        if let Some(told) = exact {
            return Some(Self {
                service: told.plan.server_time,
                grain: 0,
                sent: told.sent,
                took: told.took,
            });
        }
        let knock = knock?;
        Some(Self {
            service: knock.date?.plus(Duration::from_millis(500)),
            grain: 500,
            sent: knock.sent,
            took: knock.took,
        })
    }

    /// How far the service is ahead of us, and how far that may be off, in milliseconds. It told its time somewhere
    /// between request and answer.
    fn difference(self) -> (i64, i64) {
        let half = i64::try_from(self.took.as_millis() / 2).unwrap_or(i64::MAX);
        let ahead = self
            .service
            .0
            .saturating_sub(self.sent.0.saturating_add(half));
        (ahead, half.saturating_add(self.grain))
    }
}

/// Whether both clocks agree.
pub fn judge(reading: Option<Reading>) -> Finding {
    const ID: &str = "difference";
    let Some(reading) = reading else {
        return Finding::not_checked(Group::Clock, ID, "no service told its time");
    };
    let (ahead, off) = reading.difference();
    let span = |milliseconds: i64| {
        let milliseconds = milliseconds.unsigned_abs();
        if milliseconds < 1000 {
            format!("{milliseconds} ms")
        } else {
            duration::format(Duration::from_secs(milliseconds.div_ceil(1000)))
        }
    };
    let way = if ahead < 0 { "behind" } else { "ahead of" };
    let text = format!(
        "the service is {} {way} this machine, give or take {}",
        span(ahead),
        span(off)
    );
    if ahead.saturating_abs().saturating_sub(off) <= NEGLIGIBLE {
        return Finding::ok(Group::Clock, ID, text);
    }
    Finding::warning(
        Group::Clock,
        ID,
        format!(
            "{text}; leases are not touched by it, but times in reports, planned starts and certificates are"
        ),
        "set the clock that is wrong, best by NTP",
    )
}

#[cfg(test)]
mod tests {
    use super::{super::finding::State, *};

    #[test]
    fn a_slow_answer_excuses_half_of_itself() {
        let table = [
            (0, 0, 0, State::Ok, "0 ms ahead of"),
            (5_000, 0, 0, State::Ok, "5s ahead of"),
            (5_001, 0, 0, State::Warning, "6s ahead of"),
            (-5_001, 0, 0, State::Warning, "6s behind"),
            // Sent at 0, answered at 4 s: the service may have said 7 s at any time between.
            (9_000, 4_000, 0, State::Ok, "7s ahead of"),
            (9_001, 4_000, 0, State::Warning, "8s ahead of"),
            (5_400, 0, 500, State::Ok, "6s ahead of"),
            (5_600, 0, 500, State::Warning, "6s ahead of"),
            (10_800_000, 20, 0, State::Warning, "3h ahead of"),
        ];
        for (service, took, grain, state, words) in table {
            let reading = Reading {
                service: Timestamp(1_700_000_000_000 + service),
                grain,
                sent: Timestamp(1_700_000_000_000),
                took: Duration::from_millis(took),
            };
            let finding = judge(Some(reading));
            assert_eq!(finding.state, state, "{service}: {}", finding.text);
            assert!(finding.text.contains(words), "{}", finding.text);
        }
        assert_eq!(judge(None).state, State::NotChecked);
    }
}
