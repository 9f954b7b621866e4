//! Which workers are there, by what they ask: known in memory alone, and bounded. No lease and no answer depends on it.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::shared::Shared;
use crate::{
    model::{Capabilities, ExecutionId, Lack, PlanId, Timestamp},
    store::{Granted, Reservation, Reserve},
};

/// How long a worker counts as there after it was last heard of.
const LIVE: Duration = Duration::from_secs(30);
/// Most workers remembered; past it those heard of longest ago are forgotten.
const MOST: usize = 4096;
/// Most leases remembered of one worker: a client that gives no name is one worker, however many it is.
const MOST_HELD: usize = 1024;

/// The workers heard of lately.
#[derive(Debug, Default)]
pub(super) struct Roster(Mutex<Book>);

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
    pub(super) seen: Timestamp,
    /// How many it is now; none if it is gone.
    pub(super) workers: u64,
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
                seen: presence.seen,
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

/// A worker that asks for an execution, for as long as it waits for the answer.
pub(super) struct Asking {
    shared: Arc<Shared>,
    key: Key,
    answered: bool,
}

impl Asking {
    /// Notes that it asks.
    pub(super) fn begin(shared: &Arc<Shared>, request: &Reserve) -> Self {
        let now = shared.clock.now();
        let key = Key {
            plan: request.plan,
            principal: request.principal.clone(),
            who: match &request.worker {
                Some(name) => Who::Named(name.clone()),
                None => Who::Offering(request.offered.clone()),
            },
        };
        let mut book = shared.roster.book();
        let presence = book.worker(&key, now);
        presence.offered = request.offered.clone();
        presence.allocate_server = request.allocate_server;
        (presence.seen, presence.left) = (now, false);
        presence.asking += 1;
        drop(book);
        Self {
            shared: Arc::clone(shared),
            key,
            answered: false,
        }
    }

    /// Notes the answer, if there is one: without it the worker asks again.
    pub(super) fn answered(mut self, answer: Option<&Reservation>) {
        self.answered = true;
        let now = self.shared.clock.now();
        let mut book = self.shared.roster.book();
        match answer {
            Some(Reservation::Granted(granted)) => book.hold(&self.key, granted, now),
            Some(
                Reservation::NoExecution { pending: 0 } | Reservation::NoServer { pending: 0 },
            ) => self.leaves(&mut book),
            Some(Reservation::NoExecution { .. } | Reservation::NoServer { .. }) | None => {}
        }
    }

    /// Ours leave then, others may ask again.
    fn leaves(&self, book: &mut Book) {
        if let (Who::Named(_), Some(presence)) = (&self.key.who, book.workers.get_mut(&self.key)) {
            presence.left = true;
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let now = self.shared.clock.now();
        let mut book = self.shared.roster.book();
        if !self.answered {
            // Its connection broke: it is gone, or asks again at once.
            self.leaves(&mut book);
        }
        if let Some(presence) = book.workers.get_mut(&self.key) {
            presence.seen = now;
            presence.asking = presence.asking.saturating_sub(1);
        }
    }
}
