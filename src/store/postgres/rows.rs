//! The statements of PostgreSQL, over the rows that a transaction has in memory.

mod counters;
mod executions;
mod imports;
mod keys;
mod leases;
mod pages;
mod plan_tests;
mod plans;
mod queue;
mod reads;
mod servers;
mod templates;

pub(super) use keys::keys_of;
pub(super) use queue::{queue_of, queue_sql};

use std::collections::{BTreeSet, HashMap};

use super::{
    client::{Client, get, int},
    execution::{COLUMNS, Execution},
    flush,
    schema::{CATALOGUE, SERVERS},
    working_set::WorkingSet,
};
use crate::{model::Test, store::StoreError};

/// Most tests whose names are kept.
const MAX_TESTS: usize = 200_000;

/// A connection with the rows of its transaction.
pub(super) struct PostgresRows {
    pub(super) client: Client,
    pub(super) set: WorkingSet,
    /// The names of tests, which never change.
    tests: HashMap<i64, Test>,
    locked: BTreeSet<i64>,
}

impl PostgresRows {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            set: WorkingSet::default(),
            tests: HashMap::new(),
            locked: BTreeSet::new(),
        }
    }

    /// Forgets the last transaction.
    pub(super) fn begin(&mut self) {
        self.set = WorkingSet::default();
        self.locked.clear();
        if self.tests.len() > MAX_TESTS {
            self.tests.clear();
        }
    }

    /// Writes what was changed in memory, and gives the connection for a statement that has to see it.
    pub(super) fn written(&mut self) -> Result<&mut Client, StoreError> {
        flush::flush(&mut self.client, &mut self.set)?;
        Ok(&mut self.client)
    }

    /// Locks plans until the end of the transaction. All at once and in order: two replicas never wait for each other.
    pub(super) fn lock_plans(&mut self, plans: &BTreeSet<i64>) -> Result<(), StoreError> {
        let new: Vec<i64> = plans.difference(&self.locked).copied().collect();
        if new.is_empty() {
            return Ok(());
        }
        self.client.rows(
            "SELECT pg_advisory_xact_lock(p) FROM (SELECT unnest($1::bigint[]) AS p ORDER BY 1) AS plans",
            &[super::client::typed(&new, tokio_postgres::types::Type::INT8_ARRAY)],
        )?;
        self.locked.extend(new);
        Ok(())
    }

    /// Locks what templates, lists and imports have in common.
    pub(super) fn lock_catalogue(&mut self) -> Result<(), StoreError> {
        self.lock(CATALOGUE)
    }

    /// Locks the registry of Squish servers: after the plans.
    fn lock_servers(&mut self) -> Result<(), StoreError> {
        self.lock(SERVERS)
    }

    fn lock(&mut self, key: i64) -> Result<(), StoreError> {
        if self.locked.insert(key) {
            self.client
                .rows("SELECT pg_advisory_xact_lock($1)", &[int(&key)])?;
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
