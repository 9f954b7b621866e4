//! How much one reservation may hand out: reads what is known of the plan for `protocol/batch_size.rs`.

use std::sync::Arc;

use rusqlite::params;

use super::{
    plan_counters,
    plan_rows::UNKNOWN_PERCENTILE,
    start_costs,
    statements::Statements as _,
    write_context::{CachedPlan, WriteContext},
};
use crate::{
    model::Capabilities,
    store::{
        BatchRequest, StoreError,
        protocol::batch_size::{BatchLimit, Workload},
    },
};

/// The open work of a label set, by an index alone: count, predicted milliseconds, how many without a prediction.
const OPEN_WORK: &str =
    "SELECT count(*), coalesce(sum(expected_ms), 0), coalesce(sum(expected_ms = 0), 0)
    FROM executions INDEXED BY executions_available
    WHERE plan = ?1 AND label_set = ?2 AND state < 2";

/// The limit of a request for several executions.
pub(super) fn limit(
    context: &mut WriteContext,
    plan: &CachedPlan,
    fitting: &[(i64, Arc<Capabilities>)],
    batch: &BatchRequest,
) -> Result<BatchLimit, StoreError> {
    if batch.max == 1 {
        return Ok(BatchLimit::requested(batch, 0));
    }
    let Some(unknown_ms) = unknown_duration(context, plan)? else {
        let open = plan_counters::of_sets(&context.db, plan.id, fitting, context.now)?.open;
        return Ok(BatchLimit::first(batch, open));
    };
    let mut workload = Workload {
        remaining_ms: 0,
        unknown_ms,
        start_ms: match plan.template {
            Some(template) => start_costs::of_template(&context.db, template)?,
            None => 0,
        },
    };
    for (set, _) in fitting {
        let (predicted, unknown): (i64, i64) =
            context
                .db
                .read_one(OPEN_WORK, params![plan.id.0, set], |row| {
                    Ok((row.get(1)?, row.get(2)?))
                })?;
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
    context: &mut WriteContext,
    plan: &CachedPlan,
) -> Result<Option<i64>, StoreError> {
    let done: i64 = context.db.read_one(
        "SELECT coalesce(sum(done), 0) FROM counts WHERE plan = ?1",
        [plan.id.0],
        |row| row.get(0),
    )?;
    if let Some((at, known)) = context.unknown_durations.get(&plan.id)
        && done < at.max(&1).saturating_mul(2)
    {
        return Ok(Some(*known));
    }
    let durations: Vec<i64> = context.db.read_all(
        "SELECT h.mean_ms FROM executions e CROSS JOIN history h
           ON h.test = e.test AND h.label_set = e.label_set
         WHERE e.id >= ?1 AND e.id < ?2 ORDER BY h.mean_ms",
        [plan.executions.start, plan.executions.end],
        |row| row.get(0),
    )?;
    let count = i64::try_from(durations.len()).unwrap_or(i64::MAX);
    let rank = (count * UNKNOWN_PERCENTILE + 99) / 100 - 1;
    let at = usize::try_from(rank).ok();
    let Some(known) = at.and_then(|at| durations.get(at)).copied() else {
        return Ok(None);
    };
    context.unknown_durations.insert(plan.id, (done, known));
    Ok(Some(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn open_work_is_read_by_the_index_of_open_executions() {
        let expected =
            "SEARCH executions USING INDEX executions_available (plan=? AND label_set=?)";
        assert_eq!(query_plan(OPEN_WORK, 2), [expected]);
    }
}
