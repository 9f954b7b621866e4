//! A plan beside the one before of its template and branch.

use super::{
    http_error::HttpError, label_sets::systems, plan_reader::selection, service_state::ServiceState,
};
use crate::{
    model::PlanId,
    pages::PlanComparison,
    store::{PlanRun, PlanRunQuery, RunCell},
    trend::Comparison,
};

/// The largest plan that is compared, in executions.
const MOST: u64 = 50_000;
/// Plans that are looked at for one that ended.
const LOOKED_AT: u32 = 10;

/// What differs from the plan before; nothing if there is none that ended, or one of both is too large.
pub(super) async fn comparison(
    shared: &ServiceState,
    plan: PlanId,
) -> Result<Option<PlanComparison>, HttpError> {
    let run = shared
        .ask_for_waiting(move |store, _| store.plan_run(plan))
        .await?;
    if run.size > MOST {
        return Ok(None);
    }
    let is_selected = selection(shared, plan).await?.is_some();
    let Some(before) = before(shared, &run, is_selected).await? else {
        return Ok(None);
    };
    let common_only = is_selected || selection(shared, before.id).await?.is_some();
    let (earlier, now) = (cells(shared, &before).await?, cells(shared, &run).await?);
    let comparison = Comparison::of(&earlier, &now);
    let comparison = if common_only {
        comparison.of_common_tests()
    } else {
        comparison
    };
    let (mut tests, mut sets) = (Vec::new(), Vec::new());
    for change in PlanComparison::shown(&comparison) {
        tests.push(change.test);
        sets.push(change.label_set);
    }
    let names = shared
        .ask_for_waiting(move |store, _| store.test_names(tests))
        .await?;
    let systems = systems(shared, sets).await?;
    let page = PlanComparison::of(before, &comparison, &names, &systems);
    Ok(Some(PlanComparison {
        common_only,
        ..page
    }))
}

/// The newest plan before it that ended: of its branch, or else of any. A plan of all tests is compared with another one, if there
/// is one.
async fn before(
    shared: &ServiceState,
    run: &PlanRun,
    is_selection: bool,
) -> Result<Option<PlanRun>, HttpError> {
    let Some(template) = run.template else {
        return Ok(None);
    };
    for branch in [Some(run.origin.branch.clone()), None] {
        let query = PlanRunQuery {
            template,
            branch,
            before: Some(run.id),
        };
        let found = shared
            .ask_for_waiting(move |store, _| store.plan_runs(query, LOOKED_AT))
            .await?;
        let is_comparable = |it: &PlanRun| it.is_over && it.size > 0 && it.size <= MOST;
        let ended: Vec<PlanRun> = found.into_iter().filter(is_comparable).collect();
        let mut chosen = 0;
        if !is_selection {
            for (place, it) in ended.iter().enumerate() {
                if selection(shared, it.id).await?.is_none() {
                    chosen = place;
                    break;
                }
            }
        }
        if let Some(before) = ended.into_iter().nth(chosen) {
            return Ok(Some(before));
        }
    }
    Ok(None)
}

async fn cells(shared: &ServiceState, run: &PlanRun) -> Result<Vec<RunCell>, HttpError> {
    let plan = run.id;
    let limit = u32::try_from(run.size).unwrap_or(u32::MAX);
    shared
        .ask_for_waiting(move |store, now| store.run_cells(plan, limit, now))
        .await
}
