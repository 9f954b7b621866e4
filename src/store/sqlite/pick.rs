//! Finding the execution to reserve: reads the head of each fitting label set, never the whole plan.

use std::sync::Arc;

use rusqlite::{Row, params};

use super::{
    plan_counters::{Counter, CounterChange},
    statements::Statements as _,
    write_context::{CachedPlan, WriteContext},
};
use crate::{
    model::{Capabilities, ExecutionId},
    store::{
        StoreError,
        protocol::{
            EventKind,
            order::{self, ExecutionCandidate, ExpiredLease},
        },
    },
};

/// How many executions of one label set are read to find one that this worker did not lose last.
pub(super) const DEPTH: usize = 16;
/// How many more that its machine could not start: all of some large batches, which a machine gives back at once.
const FAILED_STARTS: usize = 3_000;

/// How far a label set is still read.
pub(super) struct ReadDepth<'a> {
    worker: Option<&'a str>,
    rows: usize,
    failed_starts: usize,
}

impl<'a> ReadDepth<'a> {
    pub(super) fn new(rows: usize, worker: Option<&'a str>) -> Self {
        Self {
            worker,
            rows,
            failed_starts: FAILED_STARTS,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.rows == 0 || self.failed_starts == 0
    }

    /// Counts a row.
    pub(super) fn read(&mut self, candidate: &ExecutionCandidate) {
        let failed = |worker| candidate.start_failures.include(worker);
        if self.worker.is_some_and(failed) {
            self.failed_starts -= 1;
        } else {
            self.rows -= 1;
        }
    }
}

/// The executions of a label set in order. Reads the index in that order, so only the rows read cost anything.
pub(super) const HEADS: &str = "SELECT id, expected_ms, state, epoch, test, timeout_ms, expiries, skips, worker, lost_on, principal,
      is_estimated, alone, start_failures
    FROM executions INDEXED BY executions_available
    WHERE plan = ?1 AND label_set = ?2 AND state < 2 ORDER BY expected_ms DESC, id";

/// A candidate with what the statement that reserves it needs.
pub(super) struct QueueHead {
    pub(super) candidate: ExecutionCandidate,
    pub(super) label_set: i64,
    pub(super) required: Arc<Capabilities>,
    pub(super) test: i64,
    pub(super) state: i64,
    pub(super) epoch: u32,
    /// Whether no earlier run of the test was known.
    pub(super) is_estimated: bool,
}

impl QueueHead {
    pub(super) fn read(
        row: &Row<'_>,
        label_set: i64,
        required: &Arc<Capabilities>,
    ) -> rusqlite::Result<Self> {
        let state: i64 = row.get(2)?;
        let lost = if state == 1 {
            Some(ExpiredLease {
                worker: row.get(8)?,
                principal: row.get(10)?,
                timeout_ms: row.get(5)?,
                earlier_expiries: row.get(6)?,
                earlier_holders: row.get(9)?,
            })
        } else {
            None
        };
        Ok(Self {
            candidate: ExecutionCandidate {
                id: ExecutionId(row.get(0)?),
                expiries: row.get(6)?,
                skips: row.get(7)?,
                alone: row.get(12)?,
                start_failures: row.get(13)?,
                last_worker: row.get(8)?,
                labels: required.len(),
                expected_ms: row.get(1)?,
                lost,
            },
            label_set,
            required: Arc::clone(required),
            test: row.get(4)?,
            state,
            epoch: row.get(3)?,
            is_estimated: row.get(11)?,
        })
    }
}

/// The execution to reserve, and those that were skipped for it. Abandons executions on which too many leases expired.
pub(super) fn next(
    context: &mut WriteContext,
    plan: &CachedPlan,
    fitting: &[(i64, Arc<Capabilities>)],
    worker: Option<&str>,
) -> Result<Option<(QueueHead, Vec<ExecutionId>)>, StoreError> {
    loop {
        let mut heads: Vec<QueueHead> = Vec::new();
        // Most labels first: once a candidate is not deferred, sets with fewer labels are not read.
        for group in fitting.chunk_by(|a, b| a.1.len() == b.1.len()) {
            for (set, required) in group {
                read_heads(context, plan, (*set, required), worker, &mut heads)?;
            }
            if heads.iter().any(|h| !h.candidate.deferred_for(worker)) {
                break;
            }
        }
        let mut candidates: Vec<_> = heads.iter().map(|h| h.candidate.clone()).collect();
        let Some(chosen) = order::choose(&mut candidates, worker) else {
            return Ok(None);
        };
        let id = candidates[chosen].id;
        let skipped = candidates[..chosen].iter().map(|c| c.id).collect();
        let Some(index) = heads.iter().position(|h| h.candidate.id == id) else {
            return Ok(None);
        };
        let head = heads.swap_remove(index);
        if !head.candidate.is_poison(context.rules.max_expiries) {
            return Ok(Some((head, skipped)));
        }
        abandon(context, plan, &head)?;
    }
}

/// Adds the first executions of a label set, up to one that is not deferred.
fn read_heads(
    context: &WriteContext,
    plan: &CachedPlan,
    (set, required): (i64, &Arc<Capabilities>),
    worker: Option<&str>,
    heads: &mut Vec<QueueHead>,
) -> Result<(), StoreError> {
    let mut statement = context.db.prepare_cached(HEADS)?;
    let mut rows = statement.query(params![plan.id.0, set])?;
    let mut depth = ReadDepth::new(DEPTH, worker);
    while !depth.is_over() {
        let Some(row) = rows.next()? else { break };
        let head = QueueHead::read(row, set, required)?;
        depth.read(&head.candidate);
        let is_deferred = head.candidate.deferred_for(worker);
        heads.push(head);
        if !is_deferred {
            break;
        }
    }
    Ok(())
}

/// Ends an execution with an error: too many leases expired on it, so the next worker would be lost too.
fn abandon(
    context: &mut WriteContext,
    plan: &CachedPlan,
    head: &QueueHead,
) -> Result<(), StoreError> {
    let id = head.candidate.id;
    let (expiries, holders) = head.candidate.losses();
    let message = order::abandoned(expiries, &holders);
    context.db.change_one(
        "abandoning an execution",
        "UPDATE executions SET state = 3, error = ?3, details = '', expiries = ?4, lost_on = ?5,
           lease_hash = NULL, nonce = NULL, digest = NULL
         WHERE id = ?1 AND state = 1 AND epoch = ?2",
        params![id.0, head.epoch, message, expiries, holders],
    )?;
    let left = CounterChange::of_move(Counter::Open, Counter::Done).write(
        &context.db,
        plan.id,
        head.label_set,
    )?;
    let attempt = (id, head.epoch);
    context.record_event(plan.id, attempt, EventKind::Abandoned, "", &message)?;
    context.note_ended(plan.id, head.label_set, left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn head_query_uses_the_index_without_sorting_or_scanning() {
        let expected =
            "SEARCH executions USING INDEX executions_available (plan=? AND label_set=?)";
        let steps = query_plan(HEADS, 2);
        assert_eq!(steps, [expected], "one step: no sorting beside it");
    }
}
