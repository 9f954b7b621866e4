//! The guard of every change that the holder of a lease makes.

use rusqlite::{OptionalExtension as _, ToSql};

use super::{statements::exactly_one, write_context::WriteContext};
use crate::{
    model::{ExecutionId, PlanId, Timestamp},
    store::{
        StoreError,
        protocol::{LeaseHash, PresentedLease, token_derivation},
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
        " RETURNING plan, test, label_set, epoch, squish_server, deadline "
    };
}
pub(super) use {held_by, returning_changed};

/// The holder of a lease, as the guard compares it.
pub(super) struct LeaseHolder<'a> {
    execution: ExecutionId,
    principal: &'a str,
    epoch: Option<u32>,
    hash: Option<[u8; 32]>,
}

/// The row that a guarded change changed.
pub(super) struct ChangedExecution {
    pub(super) plan: PlanId,
    pub(super) test: i64,
    pub(super) label_set: i64,
    pub(super) epoch: u32,
    pub(super) squish_server: Option<i64>,
    pub(super) deadline: Timestamp,
}

impl ChangedExecution {
    /// Whether its lease had expired before the change. The writer expires leases first, at the same `now`, so the
    /// deadline tells the former state.
    pub(super) fn was_expired(&self, now: Timestamp) -> bool {
        self.deadline <= now
    }
}

impl<'a> LeaseHolder<'a> {
    /// `None` if no guard can hold: a required lease is missing, or the token was not issued by this service.
    pub(super) fn of(execution: ExecutionId, presented: PresentedLease<'a>) -> Option<Self> {
        let (epoch, hash) = match presented.lease {
            Some(token) => (
                Some(token_derivation::epoch(token)?),
                Some(LeaseHash::of(token).0),
            ),
            None if presented.require_lease => return None,
            None => (None, None),
        };
        Some(Self {
            execution,
            principal: presented.principal,
            epoch,
            hash,
        })
    }

    /// Runs a statement made with [`held_by!`] and [`returning_changed!`]; `None` if its guard refused.
    pub(super) fn change(
        &self,
        context: &WriteContext,
        sql: &str,
        more: &[&dyn ToSql],
    ) -> Result<Option<ChangedExecution>, StoreError> {
        let mut all: Vec<&dyn ToSql> =
            vec![&self.execution.0, &self.principal, &self.epoch, &self.hash];
        all.extend(more);
        let mut statement = context.db.prepare_cached(sql)?;
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
        };
        let more = usize::from(rows.next()?.is_some());
        exactly_one(1 + more, "a change by a holder")?;
        Ok(Some(changed))
    }

    /// The length that was last asked for the lease, in milliseconds.
    pub(super) fn timeout_ms(&self, context: &WriteContext) -> Result<Option<i64>, StoreError> {
        let found: Option<Option<i64>> = context
            .db
            .prepare_cached("SELECT timeout_ms FROM executions WHERE id = ?1")?
            .query_row([self.execution.0], |row| row.get(0))
            .optional()?;
        Ok(found.flatten())
    }
}
