//! The statements of PostgreSQL, over the rows that a transaction has in memory.

mod audit;
mod cancellation;
mod counters;
mod executions;
mod imports;
mod keys;
mod leases;
mod page_reads;
mod pages;
mod plan_tests;
mod plans;
mod queue;
mod reads;
mod run_reads;
mod servers;
mod templates;

pub(super) use counters::{COUNTERS, NEXT_EVENTS};
pub(super) use keys::KEYS;
pub(super) use queue::{QUEUES, QueueReads};

use std::collections::{BTreeSet, HashMap};

use tokio_postgres::Row;

use super::{
    client::{Client, Statement, Transaction, get, int},
    execution::{COLUMNS, Execution},
    flush,
    known_plans::KnownPlans,
    schema::SERVERS,
    working_set::WorkingSet,
};
use crate::{
    model::{Test, Timestamp},
    store::StoreError,
};

/// Most tests whose names are kept.
const MAX_TESTS: usize = 200_000;

/// A connection with the rows of its transaction.
pub(super) struct PostgresRows {
    pub(super) client: Client,
    pub(super) set: WorkingSet,
    /// The names of tests, which never change.
    tests: HashMap<i64, Test>,
    locked: BTreeSet<i64>,
    /// What the last transactions left.
    pub(super) known: KnownPlans,
    /// Whether its transaction began.
    is_open: bool,
}

/// Locks plans, or what other keys stand for, until the end of the transaction. One statement for each, in order: two replicas
/// never wait for each other.
fn locks<'a>(keys: impl IntoIterator<Item = &'a i64>) -> String {
    let each = keys
        .into_iter()
        .map(|key| format!("SELECT pg_advisory_xact_lock({key})"));
    each.collect::<Vec<_>>().join("; ")
}

impl PostgresRows {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            set: WorkingSet::default(),
            tests: HashMap::new(),
            locked: BTreeSet::new(),
            known: KnownPlans::default(),
            is_open: false,
        }
    }

    /// Forgets the last transaction. The next one begins with the first statement.
    pub(super) fn forget(&mut self) {
        self.set = WorkingSet::default();
        self.locked.clear();
        self.is_open = false;
        if self.tests.len() > MAX_TESTS {
            self.tests.clear();
        }
    }

    /// Writes what was changed in memory, and gives the connection for a statement that has to see it.
    pub(super) fn written(&mut self) -> Result<&mut Client, StoreError> {
        flush::flush(&mut self.client, &mut self.set, false)?;
        Ok(&mut self.client)
    }

    /// Writes what was changed in memory and commits. The time of the transaction was `now`.
    pub(super) fn commit(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let committed = flush::flush(&mut self.client, &mut self.set, true);
        match committed {
            Ok(()) => self.known.learn(&self.set, now),
            Err(_) => self.known.clear(),
        }
        committed
    }

    /// Begins a transaction that holds this lock.
    pub(super) fn begin_locked(&mut self, key: i64) -> Result<(), StoreError> {
        self.forget();
        self.client
            .begin_with(Transaction::Catalogue, &locks([&key]), &[])?;
        self.is_open = true;
        self.locked.insert(key);
        Ok(())
    }

    /// Locks plans until the end of the transaction and then runs statements, in one round trip; begins the transaction if that
    /// is to do. All plans at once, see [`locks`].
    pub(super) fn lock_plans(
        &mut self,
        plans: &BTreeSet<i64>,
        statements: &[Statement<'_>],
    ) -> Result<Vec<Vec<Row>>, StoreError> {
        let locks = locks(plans.difference(&self.locked));
        let found = match (self.is_open, &*locks) {
            (true, "") => self.client.rows_of_all(statements),
            (true, locks) => self.client.run_with(locks, statements),
            (false, locks) => self
                .client
                .begin_with(Transaction::Requests, locks, statements),
        }?;
        self.is_open = true;
        self.locked.extend(plans);
        Ok(found)
    }

    /// Locks the registry of Squish servers: after the plans.
    fn lock_servers(&mut self) -> Result<(), StoreError> {
        self.lock(SERVERS)
    }

    fn lock(&mut self, key: i64) -> Result<(), StoreError> {
        if self.locked.insert(key) {
            self.client.run(&locks([&key]))?;
        }
        Ok(())
    }

    /// The row of an execution, read if it is not in memory.
    fn row(&mut self, id: i64) -> Result<Option<&Execution>, StoreError> {
        if !self.set.has(id) {
            let found = self.client.read_if(
                &format!("SELECT {COLUMNS} FROM executions e WHERE e.id = $1"),
                &[int(&id)],
                Execution::read,
            )?;
            let Some(row) = found else { return Ok(None) };
            self.set.add(row);
        }
        Ok(self.set.execution(id))
    }

    /// Changes a row if its guard holds: exactly one row of this number exists.
    fn change_if(
        &mut self,
        id: i64,
        guard: impl FnOnce(&Execution) -> bool,
        change: impl FnOnce(&mut Execution),
    ) -> Result<bool, StoreError> {
        if !self.row(id)?.is_some_and(guard) {
            return Ok(false);
        }
        self.set.change(id, change);
        Ok(true)
    }

    /// The same for a guard that has to hold; `what` names the change in the error of a bug.
    fn change_one(
        &mut self,
        what: &str,
        id: i64,
        guard: impl FnOnce(&Execution) -> bool,
        change: impl FnOnce(&mut Execution),
    ) -> Result<(), StoreError> {
        let is_changed = self.change_if(id, guard, change)?;
        crate::store::rows::exactly_one(usize::from(is_changed), what)
    }

    /// The name of a test.
    fn test_name(&mut self, id: i64) -> Result<Test, StoreError> {
        if let Some(test) = self.tests.get(&id) {
            return Ok(test.clone());
        }
        let test = self.client.read_one(
            "SELECT suite, testcase FROM tests WHERE id = $1",
            &[int(&id)],
            |row| {
                Ok(Test {
                    suite: get(row, 0)?,
                    testcase: get(row, 1)?,
                })
            },
        )?;
        self.tests.insert(id, test.clone());
        Ok(test)
    }

    /// Keeps the name of a test.
    pub(super) fn keep_test(&mut self, id: i64, test: Test) {
        self.tests.insert(id, test);
    }
}
