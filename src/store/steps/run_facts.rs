//! Reads of tests over time.

use super::plans;
use crate::{
    model::{Capabilities, ExecutionId, Plan, PlanId, TestId, Timestamp},
    store::{
        KnownTest, Page, PlanRun, RefusalCode, RunCell, StoreError, TestRuns,
        protocol::{not_found::unknown_plan, refuse, request_limits::MAX_PAGE},
        rows::PageReads,
    },
};

/// Most executions of one plan that are read at once.
pub(in crate::store) const MAX_CELLS: u32 = 200_000;

/// The runs of a test, newest first.
pub(in crate::store) fn test_runs(
    rows: &mut dyn PageReads,
    test: TestId,
    (before, limit): (Option<ExecutionId>, u32),
    now: Timestamp,
) -> Result<TestRuns, StoreError> {
    let known = rows.tests_by_id(&[test.0])?.pop();
    let Some(known) = known else {
        return Err(refuse(
            RefusalCode::Unknown,
            format!("there is no test {test}. Open the list of tests."),
        ));
    };
    let limit = limit.clamp(1, MAX_PAGE);
    let before = before.unwrap_or(ExecutionId(i64::MAX));
    let mut items = rows.runs_of_test(test, (before, limit + 1), now)?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|last| last.execution.0);
    Ok(TestRuns {
        test: known,
        runs: Page { items, next },
    })
}

/// The names of tests, in the order of their numbers.
pub(in crate::store) fn test_names(
    rows: &mut dyn PageReads,
    tests: &[TestId],
) -> Result<Vec<KnownTest>, StoreError> {
    let ids: Vec<i64> = tests.iter().map(|test| test.0).collect();
    let mut found = rows.tests_by_id(&ids)?;
    found.sort_unstable_by_key(|known| known.id.0);
    Ok(found)
}

/// A started plan.
pub(in crate::store) fn plan_run(
    rows: &mut dyn PageReads,
    plan: PlanId,
) -> Result<PlanRun, StoreError> {
    plans::check_started(rows, plan)?;
    rows.plan_run(plan)?.ok_or_else(|| unknown_plan(plan))
}

/// Templates that are not hidden.
pub(in crate::store) fn templates(
    rows: &mut dyn PageReads,
    limit: u32,
) -> Result<Vec<Plan>, StoreError> {
    let mut found = Vec::new();
    for id in rows.visible_templates(limit.clamp(1, MAX_PAGE))? {
        found.extend(rows.plan_as_started(id)?);
    }
    Ok(found)
}

/// How each execution of a plan stands.
pub(in crate::store) fn run_cells(
    rows: &mut dyn PageReads,
    plan: PlanId,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<RunCell>, StoreError> {
    plans::check_started(rows, plan)?;
    rows.run_cells(plan, limit.clamp(1, MAX_CELLS), now)
}

/// The capabilities of sets of labels.
pub(in crate::store) fn label_sets(
    rows: &mut dyn PageReads,
    sets: &[i64],
) -> Result<Vec<Capabilities>, StoreError> {
    sets.iter().map(|set| rows.label_set(*set)).collect()
}
