//! Statements about counters and events.

use rusqlite::{Connection, params};

use crate::{
    model::{PlanId, PlanStatus, Timestamp},
    store::{
        StoreError,
        rows::{CounterChange, CounterReads, CounterRows, EventRows, NewEvent, exactly_one},
        sqlite::statements::Statements as _,
        values::number,
    },
};

impl CounterReads for Connection {
    fn counters(
        &mut self,
        plan: PlanId,
        now: Timestamp,
    ) -> Result<Vec<(i64, PlanStatus)>, StoreError> {
        let mut counts = self.read_all(
            "SELECT label_set, open, reserved, done FROM counts WHERE plan = ?1",
            [plan.0],
            |row| {
                let status = PlanStatus {
                    open: number(row.get(1)?),
                    reserved: number(row.get(2)?),
                    done: number(row.get(3)?),
                };
                Ok((row.get(0)?, status))
            },
        )?;
        // Few rows: at most the leases that ended since the writer's last request or sweep.
        let expired: Vec<(i64, i64)> = self.read_all(
            "SELECT label_set, count(*) FROM executions INDEXED BY executions_leased
             WHERE state = 2 AND deadline <= ?1 AND plan = ?2 GROUP BY label_set",
            params![now.0, plan.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        for (set, ended) in expired {
            for (_, status) in counts.iter_mut().filter(|(id, _)| *id == set) {
                status.open += number(ended);
                status.reserved = status.reserved.saturating_sub(number(ended));
            }
        }
        Ok(counts)
    }
}

impl CounterRows for Connection {
    fn count(
        &mut self,
        plan: PlanId,
        label_set: i64,
        change: CounterChange,
    ) -> Result<i64, StoreError> {
        let ([open, reserved, done], [passed, failed, skipped]) = (change.states, change.verdicts);
        let left = self.read_if(
            "UPDATE counts SET open = open + ?3, reserved = reserved + ?4, done = done + ?5,
               passed = passed + ?6, failed = failed + ?7, skipped = skipped + ?8
             WHERE plan = ?1 AND label_set = ?2 RETURNING open + reserved",
            params![
                plan.0, label_set, open, reserved, done, passed, failed, skipped
            ],
            |row| row.get(0),
        )?;
        // Plan and label set are the key of the table: there is at most one row.
        exactly_one(usize::from(left.is_some()), "a counter")?;
        Ok(left.unwrap_or_default())
    }

    fn done(&mut self, plan: PlanId) -> Result<i64, StoreError> {
        self.read_one(
            "SELECT coalesce(sum(done), 0) FROM counts WHERE plan = ?1",
            [plan.0],
            |row| row.get(0),
        )
    }
}

impl EventRows for Connection {
    fn add_event(&mut self, event: &NewEvent<'_>) -> Result<(), StoreError> {
        self.change_one(
            "an event",
            "INSERT INTO events (plan, id, exec, epoch, kind, at, principal, detail)
             VALUES (?1, (SELECT coalesce(max(id), 0) + 1 FROM events WHERE plan = ?1), ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                event.plan.0,
                event.execution.0,
                event.epoch,
                event.kind.as_str(),
                event.at.0,
                event.principal,
                event.detail
            ],
        )
    }
}
