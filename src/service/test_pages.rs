//! The pages about tests over time.

use axum::response::Response;

use super::{
    http_error::HttpError, label_sets::systems, page_handlers::answer, page_request::PageRequest,
    request_parts::shortened, service_state::ServiceState,
};
use crate::{
    model::{ExecutionId, PlanId, TestId},
    pages::{
        ShownTests, TemplateChoice, TestInput, TestListPage, TestListQuery, TestOrder, TestPage,
        choose_tests, listed_test,
    },
    store::{PlanRun, PlanRunQuery},
    trend::{self, PlanCells},
};

/// Runs of a page of a test.
const RUNS: u32 = 400;
/// Plans of the list of tests.
const PLANS: u32 = 20;
/// Executions of all of these plans together.
const MAX_CELLS: usize = 200_000;
/// Templates to choose from.
const TEMPLATES: u32 = 500;
/// Branches to choose from.
const BRANCHES: u32 = 50;

type Answer = Result<Response, HttpError>;

/// `GET /tests/{id}`
pub(super) async fn test(shared: &ServiceState, request: &PageRequest) -> Answer {
    let test: TestId = request.id(0)?;
    let before: Option<i64> = request
        .head
        .parsed_query("before", "the number of an execution")?;
    let branch = request.head.query("branch")?;
    let found = shared
        .ask_for_waiting(move |store, now| {
            store.test_runs(test, before.map(ExecutionId), RUNS, now)
        })
        .await?;
    let page = TestPage::of(TestInput {
        server_dt: shared.clock.now().0,
        test: found.test,
        branch: branch.filter(|branch| !branch.is_empty()),
        runs: found.runs.items,
        next: found.runs.next,
        is_later_page: before.is_some(),
    });
    Ok(answer(request, &page, |site| page.html(site)))
}

/// `GET /tests`
pub(super) async fn tests(shared: &ServiceState, request: &PageRequest) -> Answer {
    let mut query = asked(request)?;
    let templates = shared
        .ask_for_waiting(|store, _| store.templates(TEMPLATES))
        .await?;
    if query.template.is_none() {
        query.template = newest_template(shared).await?;
    }
    let template = query.template.or_else(|| Some(templates.first()?.id));
    query.template = template;
    let mut branches = Vec::new();
    let mut plans = Vec::new();
    if let Some(template) = template {
        branches = shared
            .ask_for_waiting(move |store, _| store.branches(template, BRANCHES))
            .await?;
        plans = cells(shared, template, query.branch.clone()).await?;
    }
    let plan_ids = plans.iter().map(|plan| plan.run.id).collect();
    let tests = trend::overview(&plans);
    drop(plans);
    let mut names = Vec::new();
    if query.needs_names() {
        let ids = tests.iter().map(|test| test.test_id).collect();
        names = shared
            .ask_for_waiting(move |store, _| store.test_names(ids))
            .await?;
    }
    let chosen = choose_tests(&query, tests, &names);
    if !query.needs_names() {
        let ids = chosen.shown.iter().map(|test| test.test_id).collect();
        names = shared
            .ask_for_waiting(move |store, _| store.test_names(ids))
            .await?;
    }
    let sets = chosen.shown.iter().map(|test| test.label_set);
    let systems = systems(shared, sets.collect()).await?;
    let shown = chosen.shown.into_iter();
    let page = TestListPage {
        server_dt: shared.clock.now().0,
        templates: templates
            .into_iter()
            .map(|template| TemplateChoice {
                template_id: template.id,
                project: template.project,
                title: template.title,
            })
            .collect(),
        branches: branches.into_iter().map(|run| run.origin.branch).collect(),
        plans: plan_ids,
        all: chosen.all,
        failing: chosen.failing,
        flaky: chosen.flaky,
        listed: chosen.listed,
        tests: shown
            .map(|test| listed_test(test, &names, &systems))
            .collect(),
        query,
    };
    Ok(answer(request, &page, |site| page.html(site)))
}

/// What the address asks for.
fn asked(request: &PageRequest) -> Result<TestListQuery, HttpError> {
    let head = &request.head;
    let template: Option<i64> = head.parsed_query("template", "the number of a template")?;
    let branch = head.query("branch")?;
    Ok(TestListQuery {
        template: template.map(PlanId),
        branch: branch.filter(|branch| !branch.is_empty()),
        show: choice(head.query("show")?, "show", &ShownTests::EACH)?,
        sort: choice(head.query("sort")?, "sort", &TestOrder::EACH)?,
        find: head.query("find")?.unwrap_or_default(),
        skip: head.parsed_query("skip", "a number of tests")?.unwrap_or(0),
    })
}

/// The value of a word; the default if there is none.
fn choice<T: Copy + Default>(
    word: Option<String>,
    name: &str,
    known: &[(T, &str)],
) -> Result<T, HttpError> {
    let Some(word) = word else {
        return Ok(T::default());
    };
    let found = known.iter().find(|(_, it)| *it == word);
    found.map(|(value, _)| *value).ok_or_else(|| {
        let words: Vec<&str> = known.iter().map(|(_, word)| *word).collect();
        HttpError::malformed(format!(
            "{name}={} in the address is invalid: expected {}",
            shortened(&word),
            words.join(", ")
        ))
    })
}

/// The template of the newest plan.
async fn newest_template(shared: &ServiceState) -> Result<Option<PlanId>, HttpError> {
    let newest = shared
        .ask_for_waiting(|store, now| store.recent_plans(None, 1, now))
        .await?;
    Ok(newest.items.first().and_then(|plan| plan.template))
}

/// The last plans of a template with how each of their executions stands; fewer plans if they are large.
async fn cells(
    shared: &ServiceState,
    template: PlanId,
    branch: Option<String>,
) -> Result<Vec<PlanCells>, HttpError> {
    let query = PlanRunQuery {
        template,
        branch,
        before: None,
    };
    let runs: Vec<PlanRun> = shared
        .ask_for_waiting(move |store, _| store.plan_runs(query, PLANS))
        .await?;
    let mut left = MAX_CELLS;
    let mut plans = Vec::new();
    for run in runs {
        let size = usize::try_from(run.size).unwrap_or(usize::MAX);
        if size > left && !plans.is_empty() {
            break;
        }
        let (plan, limit) = (run.id, u32::try_from(left).unwrap_or(u32::MAX));
        let cells = shared
            .ask_for_waiting(move |store, now| store.run_cells(plan, limit, now))
            .await?;
        left = left.saturating_sub(cells.len());
        plans.push(PlanCells { run, cells });
    }
    Ok(plans)
}
