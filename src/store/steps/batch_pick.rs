//! Finding the executions that a reservation hands out beside its first one, in the same order.

use std::{ops::ControlFlow, sync::Arc};

use super::{
    pick::{DEPTH, QueueHead, ReadDepth},
    write_context::{CachedPlan, WriteContext},
};
use crate::{
    model::Capabilities,
    store::{
        StoreError,
        protocol::batch_size::{BatchFill, BatchLimit},
    },
};

/// The executions that follow `first` in the order until the batch is full. Leaves out what the worker should not get now,
/// what goes alone, and what has to be abandoned: that happens once it comes first.
pub(in crate::store) fn following(
    context: &mut WriteContext<'_>,
    plan: &CachedPlan,
    fitting: &[(i64, Arc<Capabilities>)],
    worker: Option<&str>,
    first: &QueueHead,
    limit: BatchLimit,
) -> Result<Vec<QueueHead>, StoreError> {
    if first.candidate.goes_alone(context.rules().max_expiries) {
        return Ok(Vec::new());
    }
    // A worker that gets an execution it lost, because nothing else is left, gets the whole batch that way.
    let worker = worker.filter(|_| !first.candidate.deferred_for(worker));
    let mut fill = BatchFill::default();
    fill.add(limit.predicted(first.candidate.expected_ms));
    let mut batch = Vec::new();
    for group in fitting.chunk_by(|a, b| a.1.len() == b.1.len()) {
        let mut heads = Vec::new();
        for (set, required) in group {
            read_set(
                context,
                plan,
                (*set, required),
                worker,
                first,
                (limit, fill),
                &mut heads,
            )?;
        }
        heads.sort_unstable_by_key(|head| head.candidate.key());
        for head in heads {
            let predicted = limit.predicted(head.candidate.expected_ms);
            if !limit.admits(fill, predicted) {
                return Ok(batch);
            }
            fill.add(predicted);
            batch.push(head);
        }
    }
    Ok(batch)
}

/// Adds the executions of a label set, up to the first one that no longer fits into the batch.
fn read_set(
    context: &mut WriteContext<'_>,
    plan: &CachedPlan,
    (set, required): (i64, &Arc<Capabilities>),
    worker: Option<&str>,
    first: &QueueHead,
    (limit, mut fill): (BatchLimit, BatchFill),
    heads: &mut Vec<QueueHead>,
) -> Result<(), StoreError> {
    let max_expiries = context.rules().max_expiries;
    let mut depth = ReadDepth::new(limit.max + DEPTH, worker);
    context.rows.visit_queue(plan.id, set, &mut |row| {
        let head = QueueHead::new(row, required);
        let candidate = &head.candidate;
        depth.read(candidate);
        let is_unfit = candidate.id == first.candidate.id
            || candidate.deferred_for(worker)
            || candidate.is_poison(max_expiries)
            || candidate.goes_alone(max_expiries);
        let mut goes_on = !depth.is_over();
        if !is_unfit {
            let predicted = limit.predicted(candidate.expected_ms);
            goes_on &= limit.admits(fill, predicted);
            fill.add(predicted);
            heads.push(head);
        }
        if goes_on {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })
}
