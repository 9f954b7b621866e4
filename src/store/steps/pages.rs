//! Reads that change nothing: status and lists.

use super::plans;
use crate::{
    model::{Capabilities, Execution, ExecutionState, LabelCase, PlanId, PlanStatus, Timestamp},
    store::{Event, Import, Page, StoreError, protocol::request_limits::MAX_PAGE, rows::Reads},
};

/// Adds up the counters of a plan. Reads one row per label set, not per execution.
pub(in crate::store) fn status(
    rows: &mut dyn Reads,
    plan: PlanId,
    filter: &Capabilities,
    case: LabelCase,
    now: Timestamp,
) -> Result<PlanStatus, StoreError> {
    plans::check_started(rows, plan)?;
    let counts = rows.counters(plan, now)?;
    if filter.is_empty() {
        return Ok(counts.into_iter().map(|(_, status)| status).sum());
    }
    let mut matching = Vec::new();
    for (set, status) in counts {
        if rows.label_set(set)?.covers(filter, case) {
            matching.push(status);
        }
    }
    Ok(matching.into_iter().sum())
}

/// A page of a plan's executions; states as of `now`.
pub(in crate::store) fn executions(
    rows: &mut dyn Reads,
    plan: PlanId,
    state: Option<ExecutionState>,
    (after, limit): (i64, u32),
    now: Timestamp,
) -> Result<Page<Execution>, StoreError> {
    plans::check_started(rows, plan)?;
    let limit = limit.clamp(1, MAX_PAGE);
    let items = rows.executions(plan, state, (after, limit + 1), now)?;
    Ok(page(items, limit, |execution| execution.id.0))
}

/// A page of a plan's history.
pub(in crate::store) fn events(
    rows: &mut dyn Reads,
    plan: PlanId,
    after: i64,
    limit: u32,
) -> Result<Page<Event>, StoreError> {
    plans::check_started(rows, plan)?;
    let limit = limit.clamp(1, MAX_PAGE);
    let items = rows.events(plan, (after, limit + 1))?;
    Ok(page(items, limit, |event| event.id))
}

/// A page of imports, of one project or batch if requested.
pub(in crate::store) fn imports(
    rows: &mut dyn Reads,
    project: Option<&str>,
    batch: Option<&str>,
    (after, limit): (i64, u32),
) -> Result<Page<Import>, StoreError> {
    let limit = limit.clamp(1, MAX_PAGE);
    let items = rows.imports(project, batch, (after, limit + 1))?;
    Ok(page(items, limit, |import| import.id))
}

/// Makes a page of rows that were read with one more than `limit`.
fn page<T>(mut items: Vec<T>, limit: u32, number: impl Fn(&T) -> i64) -> Page<T> {
    let limit = limit as usize;
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(number);
    Page { items, next }
}
