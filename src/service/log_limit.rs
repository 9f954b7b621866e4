//! Keeps what strangers cause from flooding the log.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::sync::ignore_poison;

/// How far apart two lines of one kind are.
const PERIOD: Duration = Duration::from_secs(10);

/// Lets one line of a kind through per [`PERIOD`], and counts the others.
#[derive(Debug, Default)]
pub(super) struct LogLimit(Mutex<LineCount>);

#[derive(Debug, Default)]
struct LineCount {
    written: Option<Instant>,
    hidden: u64,
    all: u64,
}

/// What a line that is written says of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LineNumber {
    /// How many were left out since the line before.
    pub(super) hidden: u64,
    /// How many there were in all, this one included.
    pub(super) all: u64,
}

impl LogLimit {
    /// Counts a line; `Some` if it is to be written now.
    pub(super) fn count(&self, now: Instant) -> Option<LineNumber> {
        let mut lines = ignore_poison(self.0.lock());
        lines.all += 1;
        let is_due = lines
            .written
            .is_none_or(|at| now.saturating_duration_since(at) >= PERIOD);
        if !is_due {
            lines.hidden += 1;
            return None;
        }
        lines.written = Some(now);
        Some(LineNumber {
            hidden: std::mem::take(&mut lines.hidden),
            all: lines.all,
        })
    }

    /// How many were left out since the last line, and how many there were in all.
    pub(super) fn rest(&self) -> LineNumber {
        let lines = ignore_poison(self.0.lock());
        LineNumber {
            hidden: lines.hidden,
            all: lines.all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn lines_within_a_period_are_counted_instead_of_written() {
        let limit = LogLimit::default();
        let start = clock::monotonic();
        let line = |hidden, all| Some(LineNumber { hidden, all });
        assert_eq!(limit.count(start), line(0, 1));
        for _ in 0..5 {
            assert_eq!(limit.count(start + PERIOD / 2), None);
        }
        assert_eq!(limit.rest(), LineNumber { hidden: 5, all: 6 });
        assert_eq!(limit.count(start + PERIOD), line(5, 7));
        assert_eq!(limit.count(start + PERIOD), None);
    }
}
