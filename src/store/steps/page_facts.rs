//! Reads for pages.

use super::plans;
use crate::{
    model::{Capabilities, Execution, ExecutionId, ExecutionState, PlanId, Timestamp},
    store::{
        ChangedExecutions, ExecutionFilter, ExecutionHistory, OpenWork, Page, PlanDetail,
        PlanOverview, RefusalCode, RemainingWork, RunningExecution, StoreError, WorkerResults,
        protocol::{not_found::unknown_plan, refuse, request_limits::MAX_PAGE},
        rows::PageReads,
        values::{number, span},
    },
};

/// Started plans, newest first.
pub(in crate::store) fn recent_plans(
    rows: &mut dyn PageReads,
    before: Option<PlanId>,
    limit: u32,
    now: Timestamp,
) -> Result<Page<PlanOverview>, StoreError> {
    let limit = limit.clamp(1, MAX_PAGE);
    let before = before.map_or(i64::MAX, |plan| plan.0);
    let mut items = rows.plans_before((before, limit + 1), now)?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    for overview in &mut items {
        judge(rows, overview)?;
    }
    let next = items.last().filter(|_| more).map(|last| last.plan.id.0);
    Ok(Page { items, next })
}

/// A plan with its counts by required capabilities.
pub(in crate::store) fn plan_detail(
    rows: &mut dyn PageReads,
    plan: PlanId,
    now: Timestamp,
) -> Result<PlanDetail, StoreError> {
    plans::check_started(rows, plan)?;
    let mut found = rows.plans_before((plan.0.saturating_add(1), 1), now)?;
    let mut overview = found.pop().ok_or_else(|| unknown_plan(plan))?;
    let unjudged = judge(rows, &mut overview)?;
    let mut capabilities = rows.capability_counts(plan, now)?;
    for counts in &mut capabilities {
        let of_set = unjudged.iter().find(|(set, _)| *set == counts.required);
        counts.unjudged = of_set.map_or(0, |(_, many)| *many);
    }
    capabilities.sort_by(|a, b| a.required.cmp(&b.required));
    Ok(PlanDetail {
        overview,
        capabilities,
    })
}

/// Counts the ends without a verdict, if there are any; returns them by the capabilities that are required.
fn judge(
    rows: &mut dyn PageReads,
    overview: &mut PlanOverview,
) -> Result<Vec<(Capabilities, u64)>, StoreError> {
    if overview.could_not_run() == 0 {
        return Ok(Vec::new());
    }
    let unjudged = rows.unjudged(overview.plan.id)?;
    overview.unjudged = unjudged.iter().map(|(_, many)| many).sum();
    Ok(unjudged)
}

/// The executions under a lease, by worker.
pub(in crate::store) fn running(
    rows: &mut dyn PageReads,
    plan: PlanId,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<RunningExecution>, StoreError> {
    plans::check_started(rows, plan)?;
    rows.running(plan, limit, now)
}

/// The executions that a filter wants.
pub(in crate::store) fn filtered(
    rows: &mut dyn PageReads,
    plan: PlanId,
    filter: ExecutionFilter,
    (after, limit): (i64, u32),
    now: Timestamp,
) -> Result<Page<Execution>, StoreError> {
    plans::check_started(rows, plan)?;
    let limit = limit.clamp(1, MAX_PAGE);
    let page = (after, limit + 1);
    let mut items = match filter {
        ExecutionFilter::All => rows.executions(plan, None, page, now)?,
        ExecutionFilter::Open => rows.executions(plan, Some(ExecutionState::Open), page, now)?,
        ExecutionFilter::Running => rows.reserved_executions(plan, page, now)?,
        ExecutionFilter::Passed => rows.passed_executions(plan, page, now)?,
        ExecutionFilter::Failed
        | ExecutionFilter::CouldNotRun
        | ExecutionFilter::NoVerdict
        | ExecutionFilter::Flaky
        | ExecutionFilter::Skipped => rows.notable_executions(plan, filter, page, now)?,
    };
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|last| last.id.0);
    Ok(Page { items, next })
}

/// An execution of a plan with its last events.
pub(in crate::store) fn history(
    rows: &mut dyn PageReads,
    plan: PlanId,
    execution: ExecutionId,
    limit: u32,
    now: Timestamp,
) -> Result<ExecutionHistory, StoreError> {
    plans::check_started(rows, plan)?;
    let page = (execution.0.saturating_sub(1), 1);
    let found = rows.executions(plan, None, page, now)?.pop();
    let Some(found) = found.filter(|found| found.id == execution) else {
        return Err(refuse(
            RefusalCode::Unknown,
            format!("plan {plan} has no execution {execution}. Open the plan for its executions."),
        ));
    };
    let limit = limit.clamp(1, MAX_PAGE);
    let mut events = rows.events_of_execution(plan, execution, limit + 1)?;
    let is_cut = events.len() > limit as usize;
    events.truncate(limit as usize);
    events.reverse();
    Ok(ExecutionHistory {
        execution: found,
        events,
        is_cut,
    })
}

/// The executions that changed after an event.
pub(in crate::store) fn changed(
    rows: &mut dyn PageReads,
    plan: PlanId,
    after: i64,
    limit: u32,
    now: Timestamp,
) -> Result<ChangedExecutions, StoreError> {
    plans::check_started(rows, plan)?;
    let limit = limit.clamp(1, MAX_PAGE);
    let mut ids = rows.changed_since(plan, after, limit + 1)?;
    let is_complete = ids.len() <= limit as usize;
    ids.sort_unstable();
    ids.dedup();
    let executions = if is_complete {
        rows.executions_by_id(plan, &ids, now)?
    } else {
        Vec::new()
    };
    Ok(ChangedExecutions {
        executions,
        is_complete,
    })
}

/// The open executions, and how long the newest results took.
pub(in crate::store) fn remaining_work(
    rows: &mut dyn PageReads,
    plan: PlanId,
    (longest, results): (u32, u32),
    now: Timestamp,
) -> Result<RemainingWork, StoreError> {
    plans::check_started(rows, plan)?;
    let mut open = Vec::new();
    for (set, counts) in rows.counters(plan, now)? {
        if counts.open > 0 {
            let (known, total) = rows.known_open(plan, set)?;
            let longest = rows.longest_open(plan, set, longest.clamp(1, MAX_PAGE))?;
            open.push(OpenWork {
                required: rows.label_set(set)?,
                longest: longest.into_iter().map(span).collect(),
                known: number(known),
                total: span(total),
            });
        }
    }
    Ok(RemainingWork {
        open,
        results: rows.newest_results(plan, results.clamp(1, MAX_PAGE))?,
    })
}

/// The ended executions of a plan by worker.
pub(in crate::store) fn worker_results(
    rows: &mut dyn PageReads,
    plan: PlanId,
    limit: u32,
) -> Result<Vec<WorkerResults>, StoreError> {
    plans::check_started(rows, plan)?;
    rows.worker_results(plan, limit.clamp(1, MAX_PAGE))
}
