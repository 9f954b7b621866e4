//! Counters per plan and label set: updated in the transaction of the change they count, so that a status is cheap.

use std::{collections::HashSet, sync::Arc};

use rusqlite::{Connection, params};

use super::{
    column_values::number,
    statements::{Statements as _, exactly_one},
};
use crate::{
    model::{Capabilities, PlanId, PlanStatus, TestVerdict, Timestamp},
    store::StoreError,
};

/// The counter that an execution is in. An execution whose lease expired counts as open.
#[derive(Clone, Copy, Debug)]
pub(super) enum Counter {
    Open,
    Reserved,
    Done,
}

/// A change of the counters of one label set of a plan.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CounterChange {
    states: [i64; 3],
    verdicts: [i64; 3],
}

impl CounterChange {
    /// One execution moves from one counter to another.
    pub(super) fn of_move(from: Counter, to: Counter) -> Self {
        let mut change = Self::default();
        change.states[from as usize] -= 1;
        change.states[to as usize] += 1;
        change
    }

    /// Adds `by` to the counter of a verdict.
    pub(super) fn verdict(mut self, verdict: Option<TestVerdict>, by: i64) -> Self {
        match verdict {
            Some(TestVerdict::Passed) => self.verdicts[0] += by,
            Some(TestVerdict::Failed) => self.verdicts[1] += by,
            Some(TestVerdict::Skipped) => self.verdicts[2] += by,
            None => {}
        }
        self
    }

    /// Writes the change; returns how many executions of the label set are open or reserved now.
    pub(super) fn write(self, db: &Connection, plan: PlanId, set: i64) -> Result<i64, StoreError> {
        let ([open, reserved, done], [passed, failed, skipped]) = (self.states, self.verdicts);
        let left = db.read_if(
            "UPDATE counts SET open = open + ?3, reserved = reserved + ?4, done = done + ?5,
               passed = passed + ?6, failed = failed + ?7, skipped = skipped + ?8
             WHERE plan = ?1 AND label_set = ?2 RETURNING open + reserved",
            params![plan.0, set, open, reserved, done, passed, failed, skipped],
            |row| row.get(0),
        )?;
        // Plan and label set are the key of the table: there is at most one row.
        exactly_one(usize::from(left.is_some()), "a counter")?;
        Ok(left.unwrap_or_default())
    }
}

/// The counters of each label set of a plan. A lease that is over by `now` counts as open, even if the writer did not
/// expire it yet.
pub(super) fn by_label_set(
    db: &Connection,
    plan: PlanId,
    now: Timestamp,
) -> Result<Vec<(i64, PlanStatus)>, StoreError> {
    let mut counts = db.read_all(
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
    let expired: Vec<(i64, i64)> = db.read_all(
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

/// The counters of some label sets of a plan together.
pub(super) fn of_sets(
    db: &Connection,
    plan: PlanId,
    sets: &[(i64, Arc<Capabilities>)],
    now: Timestamp,
) -> Result<PlanStatus, StoreError> {
    if sets.is_empty() {
        return Ok(PlanStatus::default());
    }
    let sets: HashSet<i64> = sets.iter().map(|(set, _)| *set).collect();
    let counts = by_label_set(db, plan, now)?.into_iter();
    let of_sets = counts.filter(|(set, _)| sets.contains(set));
    Ok(of_sets.map(|(_, status)| status).sum())
}
