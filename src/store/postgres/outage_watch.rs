//! What this replica last learned about the database: one log line when an outage begins and one when it ends.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use super::{
    client::Client,
    connection::{Planning, Target},
};
use crate::{
    clock,
    store::{Outage, OutageKind, StoreError},
    sync::ignore_poison,
};

/// An outage of changes ends this long after the last change failed: on a full disk small ones still succeed between others.
const QUIET: Duration = Duration::from_secs(5);
/// After a connection failed, the next one is not tried before: many requests wait for it, and a try may take seconds.
const CONNECT_PAUSE: Duration = Duration::from_millis(250);
/// How far apart two log lines about failed transactions are.
const LINE_PERIOD: Duration = Duration::from_secs(10);

/// Who used the database. Each learns something else: a standby answers reads and takes no changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Writer,
    Reads,
}

/// Whether the database can be used.
#[derive(Debug, Default)]
pub(super) struct OutageWatch(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// What the writer met last, and when.
    writer: Option<(Outage, Instant)>,
    /// The same for reads.
    reads: Option<(Outage, Instant)>,
    began: Option<Instant>,
    not_connected: Option<(StoreError, Instant)>,
    /// When a failed transaction was logged.
    logged: Option<Instant>,
}

/// A line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
enum LogLine {
    Began(Outage),
    /// After this time.
    Ended(Duration),
    Transaction(Outage),
}

impl OutageWatch {
    /// The outage that lasts.
    pub(super) fn outage(&self) -> Option<Outage> {
        ignore_poison(self.0.lock()).outage()
    }

    /// Connects, unless that failed a moment ago.
    pub(super) fn connect(
        &self,
        target: &Target,
        planning: Planning,
    ) -> Result<Client, StoreError> {
        let tried = ignore_poison(self.0.lock()).not_connected.clone();
        if let Some((error, at)) = tried
            && clock::monotonic().saturating_duration_since(at) < CONNECT_PAUSE
        {
            return Err(error);
        }
        let connected = Client::connect(target, planning);
        let failed = connected.as_ref().err().cloned();
        ignore_poison(self.0.lock()).not_connected =
            failed.map(|error| (error, clock::monotonic()));
        connected
    }

    /// Notes how a use of the database ended.
    pub(super) fn record(&self, side: Side, error: Option<&StoreError>) {
        let line = ignore_poison(self.0.lock()).record(side, error, clock::monotonic());
        match line {
            Some(LogLine::Began(outage)) => tracing::error!(
                "{outage}. Requests are answered 503 until the database can be used again"
            ),
            Some(LogLine::Ended(span)) => tracing::warn!(
                "the database can be used again, after {:.1} s",
                span.as_secs_f64()
            ),
            Some(LogLine::Transaction(outage)) => {
                tracing::warn!("{outage}. The requests of a transaction were answered 503");
            }
            None => {}
        }
    }
}

impl Known {
    fn outage(&self) -> Option<Outage> {
        let side = self.writer.as_ref().or(self.reads.as_ref());
        side.map(|(outage, _)| outage.clone())
    }

    fn record(&mut self, side: Side, error: Option<&StoreError>, now: Instant) -> Option<LogLine> {
        let was_away = self.outage().is_some();
        let known = match side {
            Side::Writer => &mut self.writer,
            Side::Reads => &mut self.reads,
        };
        match error {
            Some(StoreError::Away(outage)) if outage.kind == OutageKind::Transaction => {
                let is_due = self
                    .logged
                    .is_none_or(|at| now.saturating_duration_since(at) >= LINE_PERIOD);
                return is_due.then(|| {
                    self.logged = Some(now);
                    LogLine::Transaction(outage.clone())
                });
            }
            Some(StoreError::Away(outage)) => *known = Some((outage.clone(), now)),
            // It answered.
            None | Some(StoreError::Refused(_)) => {
                let lasts = known.as_ref().is_some_and(|(outage, at)| {
                    outage.kind == OutageKind::Changes && now.saturating_duration_since(*at) < QUIET
                });
                if !lasts {
                    *known = None;
                }
            }
            Some(_) => {}
        }
        match (was_away, self.outage()) {
            (false, Some(outage)) => {
                self.began = Some(now);
                Some(LogLine::Began(outage))
            }
            (true, None) => {
                let began = self.began.take().unwrap_or(now);
                Some(LogLine::Ended(now.saturating_duration_since(began)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away(kind: OutageKind) -> StoreError {
        StoreError::Away(Outage {
            kind,
            reason: "it is gone".to_owned(),
            text: "PostgreSQL at db: it is gone; wait".to_owned(),
        })
    }

    #[test]
    fn outage_has_one_line_at_its_begin_and_one_at_its_end() {
        let (mut known, start) = (Known::default(), clock::monotonic());
        let gone = away(OutageKind::Connection);
        assert_eq!(known.record(Side::Writer, None, start), None);
        let began = known.record(Side::Reads, Some(&gone), start);
        assert!(matches!(began, Some(LogLine::Began(_))), "{began:?}");
        for side in [Side::Writer, Side::Reads, Side::Writer] {
            assert_eq!(known.record(side, Some(&gone), start), None);
        }
        assert_eq!(known.record(Side::Reads, None, start), None);
        assert!(known.outage().is_some(), "the writer has no connection yet");
        let later = start + Duration::from_secs(3);
        assert_eq!(
            known.record(Side::Writer, None, later),
            Some(LogLine::Ended(Duration::from_secs(3)))
        );
        assert_eq!(known.record(Side::Writer, None, later), None);
    }

    #[test]
    fn outage_of_changes_lasts_until_none_failed_for_a_while() {
        let (mut known, start) = (Known::default(), clock::monotonic());
        let full = away(OutageKind::Changes);
        let began = known.record(Side::Writer, Some(&full), start);
        assert!(matches!(began, Some(LogLine::Began(_))), "{began:?}");
        for second in 1..10 {
            let at = start + Duration::from_secs(second);
            assert_eq!(known.record(Side::Writer, None, at), None);
            assert_eq!(known.record(Side::Writer, Some(&full), at), None);
        }
        let end = start + Duration::from_secs(9) + QUIET;
        let ended = known.record(Side::Writer, None, end);
        assert!(matches!(ended, Some(LogLine::Ended(_))), "{ended:?}");
    }

    #[test]
    fn failed_transaction_is_no_outage() {
        let (mut known, start) = (Known::default(), clock::monotonic());
        let locked = away(OutageKind::Transaction);
        let line = known.record(Side::Writer, Some(&locked), start);
        assert!(matches!(line, Some(LogLine::Transaction(_))), "{line:?}");
        assert_eq!(known.record(Side::Writer, Some(&locked), start), None);
        assert_eq!(known.outage(), None);
        let later = start + LINE_PERIOD;
        let line = known.record(Side::Writer, Some(&locked), later);
        assert!(matches!(line, Some(LogLine::Transaction(_))), "{line:?}");
    }

    #[test]
    fn bug_says_nothing_about_the_database() {
        let (mut known, start) = (Known::default(), clock::monotonic());
        let bug = StoreError::Broken("BUG".to_owned());
        assert_eq!(known.record(Side::Writer, Some(&bug), start), None);
        known.record(Side::Writer, Some(&away(OutageKind::Connection)), start);
        assert_eq!(known.record(Side::Writer, Some(&bug), start), None);
        assert!(known.outage().is_some());
    }
}
