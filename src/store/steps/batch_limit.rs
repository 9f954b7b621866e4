//! How much one reservation may hand out: reads what is known of the plan for `protocol/batch_size.rs`.

use std::sync::Arc;

use super::{
    plans::UNKNOWN_PERCENTILE,
    totals,
    write_context::{CachedPlan, WriteContext},
};
use crate::{
    model::Capabilities,
    store::{
        BatchRequest, StoreError,
        protocol::batch_size::{BatchLimit, Workload},
    },
};

/// The limit of a request for several executions.
pub(in crate::store) fn limit(
    context: &mut WriteContext<'_>,
    plan: &CachedPlan,
    fitting: &[(i64, Arc<Capabilities>)],
    batch: &BatchRequest,
) -> Result<BatchLimit, StoreError> {
    if batch.max == 1 {
        return Ok(BatchLimit::requested(batch, 0));
    }
    let Some(unknown_ms) = unknown_duration(context, plan)? else {
        let now = context.now();
        let open = totals::of_sets(context.rows, plan.id, fitting, now)?.open;
        return Ok(BatchLimit::first(batch, open));
    };
    let mut workload = Workload {
        remaining_ms: 0,
        unknown_ms,
        start_ms: match plan.template {
            Some(template) => context.rows.start_cost(template)?,
            None => 0,
        },
    };
    for (set, _) in fitting {
        let (predicted, unknown) = context.rows.open_work(plan.id, *set)?;
        workload.add(predicted, unknown);
    }
    Ok(match batch.work {
        Some(_) => BatchLimit::requested(batch, unknown_ms).with_rest(workload),
        None => BatchLimit::decided(batch, workload),
    })
}

/// How long a test without a prediction counts: the 95th percentile of what is known of the plan's tests by now; `None` if
/// nothing is. Read again when twice as many executions are done, because it reads the whole plan.
fn unknown_duration(
    context: &mut WriteContext<'_>,
    plan: &CachedPlan,
) -> Result<Option<i64>, StoreError> {
    let done = context.rows.done(plan.id)?;
    if let Some((at, known)) = context.memory.unknown_durations.get(&plan.id)
        && done < at.max(&1).saturating_mul(2)
    {
        return Ok(Some(*known));
    }
    let durations = context.rows.durations_of_plan(plan.executions.clone())?;
    let count = i64::try_from(durations.len()).unwrap_or(i64::MAX);
    let rank = (count * UNKNOWN_PERCENTILE + 99) / 100 - 1;
    let at = usize::try_from(rank).ok();
    let Some(known) = at.and_then(|at| durations.get(at)).copied() else {
        return Ok(None);
    };
    context
        .memory
        .unknown_durations
        .insert(plan.id, (done, known));
    Ok(Some(known))
}
