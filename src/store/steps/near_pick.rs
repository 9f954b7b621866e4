//! Finding executions for a worker that names the suites whose fixtures it has warm.
//!
//! More of a warm suite first, in the order of the plan. Then the longest suite that no other worker runs, at last the end of
//! the longest one that others run. What others have warm follows from the executions that they hold. A worker that has the
//! plan to itself gets its tests in the plan's order: no other order makes it faster, and fixtures are set up as often as in
//! a run of the tool itself.

use std::{collections::HashSet, ops::ControlFlow, sync::Arc};

use super::{
    pick::{DEPTH, QueueHead},
    write_context::{CachedPlan, WriteContext},
};
use crate::{
    model::Capabilities,
    store::{
        StoreError,
        protocol::{
            batch_size::{BatchFill, BatchLimit},
            suite_order::{self, SuiteQueue},
        },
        rows::{SuiteOrder, SuiteWork},
    },
};

/// What a worker is looking for.
pub(in crate::store) struct NearSearch<'a> {
    /// Label sets that fit, all with the same number of labels.
    pub(in crate::store) group: &'a [(i64, Arc<Capabilities>)],
    /// Its name, if it has one.
    pub(in crate::store) worker: Option<&'a str>,
    /// The suites that it has warm, those that it prefers first.
    pub(in crate::store) near: &'a [String],
    pub(in crate::store) limit: BatchLimit,
    /// No other worker is there.
    pub(in crate::store) has_plan_to_itself: bool,
}

/// The executions to hand out, in order. Empty if every open one should go to another worker.
pub(in crate::store) fn choose(
    context: &mut WriteContext<'_>,
    plan: &CachedPlan,
    search: &NearSearch<'_>,
) -> Result<Vec<QueueHead>, StoreError> {
    number_suites(context, plan)?;
    let mut batch = NearBatch::default();
    if search.has_plan_to_itself {
        batch.take(
            context,
            plan,
            search,
            &SuiteOrder::WholePlan(plan.executions.clone()),
        )?;
        return Ok(batch.heads);
    }
    let mut warm = HashSet::new();
    for name in search.near {
        if let Some(suite) = context.rows.suite(plan.id, name)?
            && warm.insert(suite)
        {
            batch.take(context, plan, search, &SuiteOrder::Suite(suite))?;
            if batch.is_full {
                return Ok(batch.heads);
            }
        }
    }
    for queue in queues(context, plan, search)? {
        if !warm.contains(&queue.suite) {
            let order = if queue.is_taken_backward() {
                SuiteOrder::SuiteFromEnd(queue.suite)
            } else {
                SuiteOrder::Suite(queue.suite)
            };
            batch.take(context, plan, search, &order)?;
        }
        if batch.is_full {
            break;
        }
    }
    Ok(batch.heads)
}

/// The suites with open executions that fit, in order.
fn queues(
    context: &mut WriteContext<'_>,
    plan: &CachedPlan,
    search: &NearSearch<'_>,
) -> Result<Vec<SuiteQueue>, StoreError> {
    let now = context.now();
    let elsewhere = context.rows.suites_elsewhere(plan.id, search.worker, now)?;
    let mut queues: Vec<SuiteQueue> = Vec::new();
    for work in context.rows.suites(plan.id)? {
        let SuiteWork {
            suite,
            label_set,
            remaining_ms,
        } = work;
        if !search.group.iter().any(|(set, _)| *set == label_set) {
            continue;
        }
        match queues.last_mut() {
            Some(last) if last.suite == suite => last.remaining_ms += remaining_ms,
            _ => queues.push(SuiteQueue {
                suite,
                remaining_ms,
                is_warm_elsewhere: elsewhere.contains(&suite),
            }),
        }
    }
    suite_order::sort(&mut queues);
    Ok(queues)
}

/// What was chosen so far.
#[derive(Default)]
struct NearBatch {
    heads: Vec<QueueHead>,
    fill: BatchFill,
    is_full: bool,
}

impl NearBatch {
    /// Adds executions. What goes alone is only taken first, and then nothing beside it.
    fn take(
        &mut self,
        context: &mut WriteContext<'_>,
        plan: &CachedPlan,
        search: &NearSearch<'_>,
        order: &SuiteOrder,
    ) -> Result<(), StoreError> {
        let (before, max_expiries) = (self.heads.len(), context.rules().max_expiries);
        let mut unfit = 0;
        context.rows.visit_suites(plan.id, order, &mut |row| {
            let label_set = row.label_set;
            let Some((_, required)) = search.group.iter().find(|(set, _)| *set == label_set) else {
                return ControlFlow::Continue(());
            };
            let head = QueueHead::new(row, required);
            let candidate = &head.candidate;
            let goes_alone = candidate.goes_alone(max_expiries);
            if candidate.deferred_for(search.worker)
                || candidate.is_poison(max_expiries)
                || (goes_alone && !self.heads.is_empty())
            {
                unfit += 1;
            } else {
                let predicted = search.limit.predicted(candidate.expected_ms);
                if !search.limit.admits(self.fill, predicted) {
                    self.is_full = true;
                    return ControlFlow::Break(());
                }
                self.fill.add(predicted);
                self.heads.push(head);
                self.is_full = goes_alone || self.fill.count() == search.limit.max;
            }
            if unfit < DEPTH && !self.is_full {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        if matches!(order, SuiteOrder::SuiteFromEnd(_)) {
            self.heads[before..].reverse();
        }
        Ok(())
    }
}

/// Numbers the suites of a plan when a worker first names warm ones.
fn number_suites(context: &mut WriteContext<'_>, plan: &CachedPlan) -> Result<(), StoreError> {
    if context.memory.numbered_plans.contains(&plan.id) {
        return Ok(());
    }
    context
        .rows
        .number_suites(plan.id, plan.executions.clone())?;
    context.memory.numbered_plans.insert(plan.id);
    Ok(())
}
