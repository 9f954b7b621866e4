//! Which workers are there, by what they ask: known in memory alone, and bounded. No lease and no answer depends on it.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use crate::{
    clock::ServiceClock,
    model::{Capabilities, ExecutionId, Lack, PlanId, Timestamp},
    store::{Granted, Reservation, Reserve},
    sync::ignore_poison,
};

/// How long a worker counts as there after it was last heard of.
const LIVE: Duration = Duration::from_secs(30);
/// Most workers remembered; past it those heard of longest ago are forgotten.
const MOST: usize = 4096;
/// Most leases remembered of one worker: a client that gives no name is one worker, however many it is.
const MOST_HELD: usize = 1024;

/// The workers heard of lately.
#[derive(Clone, Debug, Default)]
pub(super) struct Roster(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    workers: HashMap<Key, Presence>,
    holders: HashMap<ExecutionId, Key>,
    /// Since when questions have found that executions of a plan lack something.
    lacking: HashMap<(PlanId, Capabilities, Lack), Timestamp>,
}

/// What tells workers apart. Without a name, by what they offer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    plan: PlanId,
    principal: String,
    who: Who,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Who {
    Named(String),
    Offering(Capabilities),
}

#[derive(Debug)]
struct Presence {
    offered: Capabilities,
    allocate_server: bool,
    seen: Timestamp,
    /// Reserve requests under way.
    asking: u64,
    /// When the leases that it holds end.
    held: HashMap<ExecutionId, Timestamp>,
    /// It was told that nothing is left for it, or went away in the middle of a question.
    left: bool,
}

/// A worker of a plan, live or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) offered: Capabilities,
    pub(super) allocate_server: bool,
    pub(super) last: Timestamp,
    /// How many it is now; none if it is gone.
    pub(super) workers: u64,
}

impl Key {
    fn of(request: &Reserve) -> Self {
        Self {
            plan: request.plan,
            principal: request.principal.clone(),
            who: match &request.worker {
                Some(name) => Who::Named(name.clone()),
                None => Who::Offering(request.offered.clone()),
            },
        }
    }
}

impl Presence {
    fn workers(&self, named: bool, now: Timestamp) -> u64 {
        let held = self.held.values().filter(|end| now < **end).count() as u64;
        let busy = self.asking.max(held);
        let there = busy > 0 || (!self.left && now.since(self.seen) <= LIVE);
        match (there, named) {
            (false, _) => 0,
            (true, true) => 1,
            (true, false) => busy.max(1),
        }
    }
}

impl Roster {
    fn book(&self) -> MutexGuard<'_, Book> {
        ignore_poison(self.0.lock())
    }

    /// Notes that a worker asks.
    fn asks(&self, key: &Key, request: &Reserve, now: Timestamp) {
        let mut book = self.book();
        let presence = book.worker(key, now);
        presence.offered = request.offered.clone();
        presence.allocate_server = request.allocate_server;
        (presence.seen, presence.left) = (now, false);
        presence.asking += 1;
    }

    /// Notes how that ended.
    fn asked(&self, key: &Key, end: End<'_>, now: Timestamp) {
        let mut book = self.book();
        if let End::Granted(granted) = end {
            book.hold(key, granted, now);
        }
        if let Some(presence) = book.workers.get_mut(key) {
            presence.seen = now;
            presence.asking = presence.asking.saturating_sub(1);
            // Ours leave then, others may ask again.
            presence.left = matches!((end, &key.who), (End::Leaves, Who::Named(_)));
        }
    }

    /// Keeps a lease in mind for as long as it lasts now, or forgets it.
    pub(super) fn beat(&self, execution: ExecutionId, end: Option<Timestamp>, now: Timestamp) {
        let mut book = self.book();
        let Some(key) = book.holders.get(&execution).cloned() else {
            return;
        };
        if end.is_none() {
            book.holders.remove(&execution);
        }
        if let Some(presence) = book.workers.get_mut(&key) {
            presence.seen = now;
            match end {
                Some(end) => presence.held.insert(execution, end),
                None => presence.held.remove(&execution),
            };
        }
    }

    /// The workers of a plan, those that are gone too as long as they are remembered.
    pub(super) fn of(&self, plan: PlanId, now: Timestamp) -> Vec<Seen> {
        let book = self.book();
        let of_plan = book.workers.iter().filter(|(key, _)| key.plan == plan);
        of_plan
            .map(|(key, presence)| Seen {
                offered: presence.offered.clone(),
                allocate_server: presence.allocate_server,
                last: presence.seen,
                workers: presence.workers(matches!(key.who, Who::Named(_)), now),
            })
            .collect()
    }

    /// Since when executions of a plan that need this are known to lack it; forgets what is not lacking any more.
    pub(super) fn lacking(
        &self,
        plan: PlanId,
        now: Timestamp,
        lacks: &[(Capabilities, Lack)],
    ) -> Vec<Timestamp> {
        let mut book = self.book();
        let current: HashSet<&(Capabilities, Lack)> = lacks.iter().collect();
        book.lacking.retain(|(of, required, lack), _| {
            *of != plan || current.contains(&(required.clone(), *lack))
        });
        if book.lacking.len() + lacks.len() > MOST {
            book.lacking.clear();
        }
        let since = lacks.iter().map(|(required, lack)| {
            let key = (plan, required.clone(), *lack);
            *book.lacking.entry(key).or_insert(now)
        });
        since.collect()
    }
}

impl Book {
    /// The worker of a request, made if it is new.
    fn worker(&mut self, key: &Key, now: Timestamp) -> &mut Presence {
        if !self.workers.contains_key(key) && self.workers.len() >= MOST {
            self.forget(now);
        }
        self.workers.entry(key.clone()).or_insert_with(|| Presence {
            offered: Capabilities::default(),
            allocate_server: false,
            seen: now,
            asking: 0,
            held: HashMap::new(),
            left: false,
        })
    }

    /// Makes room: for who is gone there is none, else for who was heard of longest ago.
    fn forget(&mut self, now: Timestamp) {
        self.workers
            .retain(|key, it| it.workers(matches!(key.who, Who::Named(_)), now) > 0);
        if self.workers.len() >= MOST {
            let mut seen: Vec<Timestamp> = self.workers.values().map(|it| it.seen).collect();
            seen.sort_unstable();
            let middle = seen[seen.len() / 2];
            self.workers.retain(|_, it| it.seen > middle);
        }
        let workers = &self.workers;
        self.holders.retain(|_, key| workers.contains_key(key));
    }

    fn hold(&mut self, key: &Key, granted: &Granted, now: Timestamp) {
        if let Some(former) = self.holders.remove(&granted.execution)
            && let Some(presence) = self.workers.get_mut(&former)
        {
            presence.held.remove(&granted.execution);
        }
        let presence = self.worker(key, now);
        presence.held.retain(|_, end| now < *end);
        if presence.held.len() < MOST_HELD {
            presence.held.insert(granted.execution, granted.deadline);
            self.holders.insert(granted.execution, key.clone());
        }
    }
}

/// How a question ended for a worker.
#[derive(Clone, Copy)]
enum End<'a> {
    /// With an execution.
    Granted(&'a Granted),
    /// It asks again.
    Stays,
    /// Nothing is left for it, or its connection broke: it is gone, or asks again at once.
    Leaves,
}

/// A worker that asks for an execution, for as long as it waits for the answer.
pub(super) struct Asking {
    roster: Roster,
    clock: Arc<ServiceClock>,
    key: Key,
    answered: bool,
}

impl Asking {
    /// Notes that it asks.
    pub(super) fn begin(roster: &Roster, clock: &Arc<ServiceClock>, request: &Reserve) -> Self {
        let key = Key::of(request);
        roster.asks(&key, request, clock.now());
        Self {
            roster: roster.clone(),
            clock: Arc::clone(clock),
            key,
            answered: false,
        }
    }

    /// Notes the answer, if there is one: without it the worker asks again.
    pub(super) fn answered(mut self, answer: Option<&Reservation>) {
        self.answered = true;
        let end = match answer {
            Some(Reservation::Granted(granted)) => End::Granted(granted),
            Some(
                Reservation::NoExecution { pending: 0 } | Reservation::NoServer { pending: 0 },
            ) => End::Leaves,
            Some(Reservation::NoExecution { .. } | Reservation::NoServer { .. }) | None => {
                End::Stays
            }
        };
        self.end(end);
    }

    fn end(&self, end: End<'_>) {
        self.roster.asked(&self.key, end, self.clock.now());
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.answered {
            self.end(End::Leaves);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Capability, LeaseToken, Test, TestId};

    const PLAN: PlanId = PlanId(7);

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    fn request(worker: Option<&str>) -> Reserve {
        Reserve {
            plan: PLAN,
            offered: Capabilities::from(vec![Capability::new("OS", "Linux")]),
            timeout: Duration::from_secs(60),
            allocate_server: false,
            principal: "ci".to_owned(),
            worker: worker.map(str::to_owned),
            key: None,
        }
    }

    fn granted(execution: i64, deadline: Timestamp) -> Granted {
        Granted {
            execution: ExecutionId(execution),
            project: String::new(),
            batch: String::new(),
            test: Test {
                suite: String::new(),
                testcase: String::new(),
            },
            test_id: TestId(1),
            required: Capabilities::default(),
            attempt: 1,
            lease: LeaseToken::new("lease"),
            deadline,
            timeout: Duration::from_secs(60),
            server: None,
        }
    }

    fn workers(roster: &Roster, seconds: i64) -> u64 {
        let all = roster.of(PLAN, at(seconds));
        all.iter().map(|seen| seen.workers).sum()
    }

    #[test]
    fn a_worker_is_there_while_it_asks_holds_a_lease_or_was_heard_of_lately() {
        let roster = Roster::default();
        let request = request(Some("w/1"));
        let key = Key::of(&request);
        roster.asks(&key, &request, at(0));
        assert_eq!(workers(&roster, 1000), 1, "it waits for the answer");
        roster.asked(&key, End::Granted(&granted(3, at(1060))), at(1000));
        assert_eq!(workers(&roster, 1059), 1);
        assert_eq!(workers(&roster, 1060), 0, "at its deadline a lease is over");
        roster.beat(ExecutionId(3), Some(at(1100)), at(1040));
        assert_eq!(workers(&roster, 1099), 1);
        roster.beat(ExecutionId(3), None, at(1050));
        assert_eq!(workers(&roster, 1080), 1, "it was just heard of");
        assert_eq!(workers(&roster, 1081), 0);
        assert_eq!(roster.of(PLAN, at(1081))[0].last, at(1050));
        assert!(roster.of(PlanId(8), at(1050)).is_empty());
    }

    #[test]
    fn a_worker_of_ours_that_nothing_is_left_for_is_gone_at_once() {
        let roster = Roster::default();
        for (worker, after) in [(Some("w/1"), 0), (None, 1)] {
            let request = request(worker);
            let key = Key::of(&request);
            roster.asks(&key, &request, at(0));
            roster.asked(&key, End::Stays, at(0));
            assert_eq!(workers(&roster, 1), 1);
            roster.asks(&key, &request, at(1));
            roster.asked(&key, End::Leaves, at(1));
            assert_eq!(workers(&roster, 1), after, "{worker:?}");
        }
    }

    #[test]
    fn clients_without_a_name_are_counted_by_what_they_hold() {
        let roster = Roster::default();
        let request = request(None);
        let key = Key::of(&request);
        for execution in 1..=3 {
            roster.asks(&key, &request, at(0));
            roster.asked(&key, End::Granted(&granted(execution, at(60))), at(0));
        }
        assert_eq!(workers(&roster, 1), 3);
    }

    #[test]
    fn no_more_are_remembered_than_fit() {
        let roster = Roster::default();
        for number in 0..MOST * 2 {
            let request = request(Some(&format!("w/{number}")));
            let now = at(i64::try_from(number).unwrap());
            let key = Key::of(&request);
            roster.asks(&key, &request, now);
            roster.asked(&key, End::Granted(&granted(1, Timestamp(i64::MAX))), now);
        }
        let book = roster.book();
        assert!(book.workers.len() <= MOST, "{}", book.workers.len());
        assert_eq!(book.holders.len(), 1, "an execution has one holder");
    }
}
