//! Statements of the holder of a lease, and those that grant, extend and end leases.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use crate::{
    model::{ExecutionId, PlanId, Timestamp},
    store::{
        StoreError,
        protocol::StoredDigest,
        rows::{
            ChangedExecution, LeaseFilter, LeaseHolder, LeaseLength, LeaseRow, LeaseRows, NewLease,
            OutcomeColumns, ServerBinding, ValidLease, exactly_one,
        },
        sqlite::statements::Statements as _,
        values::{ms, span},
    },
};

/// The guard: with a lease its epoch and hash, without one the principal alone. Other parameters start at `?5`.
macro_rules! held_by {
    () => {
        " id = ?1 AND principal = ?2 AND (?3 IS NULL OR epoch = ?3) AND (?4 IS NULL OR lease_hash = ?4) "
    };
}
/// The columns of a [`ChangedExecution`].
macro_rules! returning_changed {
    () => {
        " RETURNING plan, test, label_set, epoch, squish_server, deadline, error "
    };
}

impl LeaseRows for Connection {
    fn grant(&mut self, lease: &NewLease<'_>) -> Result<(), StoreError> {
        let (expiries, lost_on) = lease.losses.clone().unzip();
        self.change_one(
            "a reservation",
            "UPDATE executions SET state = 2, epoch = epoch + 1, reserved_at = ?4 - ?5, deadline = ?4, timeout_ms = ?5, compensated_ms = 0, nonce = ?6,
               lease_hash = ?7, principal = ?8, worker = ?9, squish_server = ?10, skips = 0, digest = NULL,
               import_mark = (SELECT coalesce(max(id), 0) FROM imports),
               expiries = coalesce(?11, expiries), lost_on = coalesce(?12, lost_on)
             WHERE id = ?1 AND state = ?2 AND epoch = ?3",
            params![
                lease.execution.0,
                lease.state,
                lease.epoch,
                lease.length.deadline.0,
                lease.length.timeout_ms,
                lease.nonce,
                lease.hash.0,
                lease.principal,
                lease.worker,
                lease.squish_server.map(|server| server.0),
                expiries,
                lost_on
            ],
        )
    }

    fn renew(
        &mut self,
        holder: &LeaseHolder<'_>,
        length: LeaseLength,
        now: Timestamp,
    ) -> Result<Option<ChangedExecution>, StoreError> {
        change(
            self,
            holder,
            concat!(
                "UPDATE executions SET deadline = ?5, timeout_ms = ?6, compensated_ms = 0 WHERE",
                held_by!(),
                "AND state = 2 AND deadline > ?7",
                returning_changed!()
            ),
            &[&length.deadline.0, &length.timeout_ms, &now.0],
        )
    }

    fn revive(
        &mut self,
        holder: &LeaseHolder<'_>,
        length: LeaseLength,
    ) -> Result<Option<ChangedExecution>, StoreError> {
        change(
            self,
            holder,
            concat!(
                "UPDATE executions SET state = 2, deadline = ?5, timeout_ms = ?6, compensated_ms = 0, skips = 0 WHERE",
                held_by!(),
                "AND state = 1 AND (squish_server IS NULL OR EXISTS (SELECT 1 FROM squish_servers s
                   WHERE s.id = squish_server AND s.exec = executions.id AND s.epoch = executions.epoch))",
                returning_changed!()
            ),
            &[&length.deadline.0, &length.timeout_ms],
        )
    }

    fn release(
        &mut self,
        holder: &LeaseHolder<'_>,
        alone: bool,
    ) -> Result<Option<ChangedExecution>, StoreError> {
        change(
            self,
            holder,
            concat!(
                "UPDATE executions SET state = 0, skips = 0, alone = max(alone, ?5) WHERE",
                held_by!(),
                "AND state IN (1, 2)",
                returning_changed!()
            ),
            &[&alone],
        )
    }

    fn finish(
        &mut self,
        holder: &LeaseHolder<'_>,
        columns: &OutcomeColumns<'_>,
        digest: &StoredDigest,
    ) -> Result<Option<ChangedExecution>, StoreError> {
        change(
            self,
            holder,
            concat!(
                "UPDATE executions SET state = 3, digest = ?5, verdict = ?6, duration_ms = ?7, flaky = ?8,
                   error = ?9, details = ?10 WHERE",
                held_by!(),
                "AND state IN (1, 2)",
                returning_changed!()
            ),
            &[
                digest,
                &columns.verdict,
                &columns.duration_ms,
                &columns.flaky,
                &columns.error,
                &columns.details,
            ],
        )
    }

    fn lease_length(&mut self, execution: ExecutionId) -> Result<Option<i64>, StoreError> {
        let found: Option<Option<i64>> = self
            .prepare_cached("SELECT timeout_ms FROM executions WHERE id = ?1")?
            .query_row([execution.0], |row| row.get(0))
            .optional()?;
        Ok(found.flatten())
    }

    fn valid_lease(
        &mut self,
        execution: ExecutionId,
        epoch: u32,
        now: Timestamp,
    ) -> Result<Option<ValidLease>, StoreError> {
        self.read_if(
            "SELECT plan, test, label_set, deadline, timeout_ms, nonce, squish_server,
               iif(is_estimated, NULL, expected_ms) FROM executions
             WHERE id = ?1 AND epoch = ?2 AND state = 2 AND deadline > ?3",
            params![execution.0, epoch, now.0],
            |row| {
                Ok(ValidLease {
                    plan: PlanId(row.get(0)?),
                    test: row.get(1)?,
                    label_set: row.get(2)?,
                    length: LeaseLength {
                        deadline: Timestamp(row.get(3)?),
                        timeout_ms: row.get(4)?,
                    },
                    nonce: row.get(5)?,
                    squish_server: row.get(6)?,
                    expected: row.get::<_, Option<i64>>(7)?.map(span),
                })
            },
        )
    }

    fn leases(&mut self, filter: LeaseFilter) -> Result<Vec<LeaseRow>, StoreError> {
        let (condition, at) = match filter {
            LeaseFilter::Over(now) => ("state = 2 AND deadline <= ?1", now),
            LeaseFilter::ReservedAfter(since) => ("state = 2 AND deadline > ?1", since),
            LeaseFilter::ExpiredAfter(since) => ("state = 1 AND deadline > ?1", since),
        };
        let sql = format!(
            "SELECT id, epoch, plan, label_set, state, deadline, timeout_ms, squish_server, principal, worker,
               compensated_ms, error
             FROM executions WHERE {condition} ORDER BY deadline, id"
        );
        self.read_all(&sql, [at.0], lease_row)
    }

    fn earliest_end(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let end: Option<i64> = self.read_one(
            "SELECT min(deadline) FROM executions WHERE state = 2",
            [],
            |row| row.get(0),
        )?;
        Ok(end.map(Timestamp))
    }

    fn expire(&mut self, lease: &LeaseRow, now: Timestamp) -> Result<(), StoreError> {
        self.change_one(
            "expiring a lease",
            "UPDATE executions SET state = 1
             WHERE id = ?1 AND state = 2 AND epoch = ?2 AND deadline <= ?3",
            params![lease.execution.0, lease.epoch, now.0],
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
            "UPDATE executions SET state = 2, deadline = ?1, compensated_ms = ?6
             WHERE id = ?2 AND epoch = ?3 AND state = ?4 AND deadline = ?5",
            params![
                deadline.0,
                lease.execution.0,
                lease.epoch,
                lease.state,
                lease.deadline.0,
                ms(compensated)
            ],
        )
    }

    fn move_back(&mut self, span: Duration) -> Result<(), StoreError> {
        for sql in [
            "UPDATE executions SET deadline = deadline - ?1 WHERE state IN (1, 2)",
            "UPDATE squish_servers SET free_from = free_from - ?1, rests_until = rests_until - ?1",
            "UPDATE keys SET expires_at = expires_at - ?1",
        ] {
            self.execute(sql, [ms(span)])?;
        }
        Ok(())
    }
}

/// Runs a statement made with [`held_by!`] and [`returning_changed!`]; `None` if its guard refused.
fn change(
    db: &Connection,
    holder: &LeaseHolder<'_>,
    sql: &str,
    more: &[&dyn ToSql],
) -> Result<Option<ChangedExecution>, StoreError> {
    let mut all: Vec<&dyn ToSql> = vec![
        &holder.execution.0,
        &holder.principal,
        &holder.epoch,
        &holder.hash,
    ];
    all.extend(more);
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(all.as_slice())?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let changed = ChangedExecution {
        plan: PlanId(row.get(0)?),
        test: row.get(1)?,
        label_set: row.get(2)?,
        epoch: row.get(3)?,
        squish_server: row.get(4)?,
        deadline: Timestamp(row.get(5)?),
        error: row.get(6)?,
    };
    let more = usize::from(rows.next()?.is_some());
    exactly_one(1 + more, "a change by a holder")?;
    Ok(Some(changed))
}

fn lease_row(row: &Row<'_>) -> rusqlite::Result<LeaseRow> {
    let (execution, epoch) = (ExecutionId(row.get(0)?), row.get(1)?);
    let squish_server: Option<i64> = row.get(7)?;
    Ok(LeaseRow {
        execution,
        epoch,
        plan: PlanId(row.get(2)?),
        label_set: row.get(3)?,
        state: row.get(4)?,
        deadline: Timestamp(row.get(5)?),
        timeout: span(row.get(6)?),
        binding: squish_server.map(|squish_server| ServerBinding {
            squish_server,
            execution,
            epoch,
        }),
        principal: row.get(8)?,
        worker: row.get(9)?,
        compensated: span(row.get(10)?),
        error: row.get(11)?,
    })
}
