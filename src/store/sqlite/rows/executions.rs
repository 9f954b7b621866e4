//! Statements about single executions.

use rusqlite::{Connection, Row, params};

use crate::{
    model::{ExecutionId, Outcome, PlanId},
    store::{
        StoreError,
        protocol::{ExecutionFacts, ExecutionPhase, LeaseHash, StartFailures, cancellation},
        rows::{ExecutionRow, ExecutionRows, OutcomeColumns, failed, phase},
        sqlite::statements::Statements as _,
    },
};

impl ExecutionRows for Connection {
    fn execution(&mut self, id: ExecutionId) -> Result<Option<ExecutionRow>, StoreError> {
        self.read_if(
            "SELECT e.state, e.epoch, e.generation, e.reset_epoch, e.lease_hash, e.principal, e.digest,
                e.verdict, e.duration_ms, e.flaky, e.error, e.details, e.plan, e.label_set,
                e.squish_server IS NOT NULL AND NOT EXISTS (SELECT 1 FROM squish_servers s
                  WHERE s.id = e.squish_server AND s.exec = e.id AND s.epoch = e.epoch)
             FROM executions e WHERE e.id = ?1",
            [id.0],
            |row| {
                let phase = phase(row.get(0)?);
                let outcome = (phase == ExecutionPhase::Done)
                    .then(|| outcome(row, 7))
                    .transpose()?;
                let facts = ExecutionFacts {
                    id,
                    phase,
                    epoch: row.get(1)?,
                    generation: row.get(2)?,
                    reset_epoch: row.get(3)?,
                    lease_hash: row.get::<_, Option<[u8; 32]>>(4)?.map(LeaseHash),
                    principal: row.get(5)?,
                    server_taken: row.get(14)?,
                    digest: row.get(6)?,
                    failed: outcome.as_ref().is_some_and(failed),
                    cancelled: cancellation::of_outcome(outcome.as_ref()),
                };
                Ok(ExecutionRow {
                    plan: PlanId(row.get(12)?),
                    label_set: row.get(13)?,
                    facts,
                    outcome,
                })
            },
        )
    }

    fn skip(&mut self, id: ExecutionId) -> Result<(), StoreError> {
        self.change_one(
            "a skipped execution",
            "UPDATE executions SET skips = skips + 1 WHERE id = ?1 AND state IN (0, 1)",
            [id.0],
        )
    }

    fn abandon(
        &mut self,
        (id, epoch): (ExecutionId, u32),
        error: &str,
        (expiries, lost_on): (u32, &str),
    ) -> Result<(), StoreError> {
        self.change_one(
            "abandoning an execution",
            "UPDATE executions SET state = 3, error = ?3, details = '', expiries = ?4, lost_on = ?5,
               lease_hash = NULL, nonce = NULL, digest = NULL
             WHERE id = ?1 AND state = 1 AND epoch = ?2",
            params![id.0, epoch, error, expiries, lost_on],
        )
    }

    fn count_late_result(&mut self, id: ExecutionId, most: i64) -> Result<bool, StoreError> {
        self.change_if(
            "a late result",
            "UPDATE executions SET late_results = late_results + 1 WHERE id = ?1 AND late_results < ?2",
            params![id.0, most],
        )
    }

    fn reset(&mut self, id: ExecutionId, generation: Option<u32>) -> Result<bool, StoreError> {
        self.change_if(
            "a reset",
            "UPDATE executions SET state = 0, generation = generation + 1, reset_epoch = epoch,
               earlier_failures = earlier_failures + (verdict IS 1),
               expiries = 0, skips = 0, alone = 0, start_failures = '', lost_on = '', late_results = 0, principal = '',
               deadline = NULL, timeout_ms = NULL, squish_server = NULL, worker = NULL,
               nonce = NULL, lease_hash = NULL, digest = NULL,
               verdict = NULL, duration_ms = NULL, flaky = NULL, error = NULL, details = NULL
             WHERE id = ?1 AND state = 3 AND (error IS NOT NULL OR verdict = 1)
               AND (?2 IS NULL OR generation = ?2)",
            params![id.0, generation],
        )
    }

    fn start_failures(&mut self, id: ExecutionId) -> Result<(String, StartFailures), StoreError> {
        self.read_one(
            "SELECT coalesce(worker, principal), start_failures FROM executions WHERE id = ?1",
            [id.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    fn note_start_failures(
        &mut self,
        (id, epoch): (ExecutionId, u32),
        failures: &StartFailures,
    ) -> Result<(), StoreError> {
        self.change_one(
            "a failed start",
            "UPDATE executions SET start_failures = ?3 WHERE id = ?1 AND state = 0 AND epoch = ?2",
            params![id.0, epoch, failures],
        )
    }

    fn end_unstartable(
        &mut self,
        (id, epoch): (ExecutionId, u32),
        error: &str,
        failures: &StartFailures,
    ) -> Result<(), StoreError> {
        self.change_one(
            "ending an execution that nobody can start",
            "UPDATE executions SET state = 3, error = ?3, details = '', start_failures = ?4,
               lease_hash = NULL, nonce = NULL, digest = NULL
             WHERE id = ?1 AND state = 0 AND epoch = ?2",
            params![id.0, epoch, error, failures],
        )
    }

    fn troubled_server(&mut self, id: ExecutionId) -> Result<Option<i64>, StoreError> {
        self.read_one(
            "SELECT troubled_server FROM executions WHERE id = ?1",
            [id.0],
            |row| row.get(0),
        )
    }

    fn note_troubled_server(
        &mut self,
        (id, epoch): (ExecutionId, u32),
        server: i64,
    ) -> Result<(), StoreError> {
        self.change_one(
            "an execution whose Squish server gave trouble",
            "UPDATE executions SET troubled_server = ?2 WHERE id = ?1 AND epoch = ?3",
            params![id.0, server, epoch],
        )
    }
}

/// The outcome in five columns from `first` on: verdict, duration, flaky, error, details.
pub(super) fn outcome(row: &Row<'_>, first: usize) -> rusqlite::Result<Outcome> {
    let (error, details): (Option<String>, Option<String>) =
        (row.get(first + 3)?, row.get(first + 4)?);
    Ok(crate::store::rows::outcome(&OutcomeColumns {
        verdict: row.get(first)?,
        duration_ms: row.get(first + 1)?,
        flaky: row.get(first + 2)?,
        error: error.as_deref(),
        details: details.as_deref(),
    }))
}
