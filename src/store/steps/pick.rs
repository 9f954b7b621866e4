//! Finding the execution to reserve: reads the head of each fitting label set, never the whole plan.

use std::{ops::ControlFlow, sync::Arc};

use super::write_context::{CachedPlan, WriteContext};
use crate::{
    model::{Capabilities, ExecutionId},
    store::{
        StoreError,
        protocol::{
            EventKind,
            order::{self, ExecutionCandidate},
        },
        rows::{Counter, CounterChange, QueueRow},
    },
};

/// How many executions of one label set are read to find one that this worker did not lose last.
pub(in crate::store) const DEPTH: usize = 16;
/// How many more that its machine could not start: all of some large batches, which a machine gives back at once.
const FAILED_STARTS: usize = 3_000;

/// How far a label set is still read.
pub(in crate::store) struct ReadDepth<'a> {
    worker: Option<&'a str>,
    rows: usize,
    failed_starts: usize,
}

impl<'a> ReadDepth<'a> {
    pub(in crate::store) fn new(rows: usize, worker: Option<&'a str>) -> Self {
        Self {
            worker,
            rows,
            failed_starts: FAILED_STARTS,
        }
    }

    pub(in crate::store) fn is_over(&self) -> bool {
        self.rows == 0 || self.failed_starts == 0
    }

    /// Counts a row.
    pub(in crate::store) fn read(&mut self, candidate: &ExecutionCandidate) {
        let failed = |worker| candidate.start_failures.include(worker);
        if self.worker.is_some_and(failed) {
            self.failed_starts -= 1;
        } else {
            self.rows -= 1;
        }
    }
}

/// A candidate with what the statement that reserves it needs.
pub(in crate::store) struct QueueHead {
    pub(in crate::store) candidate: ExecutionCandidate,
    pub(in crate::store) label_set: i64,
    pub(in crate::store) required: Arc<Capabilities>,
    pub(in crate::store) test: i64,
    pub(in crate::store) state: i64,
    pub(in crate::store) epoch: u32,
    /// Whether no earlier run of the test was known.
    pub(in crate::store) is_estimated: bool,
}

impl QueueHead {
    pub(in crate::store) fn new(row: QueueRow, required: &Arc<Capabilities>) -> Self {
        Self {
            label_set: row.label_set,
            required: Arc::clone(required),
            test: row.test,
            state: row.state,
            epoch: row.epoch,
            is_estimated: row.is_estimated,
            candidate: row.candidate(required),
        }
    }
}

/// The execution to reserve, and those that were skipped for it. Abandons executions on which too many leases expired.
pub(in crate::store) fn next(
    context: &mut WriteContext<'_>,
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
        if !head.candidate.is_poison(context.rules().max_expiries) {
            return Ok(Some((head, skipped)));
        }
        abandon(context, plan, &head)?;
    }
}

/// Adds the first executions of a label set, up to one that is not deferred.
fn read_heads(
    context: &mut WriteContext<'_>,
    plan: &CachedPlan,
    (set, required): (i64, &Arc<Capabilities>),
    worker: Option<&str>,
    heads: &mut Vec<QueueHead>,
) -> Result<(), StoreError> {
    let mut depth = ReadDepth::new(DEPTH, worker);
    context.rows.visit_queue(plan.id, set, &mut |row| {
        let head = QueueHead::new(row, required);
        depth.read(&head.candidate);
        let is_deferred = head.candidate.deferred_for(worker);
        heads.push(head);
        if is_deferred && !depth.is_over() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })
}

/// Ends an execution with an error: too many leases expired on it, so the next worker would be lost too.
fn abandon(
    context: &mut WriteContext<'_>,
    plan: &CachedPlan,
    head: &QueueHead,
) -> Result<(), StoreError> {
    let id = head.candidate.id;
    let (expiries, holders) = head.candidate.losses();
    let message = order::abandoned(expiries, &holders);
    let attempt = (id, head.epoch);
    context
        .rows
        .abandon(attempt, &message, (expiries, &holders))?;
    let left = context.rows.count(
        plan.id,
        head.label_set,
        CounterChange::of_move(Counter::Open, Counter::Done),
    )?;
    context.record_event(plan.id, attempt, EventKind::Abandoned, "", &message)?;
    context.note_ended(plan.id, head.label_set, left)
}
