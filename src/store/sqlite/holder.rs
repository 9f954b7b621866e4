//! The guard of every change by a holder, and how it is tried.

use rusqlite::{OptionalExtension as _, ToSql};

use super::{desk::Desk, rows::exactly_one};
use crate::{
    model::{ExecutionId, PlanId, Timestamp},
    store::{
        StoreError,
        protocol::{LeaseHash, Presented, lease},
    },
};

/// The guard: with a lease its epoch and hash, without one the principal alone. What follows it starts at `?5`.
macro_rules! held {
    () => {
        " id = ?1 AND principal = ?2 AND (?3 IS NULL OR epoch = ?3) AND (?4 IS NULL OR lease_hash = ?4) "
    };
}
/// What a guarded change tells of the row it hit.
macro_rules! hit {
    () => {
        " RETURNING plan, test, label_set, epoch, squish_server, deadline "
    };
}
pub(super) use {held, hit};

/// What a holder presents, as the guard takes it.
pub(super) struct Holder<'a> {
    execution: ExecutionId,
    principal: &'a str,
    epoch: Option<u32>,
    hash: Option<[u8; 32]>,
}

/// The row that a guarded change hit.
pub(super) struct Hit {
    pub(super) plan: PlanId,
    pub(super) test: i64,
    pub(super) label_set: i64,
    pub(super) epoch: u32,
    pub(super) squish_server: Option<i64>,
    pub(super) deadline: Timestamp,
}

impl Hit {
    /// Whether its lease was over before the change. Leases that are over were noticed at this very time, so the
    /// deadline tells the former state.
    pub(super) fn was_over(&self, now: Timestamp) -> bool {
        self.deadline <= now
    }
}

impl<'a> Holder<'a> {
    /// Nothing for a missing lease where one is required, and for what is no token of ours: no guard would hold.
    pub(super) fn of(execution: ExecutionId, presented: Presented<'a>) -> Option<Self> {
        let (epoch, hash) = match presented.lease {
            Some(token) => (Some(lease::epoch(token)?), Some(LeaseHash::of(token).0)),
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

    /// Tries a statement made with [`held!`] and [`hit!`]; `None` if its guard refused.
    pub(super) fn change(
        &self,
        desk: &Desk,
        sql: &str,
        more: &[&dyn ToSql],
    ) -> Result<Option<Hit>, StoreError> {
        let mut all: Vec<&dyn ToSql> =
            vec![&self.execution.0, &self.principal, &self.epoch, &self.hash];
        all.extend(more);
        let mut statement = desk.db.prepare_cached(sql)?;
        let mut rows = statement.query(all.as_slice())?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let hit = Hit {
            plan: PlanId(row.get(0)?),
            test: row.get(1)?,
            label_set: row.get(2)?,
            epoch: row.get(3)?,
            squish_server: row.get(4)?,
            deadline: Timestamp(row.get(5)?),
        };
        let more = usize::from(rows.next()?.is_some());
        exactly_one(1 + more, "a change by a holder")?;
        Ok(Some(hit))
    }

    /// How long the lease was last asked to be, in milliseconds.
    pub(super) fn timeout_ms(&self, desk: &Desk) -> Result<Option<i64>, StoreError> {
        let found: Option<Option<i64>> = desk
            .db
            .prepare_cached("SELECT timeout_ms FROM executions WHERE id = ?1")?
            .query_row([self.execution.0], |row| row.get(0))
            .optional()?;
        Ok(found.flatten())
    }
}
