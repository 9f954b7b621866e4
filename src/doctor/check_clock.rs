//! Compares the clocks of the service and of this machine.

use std::time::Duration;

use super::{
    finding::{Finding, not_checked, ok, warning},
    observe::{Observations, plan_lookup::FetchedPlan, service_connection::Connection},
};
use crate::{client::ConnectionCheck, config::duration, model::Timestamp};

/// A difference that has no effect, in milliseconds.
const NEGLIGIBLE: i64 = 5_000;

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ClockReading {
    /// The service's clock when it answered.
    service: Timestamp,
    /// How far that may be off by rounding, in milliseconds.
    grain: i64,
    /// Our clock when the request was sent.
    sent: Timestamp,
    took: Duration,
}

pub(super) fn difference(observations: &Observations<'_>) -> Option<Finding> {
    if observations.request.service.is_embedded() {
        return None;
    }
    let plan = observations.template().or(observations.plan());
    let mut connections = observations.connections.iter();
    let answered = connections.find_map(Connection::answered);
    let reading = ClockReading::of(plan, answered);
    Some(reading.map_or_else(|| not_checked("no service answered with its time"), judge))
}

impl ClockReading {
    /// From `server_dt` of a plan, else from the header `Date`, which has whole seconds.
    fn of(plan: Option<&FetchedPlan>, answer: Option<&ConnectionCheck>) -> Option<Self> {
        if let Some(fetched) = plan.filter(|fetched| fetched.plan.server_time.0 > 0) {
            return Some(Self {
                service: fetched.plan.server_time,
                grain: 0,
                sent: fetched.sent,
                took: fetched.took,
            });
        }
        let answer = answer?;
        Some(Self {
            service: answer.date?.plus(Duration::from_millis(500)),
            grain: 500,
            sent: answer.sent,
            took: answer.took,
        })
    }

    /// How far the service is ahead of us and how far that may be off, in milliseconds. The service read its clock some time
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

fn judge(reading: ClockReading) -> Finding {
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
        return ok(text);
    }
    warning(
        format!(
            "{text}; leases are not affected, but times in reports, planned starts and certificates are"
        ),
        "set the wrong clock, preferably by NTP",
    )
}

#[cfg(test)]
mod tests {
    use super::{super::finding::FindingSeverity, *};

    #[test]
    fn half_of_the_answer_time_is_tolerated() {
        let table = [
            (0, 0, 0, FindingSeverity::Ok, "0 ms ahead of"),
            (5_000, 0, 0, FindingSeverity::Ok, "5s ahead of"),
            (5_001, 0, 0, FindingSeverity::Warning, "6s ahead of"),
            (-5_001, 0, 0, FindingSeverity::Warning, "6s behind"),
            // Sent at 0, answered at 4 s: the service may have read 7 s at any time between.
            (9_000, 4_000, 0, FindingSeverity::Ok, "7s ahead of"),
            (9_001, 4_000, 0, FindingSeverity::Warning, "8s ahead of"),
            (5_400, 0, 500, FindingSeverity::Ok, "6s ahead of"),
            (5_600, 0, 500, FindingSeverity::Warning, "6s ahead of"),
            (10_800_000, 20, 0, FindingSeverity::Warning, "3h ahead of"),
        ];
        for (service, took, grain, severity, words) in table {
            let reading = ClockReading {
                service: Timestamp(1_700_000_000_000 + service),
                grain,
                sent: Timestamp(1_700_000_000_000),
                took: Duration::from_millis(took),
            };
            let finding = judge(reading);
            assert_eq!(finding.severity, severity, "{service}: {}", finding.text);
            assert!(finding.text.contains(words), "{}", finding.text);
        }
    }
}
