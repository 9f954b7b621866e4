//! Statements of a cancel, and of a lease that is revoked.

use rusqlite::{Connection, Row, params};

use crate::{
    model::{ExecutionId, PlanId},
    store::{
        StoreError,
        rows::{CancelRows, Cancelling, EndingRow},
        sqlite::statements::Statements as _,
        values::number,
    },
};

/// The columns of an [`EndingRow`].
const COLUMNS: &str =
    "SELECT id, epoch, plan, label_set, state, squish_server, error FROM executions";

fn ending_row(row: &Row<'_>) -> rusqlite::Result<EndingRow> {
    Ok(EndingRow {
        execution: ExecutionId(row.get(0)?),
        epoch: row.get(1)?,
        plan: PlanId(row.get(2)?),
        label_set: row.get(3)?,
        state: row.get(4)?,
        squish_server: row.get(5)?,
        error: row.get(6)?,
    })
}

impl CancelRows for Connection {
    fn cancelling(&mut self, plan: PlanId) -> Result<Option<Cancelling>, StoreError> {
        self.read_if(
            "SELECT coalesce(cancelled, ''), cancelled_by, cancelling FROM plans WHERE id = ?1 AND cancelling <> 0",
            [plan.0],
            |row| {
                Ok(Cancelling {
                    error: row.get(0)?,
                    principal: row.get(1)?,
                    stops_running: row.get::<_, i64>(2)? == 2,
                })
            },
        )
    }

    fn begin_cancel(&mut self, plan: PlanId, cancel: &Cancelling) -> Result<(), StoreError> {
        self.change_one(
            "cancelling a plan",
            "UPDATE plans SET cancelled = ?2, cancelled_by = ?3, cancelling = ?4 WHERE id = ?1 AND kind = 1",
            params![plan.0, cancel.error, cancel.principal, cancel.mode()],
        )
    }

    fn note_end_of_leases(
        &mut self,
        plan: PlanId,
        error: &str,
        again: bool,
    ) -> Result<u64, StoreError> {
        // As many as there are leases.
        let noted = self
            .prepare_cached(
                "UPDATE executions INDEXED BY executions_leased SET error = ?2
                 WHERE state = 2 AND plan = ?1 AND (error IS NULL OR ?3)",
            )?
            .execute(params![plan.0, error, again])?;
        Ok(number(i64::try_from(noted).unwrap_or(i64::MAX)))
    }

    fn to_be_cancelled(
        &mut self,
        plan: PlanId,
        cancel: &Cancelling,
        limit: u32,
    ) -> Result<Vec<EndingRow>, StoreError> {
        let mut rows = self.read_all(
            &format!(
                "{COLUMNS} INDEXED BY executions_available WHERE plan = ?1 AND state < 2 LIMIT ?2"
            ),
            params![plan.0, limit],
            ending_row,
        )?;
        let found = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let rest = limit.saturating_sub(found);
        if cancel.stops_running && rest > 0 {
            rows.extend(self.read_all(
                &format!(
                    "{COLUMNS} INDEXED BY executions_leased WHERE state = 2 AND plan = ?1 AND error IS NOT NULL LIMIT ?2"
                ),
                params![plan.0, rest],
                ending_row,
            )?);
        }
        Ok(rows)
    }

    fn end_cancel(&mut self, plan: PlanId) -> Result<(), StoreError> {
        self.change_one(
            "the end of a cancel",
            "UPDATE plans SET cancelling = 0 WHERE id = ?1 AND cancelling <> 0",
            [plan.0],
        )
    }

    fn end_cancelled(
        &mut self,
        (id, epoch): (ExecutionId, u32),
        state: i64,
        error: &str,
    ) -> Result<(), StoreError> {
        self.change_one(
            "ending a cancelled execution",
            "UPDATE executions SET state = 3, error = ?4, details = '', lease_hash = NULL, nonce = NULL, digest = NULL
             WHERE id = ?1 AND epoch = ?2 AND state = ?3 AND state < 3",
            params![id.0, epoch, state, error],
        )
    }

    fn ending_row(&mut self, execution: ExecutionId) -> Result<Option<EndingRow>, StoreError> {
        self.read_if(
            &format!("{COLUMNS} WHERE id = ?1"),
            [execution.0],
            ending_row,
        )
    }

    fn revoke(&mut self, (id, epoch): (ExecutionId, u32)) -> Result<(), StoreError> {
        self.change_one(
            "revoking a lease",
            "UPDATE executions SET state = 0, skips = 0, lease_hash = NULL, nonce = NULL
             WHERE id = ?1 AND epoch = ?2 AND state = 2",
            params![id.0, epoch],
        )
    }
}
