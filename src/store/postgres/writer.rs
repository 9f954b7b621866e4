//! The thread that writes: runs all waiting requests in one transaction, then sends their answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::Receiver,
    },
    time::Duration,
};

use tokio_postgres::types::Type;

use super::{
    client::{get, int, text, typed},
    connection::{Planning, Target},
    failure::may_be_of_another,
    needs::Needs,
    notices::Outbox,
    opening::Opening,
    outage_watch::{OutageWatch, Side},
    presence::Presence,
    rows::PostgresRows,
    schema::{CATALOGUE, PRESENCE},
};
use crate::{
    clock::{SharedClock, monotonic, wall},
    model::{PlanId, Timestamp},
    store::{
        StoreError,
        changes::ChangeListeners,
        steps::{Memory, WriteContext, expiry::expire_leases},
        write_queue::WriteJob,
    },
    sync::ignore_poison,
};

/// Most requests of one transaction.
const MAX_GROUP: usize = 256;
/// How long requests of other clients are waited for.
const GATHER: Duration = Duration::from_millis(1);
/// Of how many label sets the queue is read before a request asks for it.
const READ_AHEAD: usize = 4;

/// What a writer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Requests about executions, in groups.
    Requests,
    /// What plans have in common, and what takes long: the start of a plan with a million tests must not keep leases waiting.
    Catalogue,
}

/// Where the time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The database's clock: the same for all replicas.
    Database,
    /// What each request says: for tests, whose time stands still. Requests run one by one.
    Requests,
}

type Job = Box<dyn WriteJob<Needs>>;
pub(super) type Queue = Receiver<Job>;

pub(super) struct Writer {
    pub(super) target: Target,
    pub(super) rows: Option<PostgresRows>,
    pub(super) memory: Memory,
    pub(super) clock: Clock,
    /// What the service follows; absent if the requests bring the time.
    pub(super) shared_clock: Option<SharedClock>,
    pub(super) presence: Arc<Mutex<Presence>>,
    pub(super) role: Role,
    pub(super) queue: Queue,
    pub(super) listeners: Arc<ChangeListeners>,
    /// For the listeners at other replicas.
    pub(super) outbox: Arc<Outbox>,
    pub(super) commits: Arc<AtomicU64>,
    pub(super) watch: Arc<OutageWatch>,
    /// Where the executions of plans end, and their plans.
    pub(super) plans_by_first_execution: BTreeMap<i64, (i64, PlanId)>,
}

impl Writer {
    /// Runs until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let mut waiting: Vec<Job> = Vec::new();
        let mut answered = 0;
        loop {
            let room = MAX_GROUP.saturating_sub(waiting.len());
            waiting.extend(self.queue.try_iter().take(room));
            let expected = waiting.len() + answered;
            if waiting.is_empty() {
                let Ok(first) = self.queue.recv() else { break };
                waiting.push(first);
            }
            self.gather(&mut waiting, expected.min(MAX_GROUP));
            let rest = self.split(&mut waiting);
            answered = waiting.len();
            self.run_group(waiting);
            waiting = rest;
        }
    }

    /// Waits a moment for the next requests of those clients that were answered just now: a transaction costs the same for
    /// all of them as for one. A client that is alone never waits for that.
    fn gather(&self, waiting: &mut Vec<Job>, expected: usize) {
        let began = monotonic();
        while waiting.len() < expected {
            let left = GATHER.saturating_sub(began.elapsed());
            match self.queue.recv_timeout(left) {
                Ok(job) => waiting.push(job),
                Err(_late_or_closed) => return,
            }
        }
    }

    /// Leaves one group in `waiting`: a request that runs alone, or all before the next one that does. Returns the others.
    fn split(&self, waiting: &mut Vec<Job>) -> Vec<Job> {
        let runs_alone = |job: &Job| self.clock == Clock::Requests || job.needs().is_alone;
        let end = match waiting.iter().position(runs_alone) {
            Some(0) => 1,
            Some(first) => first,
            None => waiting.len(),
        };
        waiting.split_off(end)
    }

    /// Runs a group. If it fails because of one request, runs each alone, so that only that one fails.
    fn run_group(&mut self, mut group: Vec<Job>) {
        let outcome = self.attempt(&mut group);
        self.watch.record(Side::Writer, outcome.as_ref().err());
        if outcome.is_err() {
            self.memory.forget();
            self.memory.take_changes();
        }
        match outcome {
            Err(error) if group.len() > 1 && may_be_of_another(&error) => {
                for job in group {
                    self.run_group(vec![job]);
                }
            }
            Err(error) => {
                for job in group {
                    job.answer(Some(&error));
                }
            }
            Ok(()) => {
                self.commits.fetch_add(1, Ordering::Relaxed);
                let changes = self.memory.take_changes();
                self.listeners.notify(&changes);
                self.outbox.add(&changes);
                for job in group {
                    job.answer(None);
                }
            }
        }
    }

    /// Runs a group in one transaction. The outcome of an error is unknown only if the commit failed; repeating is safe.
    fn attempt(&mut self, group: &mut [Job]) -> Result<(), StoreError> {
        if self
            .rows
            .as_ref()
            .is_none_or(|rows| rows.client.is_closed())
        {
            let planning = match self.role {
                Role::Requests => Planning::Once,
                Role::Catalogue => Planning::Always,
            };
            self.rows = Some(PostgresRows::new(
                self.watch.connect(&self.target, planning)?,
            ));
        }
        let Some(mut rows) = self.rows.take() else {
            return Err(StoreError::Busy);
        };
        let asked = group.iter().map(|job| job.needs().now).max();
        let result = self
            .say_alive(&mut rows, asked)
            .and_then(|_away| self.run_in_transaction(&mut rows, group));
        // The other writer of this replica changes the same plans, and what it leaves is not known here.
        if result.is_err() || self.role == Role::Catalogue {
            rows.known.clear();
        }
        // Whatever is wrong with the connection, a new one is right.
        let is_lost = result.as_ref().is_err_and(StoreError::is_lost_connection);
        if result.is_ok() || (!is_lost && rows.client.run("ROLLBACK").is_ok()) {
            self.rows = Some(rows);
        }
        result
    }

    /// Says that this replica lives, if that is due: in a transaction of its own, before leases are expired. Those that ended
    /// while no replica was there are extended. Returns how long that was.
    pub(super) fn say_alive(
        &mut self,
        rows: &mut PostgresRows,
        asked: Option<Timestamp>,
    ) -> Result<Duration, StoreError> {
        let now = match self.clock {
            // Near enough to decide whether it is due.
            Clock::Database => wall(),
            Clock::Requests => asked.unwrap_or(self.memory.now),
        };
        let presence = Arc::clone(&self.presence);
        let mut presence = ignore_poison(presence.lock());
        if !presence.is_due(now) {
            return Ok(Duration::ZERO);
        }
        rows.begin_locked(PRESENCE)?;
        self.open(rows, Opening::default(), asked)?;
        let away = presence.say(rows, &mut self.memory)?;
        // No lease was expired.
        rows.commit(Timestamp(i64::MIN))?;
        presence.said(now);
        Ok(away)
    }

    /// Locks and reads what a group needs, and advances the time.
    fn open(
        &mut self,
        rows: &mut PostgresRows,
        opening: Opening,
        asked: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let now = opening.run(
            rows,
            match self.clock {
                Clock::Database => None,
                Clock::Requests => Some(asked.unwrap_or(self.memory.now).max(self.memory.now)),
            },
        )?;
        if let Some(clock) = &self.shared_clock {
            clock.observe(now);
        }
        self.memory.advance(now);
        Ok(())
    }

    /// Two round trips where everything about the plans is known: one reads, one writes and commits.
    fn run_in_transaction(
        &mut self,
        rows: &mut PostgresRows,
        group: &mut [Job],
    ) -> Result<(), StoreError> {
        if group.iter().any(|job| job.needs().is_alone) {
            rows.begin_locked(CATALOGUE)?;
        } else {
            rows.forget();
            if !group.iter().all(|job| self.knows_plans_of(job.needs())) {
                rows.lock_plans(&BTreeSet::new(), &[])?;
            }
        }
        let opening = Opening {
            plans: self.plans_of(rows, group)?,
            executions: group
                .iter()
                .flat_map(|job| job.needs().executions.iter().map(|id| id.0))
                .collect(),
            keys: group
                .iter()
                .filter_map(|job| job.needs().key.map(|key| key.bytes().to_vec()))
                .collect(),
            queues: self.queues_of(rows, group)?,
        };
        self.open(rows, opening, group.iter().map(|job| job.needs().now).max())?;
        let now = self.memory.now;
        self.memory.earliest_end = Timestamp(i64::MIN);
        expire_leases(
            &mut WriteContext {
                rows,
                memory: &mut self.memory,
            },
            now,
        )?;
        for job in group.iter_mut() {
            let mut context = WriteContext {
                rows,
                memory: &mut self.memory,
            };
            if !job.run(&mut context) {
                return Err(job.failure());
            }
        }
        rows.commit(now)
    }

    /// Whether nothing has to be read to tell which plans and queues a request needs.
    fn knows_plans_of(&self, needs: &Needs) -> bool {
        !needs.is_alone
            && !needs.expires_all
            && needs.batch.is_none()
            && needs
                .executions
                .iter()
                .all(|id| self.plan_of(id.0).is_some())
            && needs.offer.iter().all(|(plan, _)| self.memory.knows(*plan))
    }

    /// The plans that the requests of a group may change.
    fn plans_of(
        &mut self,
        rows: &mut PostgresRows,
        group: &[Job],
    ) -> Result<BTreeSet<i64>, StoreError> {
        let mut plans = BTreeSet::new();
        let mut unknown = Vec::new();
        for job in group {
            let needs = job.needs();
            plans.extend(needs.plans.iter().map(|plan| plan.0));
            for execution in &needs.executions {
                match self.plan_of(execution.0) {
                    Some(plan) => _ = plans.insert(plan),
                    None => unknown.push(execution.0),
                }
            }
            if let Some((project, batch)) = &needs.batch {
                let of_batch: Vec<i64> = rows.client.read_all(
                    "SELECT id FROM plans WHERE kind = 1 AND project = $1 AND batch = $2",
                    &[text(project), text(batch)],
                    |row| get(row, 0),
                )?;
                plans.extend(of_batch);
            }
            if needs.expires_all {
                let over: Vec<i64> = match self.clock {
                    Clock::Database => rows.client.read_all(
                        "SELECT DISTINCT plan FROM executions WHERE state = 2
                           AND deadline <= floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint",
                        &[],
                        |row| get(row, 0),
                    )?,
                    Clock::Requests => rows.client.read_all(
                        "SELECT DISTINCT plan FROM executions WHERE state = 2 AND deadline <= $1",
                        &[int(&self.memory.now.max(needs.now).0)],
                        |row| get(row, 0),
                    )?,
                };
                plans.extend(over);
            }
        }
        if !unknown.is_empty() {
            let found: Vec<(i64, i64, i64)> = rows.client.read_all(
                "SELECT p.first_execution, p.first_execution + p.size, p.id FROM plans p
                 WHERE p.kind = 1 AND EXISTS (SELECT 1 FROM unnest($1::bigint[]) AS e
                   WHERE e >= p.first_execution AND e < p.first_execution + p.size)",
                &[typed(&unknown, Type::INT8_ARRAY)],
                |row| Ok((get(row, 0)?, get(row, 1)?, get(row, 2)?)),
            )?;
            for (first, end, plan) in found {
                self.plans_by_first_execution
                    .insert(first, (end, PlanId(plan)));
                plans.insert(plan);
            }
        }
        Ok(plans)
    }

    /// The plan of an execution, if it is known.
    fn plan_of(&self, execution: i64) -> Option<i64> {
        let (_, (end, plan)) = self
            .plans_by_first_execution
            .range(..=execution)
            .next_back()?;
        (execution < *end).then_some(plan.0)
    }

    /// The queues that requests of a group may be served from, and how much of each.
    fn queues_of(
        &mut self,
        rows: &mut PostgresRows,
        group: &[Job],
    ) -> Result<BTreeMap<(i64, i64), i64>, StoreError> {
        let mut queues = BTreeMap::new();
        for job in group {
            let Some((plan, offered)) = &job.needs().offer else {
                continue;
            };
            let mut context = WriteContext {
                rows,
                memory: &mut self.memory,
            };
            let facts = match context.plan(*plan) {
                Ok(facts) => facts,
                // The request itself is refused.
                Err(StoreError::Refused(_)) => continue,
                Err(error) => return Err(error),
            };
            let case = self.memory.rules.label_case;
            let fitting = facts
                .label_sets
                .iter()
                .filter(|(_, required)| offered.covers(required, case));
            for (set, _) in fitting.take(READ_AHEAD) {
                *queues.entry((plan.0, *set)).or_insert(1) += 1;
            }
        }
        Ok(queues)
    }
}
