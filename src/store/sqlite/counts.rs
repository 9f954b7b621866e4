//! The kept counters: moved in the transaction of the change they count, added up for a status.

use rusqlite::{Connection, params};

use super::rows::{exactly_one, number};
use crate::{
    model::{PlanId, PlanStatus, TestVerdict, Timestamp},
    store::StoreError,
};

/// How the counters of a plan's label set move.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Move {
    pub(super) open: i64,
    pub(super) reserved: i64,
    pub(super) done: i64,
    pub(super) passed: i64,
    pub(super) failed: i64,
    pub(super) skipped: i64,
}

impl Move {
    /// Counts `by` more of a verdict.
    pub(super) fn verdict(mut self, verdict: Option<TestVerdict>, by: i64) -> Self {
        match verdict {
            Some(TestVerdict::Passed) => self.passed += by,
            Some(TestVerdict::Failed) => self.failed += by,
            Some(TestVerdict::Skipped) => self.skipped += by,
            None => {}
        }
        self
    }

    pub(super) fn write(self, db: &Connection, plan: PlanId, set: i64) -> Result<(), StoreError> {
        let rows = db
            .prepare_cached(
                "UPDATE counts SET open = open + ?3, reserved = reserved + ?4, done = done + ?5,
                   passed = passed + ?6, failed = failed + ?7, skipped = skipped + ?8
                 WHERE plan = ?1 AND label_set = ?2",
            )?
            .execute(params![
                plan.0,
                set,
                self.open,
                self.reserved,
                self.done,
                self.passed,
                self.failed,
                self.skipped
            ])?;
        exactly_one(rows, "a counter")
    }
}

/// The counters of each label set of a plan. A lease that is over by `now` counts as open, noticed or not.
pub(super) fn by_label_set(
    db: &Connection,
    plan: PlanId,
    now: Timestamp,
) -> Result<Vec<(i64, PlanStatus)>, StoreError> {
    let mut counts: Vec<(i64, PlanStatus)> = db
        .prepare_cached("SELECT label_set, open, reserved, done FROM counts WHERE plan = ?1")?
        .query_map([plan.0], |row| {
            let status = PlanStatus {
                open: number(row.get(1)?),
                reserved: number(row.get(2)?),
                done: number(row.get(3)?),
            };
            Ok((row.get(0)?, status))
        })?
        .collect::<Result<_, _>>()?;
    // Only what the writer has not noticed yet: at most what ended since its last request or sweep.
    let mut over = db.prepare_cached(
        "SELECT label_set, count(*) FROM executions INDEXED BY executions_leased
         WHERE state = 2 AND deadline <= ?1 AND plan = ?2 GROUP BY label_set",
    )?;
    let mut rows = over.query(params![now.0, plan.0])?;
    while let Some(row) = rows.next()? {
        let (set, ended): (i64, i64) = (row.get(0)?, row.get(1)?);
        for (_, status) in counts.iter_mut().filter(|(id, _)| *id == set) {
            status.open += number(ended);
            status.reserved = status.reserved.saturating_sub(number(ended));
        }
    }
    Ok(counts)
}
