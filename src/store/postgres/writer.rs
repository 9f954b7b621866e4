//! The thread that writes: runs all waiting requests in one transaction, then sends their answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::Receiver,
    },
    time::Duration,
};

use tokio_postgres::types::Type;

use super::{
    client::{Client, get, int, text, typed},
    connection::Target,
    execution::{COLUMNS, Execution},
    failure::may_be_of_another,
    needs::Needs,
    presence::Presence,
    rows::{PostgresRows, keys_of, queue_of, queue_sql},
};
use crate::{
    clock::{SharedClock, wall},
    model::{PlanId, Timestamp},
    store::{
        StoreError,
        changes::ChangeListeners,
        steps::{Memory, WriteContext, expiry::expire_leases},
        write_queue::WriteJob,
    },
};

/// Most requests of one transaction.
const MAX_GROUP: usize = 256;
/// Of how many label sets the queue is read before a request asks for it.
const READ_AHEAD: usize = 4;

/// Where the time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The database's clock: the same for all replicas.
    Database,
    /// What each request says: for tests, whose time stands still. Requests run one by one.
    Requests,
}

/// The clock of the database in milliseconds.
const CLOCK: &str = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

type Job = Box<dyn WriteJob<Needs>>;

pub(super) struct Writer {
    pub(super) target: Target,
    pub(super) rows: Option<PostgresRows>,
    pub(super) memory: Memory,
    pub(super) clock: Clock,
    /// What the service follows; absent if the requests bring the time.
    pub(super) shared_clock: Option<SharedClock>,
    pub(super) presence: Presence,
    pub(super) queue: Receiver<Job>,
    pub(super) listeners: Arc<ChangeListeners>,
    pub(super) commits: Arc<AtomicU64>,
    /// Where the executions of plans end, and their plans.
    pub(super) plans_by_first_execution: BTreeMap<i64, (i64, PlanId)>,
}

impl Writer {
    /// Runs until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let mut waiting: Vec<Job> = Vec::new();
        loop {
            if waiting.is_empty() {
                let Ok(first) = self.queue.recv() else { break };
                waiting.push(first);
            }
            let room = MAX_GROUP.saturating_sub(waiting.len());
            waiting.extend(self.queue.try_iter().take(room));
            let rest = self.split(&mut waiting);
            self.run_group(waiting);
            waiting = rest;
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
            self.rows = Some(PostgresRows::new(Client::connect(&self.target)?));
        }
        let Some(mut rows) = self.rows.take() else {
            return Err(StoreError::Busy);
        };
        let asked = group.iter().map(|job| job.needs().now).max();
        let result = self
            .say_alive(&mut rows, asked)
            .and_then(|_away| self.run_in_transaction(&mut rows, group));
        // Whatever is wrong with the connection, a new one is right.
        if result.is_ok() || rows.client.run("ROLLBACK").is_ok() {
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
        if !self.presence.is_due(now) {
            return Ok(Duration::ZERO);
        }
        begin(rows, true)?;
        self.set_time(rows, asked)?;
        let away = self.presence.say(rows, &mut self.memory)?;
        rows.written()?;
        rows.client.run("COMMIT")?;
        self.presence.said(now);
        Ok(away)
    }

    /// Reads the clock: after the locks, because a lease may end while another replica holds them.
    fn set_time(
        &mut self,
        rows: &mut PostgresRows,
        asked: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let now = match self.clock {
            Clock::Database => rows
                .client
                .read_one(CLOCK, &[], |row| Ok(Timestamp(get(row, 0)?)))?,
            Clock::Requests => asked.unwrap_or(self.memory.now),
        };
        if let Some(clock) = &self.shared_clock {
            clock.observe(now);
        }
        self.memory.advance(now);
        Ok(())
    }

    fn run_in_transaction(
        &mut self,
        rows: &mut PostgresRows,
        group: &mut [Job],
    ) -> Result<(), StoreError> {
        begin(rows, group.iter().any(|job| job.needs().is_alone))?;
        let plans = self.plans_of(rows, group)?;
        rows.lock_plans(&plans)?;
        self.set_time(rows, group.iter().map(|job| job.needs().now).max())?;
        let now = self.memory.now;
        rows.lock_and_load(&plans)?;
        self.load(rows, group, &plans, now)?;
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
        rows.written()?;
        rows.client.run("COMMIT")
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

    /// Reads the rows that the requests of a group name or may get, all at once.
    fn load(
        &mut self,
        rows: &mut PostgresRows,
        group: &[Job],
        plans: &BTreeSet<i64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let plans: Vec<i64> = plans.iter().copied().collect();
        let ids: Vec<i64> = group
            .iter()
            .flat_map(|job| job.needs().executions.iter().map(|id| id.0))
            .collect();
        let keys: Vec<Vec<u8>> = group
            .iter()
            .filter_map(|job| job.needs().key.map(|key| key.bytes().to_vec()))
            .collect();
        let queues = self.queues_of(rows, group)?;
        let by_id = format!("SELECT {COLUMNS} FROM executions e WHERE e.id = ANY($1)");
        let over = format!(
            "SELECT {COLUMNS} FROM executions e WHERE e.state = 2 AND e.deadline <= $2 AND e.plan = ANY($1)"
        );
        let queue = queue_sql();
        let mut statements = Vec::new();
        if !plans.is_empty() {
            statements.push(super::client::Statement {
                sql: &over,
                values: vec![typed(&plans, Type::INT8_ARRAY), int(&now.0)],
            });
        }
        if !ids.is_empty() {
            statements.push(super::client::Statement {
                sql: &by_id,
                values: vec![typed(&ids, Type::INT8_ARRAY)],
            });
        }
        if !keys.is_empty() {
            statements.push(keys_of(typed(&keys, Type::BYTEA_ARRAY)));
        }
        for ((plan, set), count) in &queues {
            statements.push(queue_of(&queue, [plan, set, &i64::MAX, &i64::MIN, count]));
        }
        let mut found = rows.client.rows_of_all(&statements)?.into_iter();
        drop(statements);
        if !plans.is_empty() {
            for row in found.next().unwrap_or_default() {
                let execution = Execution::read(&row)?;
                rows.set.over.push(execution.id);
                rows.set.add(execution);
            }
        }
        if !ids.is_empty() {
            for row in found.next().unwrap_or_default() {
                rows.set.add(Execution::read(&row)?);
            }
        }
        if !keys.is_empty() {
            rows.add_keys(keys, &found.next().unwrap_or_default())?;
        }
        for ((key, count), list) in queues.iter().zip(found) {
            rows.add_queue(*key, &list, *count)?;
        }
        Ok(())
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

fn begin(rows: &mut PostgresRows, locks_catalogue: bool) -> Result<(), StoreError> {
    rows.begin();
    rows.client.run("BEGIN")?;
    if locks_catalogue {
        rows.lock_catalogue()?;
    }
    Ok(())
}
