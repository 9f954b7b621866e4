//! Single executions.

use super::PostgresRows;
use crate::{
    model::{ExecutionId, PlanId},
    store::{
        StoreError,
        protocol::{
            ExecutionFacts, ExecutionPhase, LeaseHash, StartFailures, StoredDigest, cancellation,
        },
        rows::{ExecutionRow, ExecutionRows, ServerBinding, failed, outcome, phase},
        values::{failures_from_text, failures_to_text},
    },
};

impl ExecutionRows for PostgresRows {
    fn execution(&mut self, id: ExecutionId) -> Result<Option<ExecutionRow>, StoreError> {
        let Some(row) = self.row(id.0)?.cloned() else {
            return Ok(None);
        };
        let phase = phase(row.state);
        let outcome = (phase == ExecutionPhase::Done).then(|| outcome(&row.outcome_columns()));
        let server_taken = match row.squish_server {
            Some(squish_server) => !self.has_server(ServerBinding {
                squish_server,
                execution: id,
                epoch: row.epoch,
            })?,
            None => false,
        };
        let hash = row.lease_hash.as_deref();
        let facts = ExecutionFacts {
            id,
            phase,
            epoch: row.epoch,
            generation: row.generation,
            reset_epoch: row.reset_epoch,
            lease_hash: hash.and_then(|hash| hash.try_into().ok()).map(LeaseHash),
            principal: row.principal,
            server_taken,
            digest: row.digest.as_deref().and_then(StoredDigest::from_bytes),
            failed: outcome.as_ref().is_some_and(failed),
            cancelled: cancellation::of_outcome(outcome.as_ref()),
        };
        Ok(Some(ExecutionRow {
            plan: PlanId(row.plan),
            label_set: row.label_set,
            facts,
            outcome,
        }))
    }

    fn skip(&mut self, id: ExecutionId) -> Result<(), StoreError> {
        self.change_one(
            "a skipped execution",
            id.0,
            super::Execution::is_available,
            |row| row.skips += 1,
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
            id.0,
            |row| row.state == 1 && row.epoch == epoch,
            |row| {
                row.end(error);
                row.expiries = expiries;
                lost_on.clone_into(&mut row.lost_on);
            },
        )
    }

    fn count_late_result(&mut self, id: ExecutionId, most: i64) -> Result<bool, StoreError> {
        self.change_if(
            id.0,
            |row| row.late_results < most,
            |row| row.late_results += 1,
        )
    }

    fn reset(&mut self, id: ExecutionId, generation: Option<u32>) -> Result<bool, StoreError> {
        self.change_if(
            id.0,
            |row| {
                row.state == 3
                    && (row.error.is_some() || row.verdict == Some(1))
                    && generation.is_none_or(|generation| generation == row.generation)
            },
            super::Execution::reset,
        )
    }

    fn start_failures(&mut self, id: ExecutionId) -> Result<(String, StartFailures), StoreError> {
        let Some(row) = self.row(id.0)? else {
            return Err(StoreError::Broken(
                "BUG: a released execution is missing".to_owned(),
            ));
        };
        let worker = row.worker.as_ref().unwrap_or(&row.principal).clone();
        Ok((worker, failures_from_text(&row.start_failures)?))
    }

    fn note_start_failures(
        &mut self,
        (id, epoch): (ExecutionId, u32),
        failures: &StartFailures,
    ) -> Result<(), StoreError> {
        let text = failures_to_text(failures)?;
        self.change_one(
            "a failed start",
            id.0,
            |row| row.state == 0 && row.epoch == epoch,
            |row| row.start_failures = text,
        )
    }

    fn end_unstartable(
        &mut self,
        (id, epoch): (ExecutionId, u32),
        error: &str,
        failures: &StartFailures,
    ) -> Result<(), StoreError> {
        let text = failures_to_text(failures)?;
        self.change_one(
            "ending an execution that nobody can start",
            id.0,
            |row| row.state == 0 && row.epoch == epoch,
            |row| {
                row.end(error);
                row.start_failures = text;
            },
        )
    }

    fn troubled_server(&mut self, id: ExecutionId) -> Result<Option<i64>, StoreError> {
        Ok(self.row(id.0)?.and_then(|row| row.troubled_server))
    }

    fn note_troubled_server(
        &mut self,
        (id, epoch): (ExecutionId, u32),
        server: i64,
    ) -> Result<(), StoreError> {
        self.change_one(
            "an execution whose Squish server gave trouble",
            id.0,
            |row| row.epoch == epoch,
            |row| row.troubled_server = Some(server),
        )
    }
}
