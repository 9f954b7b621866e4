//! Statements of a cancel, and of a lease that is revoked.

use super::PostgresRows;
use crate::{
    model::{ExecutionId, PlanId},
    store::{
        StoreError,
        postgres::{
            client::{get, int, text},
            execution::{COLUMNS, Execution},
        },
        rows::{CancelRows, Cancelling, EndingRow},
    },
};

impl PostgresRows {
    /// Reads executions of a locked plan that a condition holds for; returns their numbers.
    fn load(&mut self, plan: PlanId, condition: &str, limit: i64) -> Result<Vec<i64>, StoreError> {
        let rows = self.written()?.read_all(
            &format!(
                "SELECT {COLUMNS} FROM executions e WHERE e.plan = $1 AND {condition} LIMIT $2"
            ),
            &[int(&plan.0), int(&limit)],
            Execution::read,
        )?;
        let ids = rows.iter().map(|row| row.id).collect();
        for row in rows {
            self.set.add(row);
        }
        Ok(ids)
    }
}

impl CancelRows for PostgresRows {
    /// Whether there is one is known for the locked plans, so that a reservation need not ask.
    fn cancelling(&mut self, plan: PlanId) -> Result<Option<Cancelling>, StoreError> {
        let is_locked = self.set.next_events.contains_key(&plan.0);
        if is_locked && !self.set.cancelling.contains(&plan.0) {
            return Ok(None);
        }
        self.client.read_if(
            "SELECT coalesce(cancelled, ''), cancelled_by, cancelling FROM plans WHERE id = $1 AND cancelling <> 0",
            &[int(&plan.0)],
            |row| {
                Ok(Cancelling {
                    error: get(row, 0)?,
                    principal: get(row, 1)?,
                    stops_running: get::<i64>(row, 2)? == 2,
                })
            },
        )
    }

    fn begin_cancel(&mut self, plan: PlanId, cancel: &Cancelling) -> Result<(), StoreError> {
        self.set.cancelling.insert(plan.0);
        self.client.change_one(
            "cancelling a plan",
            "UPDATE plans SET cancelled = $2, cancelled_by = $3, cancelling = $4 WHERE id = $1 AND kind = 1",
            &[
                int(&plan.0),
                text(&cancel.error),
                text(&cancel.principal),
                int(&cancel.mode()),
            ],
        )
    }

    fn note_end_of_leases(
        &mut self,
        plan: PlanId,
        error: &str,
        again: bool,
    ) -> Result<u64, StoreError> {
        // As many as there are leases.
        let mut noted = 0;
        for id in self.load(plan, "e.state = 2", i64::MAX)? {
            let is_noted = self.change_if(
                id,
                |row| row.state == 2 && (again || row.error.is_none()),
                |row| row.error = Some(error.to_owned()),
            )?;
            noted += u64::from(is_noted);
        }
        Ok(noted)
    }

    fn to_be_cancelled(
        &mut self,
        plan: PlanId,
        cancel: &Cancelling,
        limit: u32,
    ) -> Result<Vec<EndingRow>, StoreError> {
        let limit = i64::from(limit);
        let mut ids = self.load(plan, "e.state < 2", limit)?;
        let found = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        if cancel.stops_running && found < limit {
            let leased = "e.state = 2 AND e.error IS NOT NULL";
            ids.extend(self.load(plan, leased, limit - found)?);
        }
        let rows = ids.iter().filter_map(|id| self.set.execution(*id));
        Ok(rows.map(Execution::ending_row).collect())
    }

    fn end_cancel(&mut self, plan: PlanId) -> Result<(), StoreError> {
        self.set.cancelling.remove(&plan.0);
        self.client.change_one(
            "the end of a cancel",
            "UPDATE plans SET cancelling = 0 WHERE id = $1 AND cancelling <> 0",
            &[int(&plan.0)],
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
            id.0,
            |row| row.state == state && row.state < 3 && row.epoch == epoch,
            |row| row.end(error),
        )
    }

    fn ending_row(&mut self, execution: ExecutionId) -> Result<Option<EndingRow>, StoreError> {
        Ok(self.row(execution.0)?.map(Execution::ending_row))
    }

    fn revoke(&mut self, (id, epoch): (ExecutionId, u32)) -> Result<(), StoreError> {
        self.change_one(
            "revoking a lease",
            id.0,
            |row| row.state == 2 && row.epoch == epoch,
            Execution::revoke,
        )
    }
}
