//! When people are reminded of a wait, and when its grace is over: plain functions of snapshots and the time.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::model::{Capabilities, Lack, PlanStatus, PlanWaiting};

/// How often people are reminded of a wait in which nothing changes.
pub(super) const EVERY: Duration = Duration::from_secs(30);

/// What a wait depends on at one time. Equal snapshots mean that nothing changed.
pub(super) trait Snapshot: PartialEq {
    /// Whether nothing can change without help from outside, so that the grace runs.
    fn is_stuck(&self) -> bool;
    /// Whether people should learn at once what changed after `before`.
    fn is_news(&self, before: Option<&Self>) -> bool;
}

/// What a plan waits for, reduced to what decides about a wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WaitSnapshot {
    pub(super) status: PlanStatus,
    /// The capabilities that no worker or no Squish server offers.
    pub(super) lacking: BTreeSet<(Capabilities, Lack)>,
    pub(super) stuck: bool,
}

impl WaitSnapshot {
    pub(super) fn of(waiting: &PlanWaiting) -> Self {
        let lacking = waiting.lacking();
        Self {
            status: waiting.status,
            lacking: lacking
                .filter_map(|need| Some((need.required.clone(), need.lack?)))
                .collect(),
            stuck: waiting.is_stuck(),
        }
    }
}

impl Snapshot for WaitSnapshot {
    fn is_stuck(&self) -> bool {
        self.stuck
    }

    fn is_news(&self, before: Option<&Self>) -> bool {
        let none = Self::default();
        let before = before.unwrap_or(&none);
        (self.stuck && !before.stuck) || !self.lacking.is_subset(&before.lacking)
    }
}

/// Decides when to remind people of a wait, and when to give it up.
#[derive(Debug)]
pub(super) struct Reminder<S> {
    grace: Duration,
    every: Duration,
    began: Instant,
    stuck_since: Option<Instant>,
    reminded: Option<Instant>,
    before: Option<S>,
}

/// What to do after a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    /// Report the wait now.
    pub(super) remind: bool,
    /// Something changed that people should learn at once.
    pub(super) news: bool,
    /// How much of the grace is left while the wait is stuck.
    pub(super) remains: Option<Duration>,
    pub(super) waited: Duration,
}

impl Decision {
    /// The grace is over.
    pub(super) fn is_over(self) -> bool {
        self.remains == Some(Duration::ZERO)
    }
}

impl<S: Snapshot> Reminder<S> {
    /// A wait that begins now and ends after it was stuck for `grace`.
    pub(super) fn new(grace: Duration, every: Duration, now: Instant) -> Self {
        Self {
            grace,
            every,
            began: now,
            stuck_since: None,
            reminded: None,
            before: None,
        }
    }

    /// Begins another wait.
    pub(super) fn restart(&mut self, now: Instant) {
        *self = Self::new(self.grace, self.every, now);
    }

    /// Decides after a new snapshot.
    pub(super) fn observe(&mut self, snapshot: S, now: Instant) -> Decision {
        let since = |then: Instant| now.saturating_duration_since(then);
        let before = self.before.as_ref();
        if !snapshot.is_stuck() || Some(&snapshot) != before {
            self.stuck_since = None;
        }
        if snapshot.is_stuck() {
            self.stuck_since.get_or_insert(now);
        }
        let news = snapshot.is_news(before);
        self.before = Some(snapshot);
        let remains = self
            .stuck_since
            .map(|stuck| self.grace.saturating_sub(since(stuck)));
        let is_due = self.reminded.is_none_or(|last| since(last) >= self.every);
        let remind = is_due || news || remains == Some(Duration::ZERO);
        if remind {
            self.reminded = Some(now);
        }
        Decision {
            remind,
            news,
            remains,
            waited: since(self.began),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock, model::Capability};

    const GRACE: Duration = Duration::from_secs(600);

    fn snapshot(open: u64, lacking: &[&str], stuck: bool) -> WaitSnapshot {
        let status = PlanStatus {
            open,
            ..PlanStatus::default()
        };
        let set = |text: &&str| {
            let needed = Capabilities::from(vec![text.parse::<Capability>().unwrap()]);
            (needed, Lack::Worker)
        };
        WaitSnapshot {
            status,
            lacking: lacking.iter().map(set).collect(),
            stuck,
        }
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn reminds_at_once_then_twice_a_minute_and_at_news_between() {
        let start = clock::monotonic();
        let mut reminder = Reminder::new(GRACE, EVERY, start);
        let mut remind = |seconds, lacking: &[&str]| {
            let decision = reminder.observe(snapshot(2, lacking, false), after(start, seconds));
            (decision.remind, decision.news)
        };
        assert_eq!(remind(0, &[]), (true, false));
        assert_eq!(remind(29, &[]), (false, false));
        assert_eq!(remind(30, &[]), (true, false));
        assert_eq!(remind(31, &["OS=macOS"]), (true, true));
        assert_eq!(remind(32, &["OS=macOS"]), (false, false));
        assert_eq!(remind(33, &[]), (false, false));
        assert_eq!(remind(34, &["OS=macOS"]), (true, true), "it came and went");
    }

    #[test]
    fn reminds_at_once_when_the_wait_becomes_stuck() {
        let start = clock::monotonic();
        let mut reminder = Reminder::new(GRACE, EVERY, start);
        let mut remind = |seconds, stuck| {
            let decision =
                reminder.observe(snapshot(2, &["OS=macOS"], stuck), after(start, seconds));
            decision.remind
        };
        assert!(remind(0, false));
        assert!(!remind(5, false));
        assert!(remind(6, true));
        assert!(!remind(7, true));
    }

    #[test]
    fn grace_runs_only_while_stuck_and_unchanged() {
        let start = clock::monotonic();
        let mut reminder = Reminder::new(GRACE, EVERY, start);
        let mut look = |seconds, open, stuck| {
            reminder
                .observe(snapshot(open, &[], stuck), after(start, seconds))
                .remains
                .map(|remains| remains.as_secs())
        };
        assert_eq!(look(0, 3, false), None);
        assert_eq!(look(10, 3, true), Some(600));
        assert_eq!(look(310, 3, true), Some(300));
        assert_eq!(look(400, 2, true), Some(600), "a worker took one");
        assert_eq!(look(500, 2, false), None, "a worker is there");
        assert_eq!(look(501, 2, true), Some(600));
        assert_eq!(look(1100, 2, true), Some(1));
        assert_eq!(look(1101, 2, true), Some(0), "over at exactly its end");
    }

    #[test]
    fn zero_grace_ends_at_the_first_stuck_snapshot() {
        let now = clock::monotonic();
        let mut reminder = Reminder::new(Duration::ZERO, EVERY, now);
        assert!(!reminder.observe(snapshot(1, &[], false), now).is_over());
        assert!(reminder.observe(snapshot(1, &[], true), now).is_over());
    }
}
