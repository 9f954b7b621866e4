//! How long nothing has been able to happen, and when people are told: plain functions of what is seen and the time.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::model::{Capabilities, Lack, PlanStatus};

/// How often people hear of a wait in which nothing changes.
const TELL_EVERY: Duration = Duration::from_secs(30);

/// One look at what is waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitSnapshot {
    /// How far the plan is.
    pub status: PlanStatus,
    /// What is needed and can be had from nobody, and of whom.
    pub lacking: BTreeSet<(Capabilities, Lack)>,
    /// Nothing can happen any more unless somebody comes.
    pub stuck: bool,
}

/// Watches a wait.
#[derive(Debug)]
pub struct Reminder {
    grace: Duration,
    began: Instant,
    stuck_since: Option<Instant>,
    told: Option<Instant>,
    before: WaitSnapshot,
}

/// What a look calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// People are to be told how the wait stands.
    pub tell: bool,
    /// Something is lacking that was not before, or nothing can happen from now on: people are told that above all.
    pub news: bool,
    /// What remains until the wait is given up, while nothing can happen.
    pub remains: Option<Duration>,
    /// How long the wait has lasted.
    pub waited: Duration,
}

impl Decision {
    /// Nobody came in time: the wait is over.
    pub fn is_over(self) -> bool {
        self.remains == Some(Duration::ZERO)
    }
}

impl Reminder {
    /// A wait that begins now and gives a helper `grace` to come once nothing can happen.
    pub fn new(grace: Duration, now: Instant) -> Self {
        Self {
            grace,
            began: now,
            stuck_since: None,
            told: None,
            before: WaitSnapshot::default(),
        }
    }

    /// The wait is over, and another one begins now.
    pub fn begin_again(&mut self, now: Instant) {
        *self = Self::new(self.grace, now);
    }

    /// Takes in what is seen now.
    pub fn look(&mut self, snapshot: WaitSnapshot, now: Instant) -> Decision {
        if !snapshot.stuck || snapshot != self.before {
            self.stuck_since = None;
        }
        let begins = snapshot.stuck && !self.before.stuck;
        if snapshot.stuck {
            self.stuck_since.get_or_insert(now);
        }
        let news = begins || !snapshot.lacking.is_subset(&self.before.lacking);
        self.before = snapshot;
        let remains = self.stuck_since.map(|since| {
            self.grace
                .saturating_sub(now.saturating_duration_since(since))
        });
        let due = self
            .told
            .is_none_or(|told| now.saturating_duration_since(told) >= TELL_EVERY);
        let tell = due || news || remains == Some(Duration::ZERO);
        if tell {
            self.told = Some(now);
        }
        Decision {
            tell,
            news,
            remains,
            waited: now.saturating_duration_since(self.began),
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
    fn told_at_once_then_twice_a_minute_and_of_news_between() {
        let start = clock::monotonic();
        let mut reminder = Reminder::new(GRACE, start);
        let mut tell = |seconds, lacking: &[&str]| {
            let decision = reminder.look(snapshot(2, lacking, false), after(start, seconds));
            (decision.tell, decision.news)
        };
        assert_eq!(tell(0, &[]), (true, false));
        assert_eq!(tell(29, &[]), (false, false));
        assert_eq!(tell(30, &[]), (true, false));
        assert_eq!(tell(31, &["OS=macOS"]), (true, true));
        assert_eq!(tell(32, &["OS=macOS"]), (false, false));
        assert_eq!(tell(33, &[]), (false, false));
        assert_eq!(tell(34, &["OS=macOS"]), (true, true), "it came and went");
    }

    #[test]
    fn told_at_once_when_nothing_can_happen_any_more() {
        let start = clock::monotonic();
        let mut reminder = Reminder::new(GRACE, start);
        let mut tell = |seconds, stuck| {
            let decision = reminder.look(snapshot(2, &["OS=macOS"], stuck), after(start, seconds));
            decision.tell
        };
        assert!(tell(0, false));
        assert!(!tell(5, false));
        assert!(tell(6, true));
        assert!(!tell(7, true));
    }

    #[test]
    fn the_grace_runs_only_while_nothing_can_happen_and_nothing_changes() {
        let start = clock::monotonic();
        let mut reminder = Reminder::new(GRACE, start);
        let mut look = |seconds, open, stuck| {
            reminder
                .look(snapshot(open, &[], stuck), after(start, seconds))
                .remains
                .map(|remains| remains.as_secs())
        };
        assert_eq!(look(0, 3, false), None);
        assert_eq!(look(10, 3, true), Some(600));
        assert_eq!(look(310, 3, true), Some(300));
        assert_eq!(look(400, 2, true), Some(600), "somebody took one");
        assert_eq!(look(500, 2, false), None, "somebody is there");
        assert_eq!(look(501, 2, true), Some(600));
        assert_eq!(look(1100, 2, true), Some(1));
        assert_eq!(
            look(1101, 2, true),
            Some(0),
            "at exactly its end it is over"
        );
    }

    #[test]
    fn no_grace_ends_at_the_first_look() {
        let now = clock::monotonic();
        let mut reminder = Reminder::new(Duration::ZERO, now);
        assert!(!reminder.look(snapshot(1, &[], false), now).is_over());
        assert!(reminder.look(snapshot(1, &[], true), now).is_over());
    }
}
