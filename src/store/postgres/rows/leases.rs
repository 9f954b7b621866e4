//! Changes of leases.

use std::{collections::BTreeSet, time::Duration};

use tokio_postgres::{Row, types::Type};

use super::PostgresRows;
use crate::{
    model::{ExecutionId, PlanId, Timestamp},
    store::{
        StoreError,
        postgres::{
            client::{Statement, get, int, typed},
            execution::{COLUMNS, Execution},
            record::Record,
        },
        protocol::StoredDigest,
        rows::{
            ChangedExecution, LeaseFilter, LeaseHolder, LeaseLength, LeaseRow, LeaseRows, NewLease,
            OutcomeColumns, ServerBinding, ValidLease,
        },
        values::{ms, span},
    },
};

impl PostgresRows {
    /// Changes the row of a holder, if its guard holds.
    fn change_held(
        &mut self,
        holder: &LeaseHolder<'_>,
        guard: impl FnOnce(&Execution) -> bool,
        change: impl FnOnce(&mut Execution),
    ) -> Result<Option<ChangedExecution>, StoreError> {
        let id = holder.execution.0;
        let mut changed = None;
        self.change_if(
            id,
            |row| row.is_held_by(holder) && guard(row),
            |row| {
                change(row);
                changed = Some(row.changed());
            },
        )?;
        Ok(changed)
    }

    /// The number of the last import.
    fn last_import(&mut self) -> Result<i64, StoreError> {
        if let Some(last) = self.set.last_import {
            return Ok(last);
        }
        let sql = "SELECT coalesce(max(id), 0) FROM imports";
        let last = self.client.read_one(sql, &[], |row| get(row, 0))?;
        self.set.last_import = Some(last);
        Ok(last)
    }
}

impl LeaseRows for PostgresRows {
    fn grant(&mut self, lease: &NewLease<'_>) -> Result<(), StoreError> {
        let mark = self.last_import()?;
        self.change_one(
            "a reservation",
            lease.execution.0,
            |row| row.state == lease.state && row.epoch == lease.epoch,
            |row| row.grant(lease, mark),
        )
    }

    fn renew(
        &mut self,
        holder: &LeaseHolder<'_>,
        length: LeaseLength,
        now: Timestamp,
    ) -> Result<Option<ChangedExecution>, StoreError> {
        self.change_held(
            holder,
            |row| row.state == 2 && row.deadline > Some(now.0),
            |row| row.set_length(length),
        )
    }

    fn revive(
        &mut self,
        holder: &LeaseHolder<'_>,
        length: LeaseLength,
    ) -> Result<Option<ChangedExecution>, StoreError> {
        let id = holder.execution.0;
        let binding = match self.row(id)? {
            Some(row) if row.state == 1 => row.squish_server.zip(Some(row.epoch)),
            _ => return Ok(None),
        };
        if let Some((squish_server, epoch)) = binding {
            let binding = ServerBinding {
                squish_server,
                execution: holder.execution,
                epoch,
            };
            if !self.has_server(binding)? {
                return Ok(None);
            }
        }
        self.change_held(
            holder,
            |row| row.state == 1,
            |row| {
                row.state = 2;
                row.skips = 0;
                row.set_length(length);
            },
        )
    }

    fn release(
        &mut self,
        holder: &LeaseHolder<'_>,
        alone: bool,
    ) -> Result<Option<ChangedExecution>, StoreError> {
        self.change_held(
            holder,
            |row| matches!(row.state, 1 | 2),
            |row| {
                row.state = 0;
                row.skips = 0;
                row.alone |= alone;
            },
        )
    }

    fn finish(
        &mut self,
        holder: &LeaseHolder<'_>,
        columns: &OutcomeColumns<'_>,
        digest: &StoredDigest,
    ) -> Result<Option<ChangedExecution>, StoreError> {
        self.change_held(
            holder,
            |row| matches!(row.state, 1 | 2),
            |row| row.finish(columns, digest),
        )
    }

    fn lease_length(&mut self, execution: ExecutionId) -> Result<Option<i64>, StoreError> {
        Ok(self.row(execution.0)?.and_then(|row| row.timeout_ms))
    }

    fn valid_lease(
        &mut self,
        execution: ExecutionId,
        epoch: u32,
        now: Timestamp,
    ) -> Result<Option<ValidLease>, StoreError> {
        let row = self.row(execution.0)?;
        let is_valid = |row: &&Execution| {
            // A key may be of a plan that is not locked, whose leases were not expired.
            row.state == 2 && row.epoch == epoch && row.deadline > Some(now.0)
        };
        let Some(row) = row.filter(is_valid) else {
            return Ok(None);
        };
        let nonce = row.nonce.as_deref().and_then(|nonce| nonce.try_into().ok());
        Ok(Some(ValidLease {
            plan: PlanId(row.plan),
            test: row.test,
            label_set: row.label_set,
            length: LeaseLength {
                deadline: Timestamp(row.deadline.unwrap_or(i64::MIN)),
                timeout_ms: row.timeout_ms.unwrap_or(0),
            },
            nonce: nonce.ok_or_else(|| {
                StoreError::Broken("BUG: a reserved execution has no nonce".to_owned())
            })?,
            squish_server: row.squish_server,
            expected: (!row.is_estimated).then(|| span(row.expected_ms)),
        }))
    }

    /// Those that are over are of the locked plans only, and were read when these were locked.
    fn leases(&mut self, filter: LeaseFilter) -> Result<Vec<LeaseRow>, StoreError> {
        let (state, since) = match filter {
            LeaseFilter::Over(now) => {
                let over = std::mem::take(&mut self.set.over);
                let rows = over.iter().filter_map(|id| self.set.execution(*id));
                let is_over = |row: &&Execution| row.state == 2 && row.deadline <= Some(now.0);
                let mut leases: Vec<_> = rows.filter(is_over).map(Execution::lease_row).collect();
                leases.sort_by_key(|lease| (lease.deadline, lease.execution.0));
                return Ok(leases);
            }
            LeaseFilter::ReservedAfter(since) => (2, since.0),
            LeaseFilter::ExpiredAfter(since) => (1, since.0),
        };
        let client = self.written()?;
        if matches!(filter, LeaseFilter::ReservedAfter(_)) {
            // For the expired ones too: plans are locked in order, so all at once.
            let plans: Vec<i64> = client.read_all(
                "SELECT DISTINCT plan FROM executions WHERE state IN (1, 2) AND deadline > $1",
                &[int(&since)],
                |row| get(row, 0),
            )?;
            self.lock_and_load(&BTreeSet::from_iter(plans))?;
        }
        let locked: Vec<i64> = self.locked.iter().copied().collect();
        let rows = self.client.read_all(
            &format!(
                "SELECT {COLUMNS} FROM executions e WHERE state = $1 AND deadline > $2 AND plan = ANY($3)
                 ORDER BY deadline, id"
            ),
            &[int(&state), int(&since), typed(&locked, Type::INT8_ARRAY)],
            Execution::read,
        )?;
        let leases = rows.iter().map(Execution::lease_row).collect();
        for row in rows {
            self.set.add(row);
        }
        Ok(leases)
    }

    /// The leases that are over are read anew for each group.
    fn earliest_end(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    fn expire(&mut self, lease: &LeaseRow, now: Timestamp) -> Result<(), StoreError> {
        self.change_one(
            "expiring a lease",
            lease.execution.0,
            |row| row.state == 2 && row.epoch == lease.epoch && row.deadline <= Some(now.0),
            |row| row.state = 1,
        )
    }

    fn extend(
        &mut self,
        lease: &LeaseRow,
        deadline: Timestamp,
        compensated: Duration,
    ) -> Result<(), StoreError> {
        self.change_one(
            "extending a lease",
            lease.execution.0,
            |row| {
                row.state == lease.state
                    && row.epoch == lease.epoch
                    && row.deadline == Some(lease.deadline.0)
            },
            |row| {
                row.state = 2;
                row.deadline = Some(deadline.0);
                row.compensated_ms = ms(compensated);
            },
        )
    }

    fn move_back(&mut self, _span: Duration) -> Result<(), StoreError> {
        // The clock is the database's own.
        Err(StoreError::Broken(
            "BUG: the clock of PostgreSQL is not moved back".to_owned(),
        ))
    }
}

impl PostgresRows {
    /// Locks plans, and reads what every change of them needs.
    pub(in crate::store::postgres) fn lock_and_load(
        &mut self,
        plans: &BTreeSet<i64>,
    ) -> Result<(), StoreError> {
        let is_new = |plan: &i64| !self.set.next_events.contains_key(plan);
        let new: Vec<i64> = plans.iter().copied().filter(is_new).collect();
        if new.is_empty() {
            self.lock_plans(plans, &[])?;
            return Ok(());
        }
        let reads = [super::COUNTERS, super::NEXT_EVENTS];
        let reads = reads.map(|sql| Statement {
            sql,
            values: vec![typed(&new, Type::INT8_ARRAY)],
        });
        let found = self.lock_plans(plans, &reads)?;
        let records =
            |found: &[Row], add: &mut dyn FnMut(&Record<'_>) -> Result<(), StoreError>| {
                found.iter().try_for_each(|row| add(&get(row, 1)?))
            };
        records(&found[0], &mut |row| self.add_counters(row))?;
        records(&found[1], &mut |row| self.add_next_event(row))
    }
}
