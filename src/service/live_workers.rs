//! Which workers are there, by what they ask: known in memory alone, and bounded. No lease and no answer depends on it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use crate::{
    clock::ServiceClock,
    model::{Capabilities, ExecutionId, Lack, PlanId, Timestamp},
    store::{Granted, Heartbeat, Reservation, Reserve, WorkerPresence},
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
pub(super) struct LiveWorkers(Arc<Mutex<WorkerTable>>);

#[derive(Debug, Default)]
struct WorkerTable {
    /// In the order of plans: a request looks only at the workers of its own.
    workers: BTreeMap<WorkerKey, WorkerState>,
    holders: HashMap<ExecutionId, WorkerKey>,
    /// Workers that other replicas have heard of.
    elsewhere: Vec<WorkerPresence>,
    /// Since when questions have found that executions of a plan lack something.
    lacking: HashMap<(PlanId, Capabilities, Lack), Timestamp>,
}

/// What tells workers apart. Without a name, by what they offer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct WorkerKey {
    plan: PlanId,
    principal: String,
    identity: WorkerIdentity,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum WorkerIdentity {
    Named(String),
    Offering(Capabilities),
}

#[derive(Debug)]
struct WorkerState {
    offered: Capabilities,
    allocate_server: bool,
    seen: Timestamp,
    /// Reserve requests under way.
    open_requests: u64,
    /// The leases that it holds.
    held: HashMap<ExecutionId, HeldLease>,
    /// Nothing was left for it, or its connection broke during a reservation.
    left: bool,
}

/// A lease that a worker holds.
#[derive(Clone, Copy, Debug)]
struct HeldLease {
    end: Timestamp,
    /// The first execution of the answer that it came with: a worker without a name holds all of an answer.
    answer: ExecutionId,
}

/// A worker of a plan, live or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KnownWorker {
    /// As the store calls it.
    pub(super) name: String,
    pub(super) offered: Capabilities,
    pub(super) allocate_server: bool,
    pub(super) last: Timestamp,
    /// How many it is now; none if it is gone.
    pub(super) workers: u64,
}

impl WorkerKey {
    fn of(request: &Reserve) -> Self {
        Self {
            plan: request.plan,
            principal: request.principal.clone(),
            identity: match &request.worker {
                Some(name) => WorkerIdentity::Named(name.clone()),
                None => WorkerIdentity::Offering(request.offered.clone()),
            },
        }
    }
}

impl WorkerKey {
    fn is_named(&self) -> bool {
        matches!(self.identity, WorkerIdentity::Named(_))
    }

    /// As the store calls it.
    fn name(&self) -> &str {
        match &self.identity {
            WorkerIdentity::Named(name) => name,
            WorkerIdentity::Offering(_) => &self.principal,
        }
    }
}

impl WorkerState {
    fn workers(&self, named: bool, now: Timestamp) -> u64 {
        let valid = self.held.values().filter(|lease| now < lease.end);
        let held = valid
            .map(|lease| lease.answer)
            .collect::<HashSet<_>>()
            .len() as u64;
        let busy = self.open_requests.max(held);
        let there = busy > 0 || (!self.left && now.since(self.seen) <= LIVE);
        match (there, named) {
            (false, _) => 0,
            (true, true) => 1,
            (true, false) => busy.max(1),
        }
    }
}

impl LiveWorkers {
    fn table(&self) -> MutexGuard<'_, WorkerTable> {
        ignore_poison(self.0.lock())
    }

    /// Notes that a worker asks.
    fn reserve_began(&self, key: &WorkerKey, request: &Reserve, now: Timestamp) {
        let mut table = self.table();
        let state = table.worker(key, now);
        state.offered = request.offered.clone();
        state.allocate_server = request.allocate_server;
        (state.seen, state.left) = (now, false);
        state.open_requests += 1;
    }

    /// Notes how that ended.
    fn reserve_ended(&self, key: &WorkerKey, end: ReserveEnd<'_>, now: Timestamp) {
        let mut table = self.table();
        if let ReserveEnd::Granted(granted) = end {
            for lease in std::iter::once(granted).chain(&granted.more) {
                table.hold(key, lease, granted.execution, now);
            }
        }
        if let Some(state) = table.workers.get_mut(key) {
            state.seen = now;
            state.open_requests = state.open_requests.saturating_sub(1);
            // Ours leave then, others may ask again.
            state.left = matches!(
                (end, &key.identity),
                (ReserveEnd::Leaves, WorkerIdentity::Named(_))
            );
        }
    }

    /// Keeps a lease in mind for as long as it lasts now, or forgets it.
    pub(super) fn lease_changed(
        &self,
        execution: ExecutionId,
        end: Option<Timestamp>,
        now: Timestamp,
    ) {
        let mut table = self.table();
        let Some(key) = table.holders.get(&execution).cloned() else {
            return;
        };
        if end.is_none() {
            table.holders.remove(&execution);
        }
        if let Some(state) = table.workers.get_mut(&key) {
            state.seen = now;
            match (end, state.held.get_mut(&execution)) {
                (Some(end), Some(lease)) => lease.end = end,
                (Some(end), None) => {
                    let answer = execution;
                    state.held.insert(execution, HeldLease { end, answer });
                }
                (None, _) => drop(state.held.remove(&execution)),
            }
        }
    }

    /// The workers of a plan, those that are gone too as long as they are remembered.
    pub(super) fn of_plan(&self, plan: PlanId, now: Timestamp) -> Vec<KnownWorker> {
        let table = self.table();
        table
            .of_plan(plan)
            .map(|(key, state)| KnownWorker {
                name: key.name().to_owned(),
                offered: state.offered.clone(),
                allocate_server: state.allocate_server,
                last: state.seen,
                workers: state.workers(key.is_named(), now),
            })
            .chain(table.others_of_plan(plan, now).map(|other| KnownWorker {
                name: other.name.clone(),
                offered: other.offered.clone(),
                allocate_server: other.allocate_server,
                last: other.seen,
                workers: other.workers,
            }))
            .collect()
    }

    /// The workers that are there, for other replicas.
    pub(super) fn presence(&self, now: Timestamp) -> Vec<WorkerPresence> {
        let table = self.table();
        let all = table
            .workers
            .iter()
            .map(|(key, state)| (key, state, state.workers(key.is_named(), now)));
        all.filter(|(_, _, workers)| *workers > 0)
            .map(|(key, state, workers)| WorkerPresence {
                plan: key.plan,
                name: key.name().to_owned(),
                is_named: key.is_named(),
                offered: state.offered.clone(),
                allocate_server: state.allocate_server,
                seen: state.seen,
                workers,
            })
            .collect()
    }

    /// Takes over what other replicas have heard of.
    pub(super) fn set_elsewhere(&self, workers: Vec<WorkerPresence>) {
        self.table().elsewhere = workers;
    }

    /// Adds the workers that are there to a release of an execution that did not start; none if the lease is unknown.
    pub(super) fn add_to(&self, request: &mut Heartbeat, now: Timestamp) {
        if let Some(not_started) = &mut request.not_started {
            not_started.live = self.beside_holder(request.execution, now);
        }
    }

    fn beside_holder(&self, execution: ExecutionId, now: Timestamp) -> Vec<(String, Capabilities)> {
        let table = self.table();
        let Some(WorkerKey { plan, .. }) = table.holders.get(&execution) else {
            return Vec::new();
        };
        let there = table
            .workers
            .iter()
            .filter(|(key, state)| key.plan == *plan && state.workers(key.is_named(), now) > 0);
        let others = table.others_of_plan(*plan, now);
        there
            .map(|(key, state)| (key.name().to_owned(), state.offered.clone()))
            .chain(others.map(|other| (other.name.clone(), other.offered.clone())))
            .collect()
    }

    /// How many workers there are, of all plans.
    pub(super) fn count_all(&self, now: Timestamp) -> u64 {
        let table = self.table();
        let here = table.workers.iter();
        let here: u64 = here
            .map(|(key, state)| state.workers(key.is_named(), now))
            .sum();
        here + table
            .elsewhere
            .iter()
            .map(|other| other.workers)
            .sum::<u64>()
    }

    /// How many workers a plan has.
    pub(super) fn count(&self, plan: PlanId, now: Timestamp) -> u64 {
        let table = self.table();
        table
            .of_plan(plan)
            .map(|(key, state)| state.workers(key.is_named(), now))
            .chain(table.others_of_plan(plan, now).map(|other| other.workers))
            .sum()
    }

    /// Since when executions of a plan that need this are known to lack it; forgets what is not lacking any more.
    pub(super) fn lacking_since(
        &self,
        plan: PlanId,
        now: Timestamp,
        lacks: &[(Capabilities, Lack)],
    ) -> Vec<Timestamp> {
        let mut table = self.table();
        let current: HashSet<&(Capabilities, Lack)> = lacks.iter().collect();
        table.lacking.retain(|(of, required, lack), _| {
            *of != plan || current.contains(&(required.clone(), *lack))
        });
        if table.lacking.len() + lacks.len() > MOST {
            table.lacking.clear();
        }
        let since = lacks.iter().map(|(required, lack)| {
            let key = (plan, required.clone(), *lack);
            *table.lacking.entry(key).or_insert(now)
        });
        since.collect()
    }
}

impl WorkerTable {
    fn of_plan(&self, plan: PlanId) -> impl Iterator<Item = (&WorkerKey, &WorkerState)> {
        let first = WorkerKey {
            plan,
            principal: String::new(),
            identity: WorkerIdentity::Named(String::new()),
        };
        let from_plan = self.workers.range(first..);
        from_plan.take_while(move |(key, _)| key.plan == plan)
    }

    /// The workers of a plan that other replicas have heard of, without those that are there by what was heard of here: a worker
    /// that moved to another replica is still one.
    fn others_of_plan(
        &self,
        plan: PlanId,
        now: Timestamp,
    ) -> impl Iterator<Item = &WorkerPresence> {
        let of_plan = self.of_plan(plan);
        let here: HashSet<&str> = of_plan
            .filter(|(key, state)| key.is_named() && state.workers(true, now) > 0)
            .map(|(key, _)| key.name())
            .collect();
        self.elsewhere.iter().filter(move |other| {
            other.plan == plan && !(other.is_named && here.contains(other.name.as_str()))
        })
    }

    /// The worker of a request, made if it is new.
    fn worker(&mut self, key: &WorkerKey, now: Timestamp) -> &mut WorkerState {
        if !self.workers.contains_key(key) && self.workers.len() >= MOST {
            self.forget(now);
        }
        self.workers
            .entry(key.clone())
            .or_insert_with(|| WorkerState {
                offered: Capabilities::default(),
                allocate_server: false,
                seen: now,
                open_requests: 0,
                held: HashMap::new(),
                left: false,
            })
    }

    /// Makes room: for who is gone there is none, else for who was heard of longest ago.
    fn forget(&mut self, now: Timestamp) {
        self.workers
            .retain(|key, it| it.workers(key.is_named(), now) > 0);
        if self.workers.len() >= MOST {
            let mut seen: Vec<Timestamp> = self.workers.values().map(|it| it.seen).collect();
            seen.sort_unstable();
            let middle = seen[seen.len() / 2];
            self.workers.retain(|_, it| it.seen > middle);
        }
        let workers = &self.workers;
        self.holders.retain(|_, key| workers.contains_key(key));
    }

    fn hold(&mut self, key: &WorkerKey, granted: &Granted, answer: ExecutionId, now: Timestamp) {
        if let Some(former) = self.holders.remove(&granted.execution)
            && let Some(state) = self.workers.get_mut(&former)
        {
            state.held.remove(&granted.execution);
        }
        let state = self.worker(key, now);
        state.held.retain(|_, lease| now < lease.end);
        if state.held.len() < MOST_HELD {
            let end = granted.deadline;
            state
                .held
                .insert(granted.execution, HeldLease { end, answer });
            self.holders.insert(granted.execution, key.clone());
        }
    }
}

/// How a question ended for a worker.
#[derive(Clone, Copy)]
enum ReserveEnd<'a> {
    /// With an execution.
    Granted(&'a Granted),
    /// It asks again.
    Stays,
    /// Nothing is left for it, or its connection broke: it is gone, or asks again at once.
    Leaves,
}

/// A worker that asks for an execution, for as long as it waits for the answer.
pub(super) struct OpenReserve {
    live_workers: LiveWorkers,
    clock: Arc<ServiceClock>,
    key: WorkerKey,
    answered: bool,
}

impl OpenReserve {
    /// Notes that it asks.
    pub(super) fn begin(
        live_workers: &LiveWorkers,
        clock: &Arc<ServiceClock>,
        request: &Reserve,
    ) -> Self {
        let key = WorkerKey::of(request);
        live_workers.reserve_began(&key, request, clock.now());
        Self {
            live_workers: live_workers.clone(),
            clock: Arc::clone(clock),
            key,
            answered: false,
        }
    }

    /// Notes the answer, if there is one: without it the worker asks again.
    pub(super) fn answered(mut self, answer: Option<&Reservation>) {
        self.answered = true;
        let end = match answer {
            Some(Reservation::Granted(granted)) => ReserveEnd::Granted(granted),
            Some(
                Reservation::NoExecution { pending: 0 } | Reservation::NoServer { pending: 0 },
            ) => ReserveEnd::Leaves,
            Some(Reservation::NoExecution { .. } | Reservation::NoServer { .. }) | None => {
                ReserveEnd::Stays
            }
        };
        self.end(end);
    }

    fn end(&self, end: ReserveEnd<'_>) {
        self.live_workers
            .reserve_ended(&self.key, end, self.clock.now());
    }
}

impl Drop for OpenReserve {
    fn drop(&mut self) {
        if !self.answered {
            self.end(ReserveEnd::Leaves);
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
            batch: None,
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
            expires: deadline,
            timeout: Duration::from_secs(60),
            server: None,
            expected: None,
            more: Vec::new(),
        }
    }

    fn workers(live_workers: &LiveWorkers, seconds: i64) -> u64 {
        let all = live_workers.of_plan(PLAN, at(seconds));
        all.iter().map(|seen| seen.workers).sum()
    }

    #[test]
    fn workers_of_other_replicas_count_and_one_that_moved_counts_once() {
        let (here, there) = (LiveWorkers::default(), LiveWorkers::default());
        for (replica, worker) in [(&here, "w1"), (&there, "w1"), (&there, "w2")] {
            let request = request(Some(worker));
            replica.reserve_began(&WorkerKey::of(&request), &request, at(0));
        }
        here.set_elsewhere(there.presence(at(1)));
        assert_eq!(here.count(PLAN, at(1)), 2);
        assert_eq!(here.of_plan(PLAN, at(1)).len(), 2);
        assert_eq!(here.count(PlanId(8), at(1)), 0);
        here.set_elsewhere(Vec::new());
        assert_eq!(here.count(PLAN, at(1)), 1);
    }

    #[test]
    fn a_worker_is_there_while_it_asks_holds_a_lease_or_was_heard_of_lately() {
        let live_workers = LiveWorkers::default();
        let request = request(Some("w/1"));
        let key = WorkerKey::of(&request);
        live_workers.reserve_began(&key, &request, at(0));
        assert_eq!(workers(&live_workers, 1000), 1, "it waits for the answer");
        live_workers.reserve_ended(&key, ReserveEnd::Granted(&granted(3, at(1060))), at(1000));
        assert_eq!(workers(&live_workers, 1059), 1);
        assert_eq!(
            workers(&live_workers, 1060),
            0,
            "at its deadline a lease is over"
        );
        live_workers.lease_changed(ExecutionId(3), Some(at(1100)), at(1040));
        assert_eq!(workers(&live_workers, 1099), 1);
        live_workers.lease_changed(ExecutionId(3), None, at(1050));
        assert_eq!(workers(&live_workers, 1080), 1, "its request was recent");
        assert_eq!(workers(&live_workers, 1081), 0);
        assert_eq!(live_workers.of_plan(PLAN, at(1081))[0].last, at(1050));
        assert!(live_workers.of_plan(PlanId(8), at(1050)).is_empty());
    }

    #[test]
    fn a_worker_of_ours_that_nothing_is_left_for_is_gone_at_once() {
        let live_workers = LiveWorkers::default();
        for (worker, after) in [(Some("w/1"), 0), (None, 1)] {
            let request = request(worker);
            let key = WorkerKey::of(&request);
            live_workers.reserve_began(&key, &request, at(0));
            live_workers.reserve_ended(&key, ReserveEnd::Stays, at(0));
            assert_eq!(workers(&live_workers, 1), 1);
            live_workers.reserve_began(&key, &request, at(1));
            live_workers.reserve_ended(&key, ReserveEnd::Leaves, at(1));
            assert_eq!(workers(&live_workers, 1), after, "{worker:?}");
        }
    }

    #[test]
    fn clients_without_a_name_are_counted_by_what_they_hold() {
        let live_workers = LiveWorkers::default();
        let request = request(None);
        let key = WorkerKey::of(&request);
        for execution in 1..=3 {
            live_workers.reserve_began(&key, &request, at(0));
            live_workers.reserve_ended(
                &key,
                ReserveEnd::Granted(&granted(execution, at(60))),
                at(0),
            );
        }
        assert_eq!(workers(&live_workers, 1), 3);
    }

    #[test]
    fn no_more_are_remembered_than_fit() {
        let live_workers = LiveWorkers::default();
        for number in 0..MOST * 2 {
            let request = request(Some(&format!("w/{number}")));
            let now = at(i64::try_from(number).unwrap());
            let key = WorkerKey::of(&request);
            live_workers.reserve_began(&key, &request, now);
            live_workers.reserve_ended(
                &key,
                ReserveEnd::Granted(&granted(1, Timestamp(i64::MAX))),
                now,
            );
        }
        let table = live_workers.table();
        assert!(table.workers.len() <= MOST, "{}", table.workers.len());
        assert_eq!(table.holders.len(), 1, "an execution has one holder");
    }
}
