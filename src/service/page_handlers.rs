//! What each page reads.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use super::{
    http_error::HttpError,
    json_response, live_streams,
    page_request::PageRequest,
    page_response, plan_before,
    plan_reader::{self, PlanReader},
    request_parts::shortened,
    service_state::ServiceState,
    to_page, to_wire,
};
use crate::{
    api::actions::ActionResponse,
    clock,
    model::{ExecutionId, PlanId, millis},
    pages::{AuditPage, ExecutionPage, HealthPage, ListedState, PlanListPage, ServerPage, Site},
    trend,
};

/// Plans of a page of the list.
const PLANS: u32 = 50;
/// Tests of a page of a plan.
const TESTS: u32 = 100;
/// Runs of a test that an execution of it is shown beside.
const EARLIER_RUNS: u32 = 100;
/// Actions of a page of the list.
const ACTIONS: u32 = 50;
/// Events of an execution's page.
const EVENTS: u32 = 500;

type Answer = Result<Response, HttpError>;

/// The page, or the same as JSON.
pub(super) fn answer(
    request: &PageRequest,
    content: &impl Serialize,
    html: impl FnOnce(&Site) -> Vec<u8>,
) -> Response {
    if request.wants_json {
        json_response::json(StatusCode::OK, content)
    } else {
        page_response::html(StatusCode::OK, html(&request.site))
    }
}

/// `GET /`
pub(super) async fn plans(shared: &ServiceState, request: &PageRequest) -> Answer {
    let before: Option<i64> = request
        .head
        .parsed_query("before", "the number of a plan")?;
    let found = shared
        .ask_for_waiting(move |store, now| store.recent_plans(before.map(PlanId), PLANS, now))
        .await?;
    let now = shared.clock.now();
    let plans = found.items.into_iter();
    let page = PlanListPage {
        server_dt: now.0,
        plans: plans.map(|plan| to_page::summary(plan, now)).collect(),
        next: found.next.map(PlanId),
        is_later_page: before.is_some(),
    };
    Ok(answer(request, &page, |site| page.html(site)))
}

/// `GET /plans/{id}`
pub(super) async fn plan(shared: &ServiceState, request: &PageRequest) -> Answer {
    let plan: PlanId = request.id(0)?;
    let word = request.head.query("state")?;
    let state = match word.as_deref() {
        None => ListedState::All,
        Some(word) => ListedState::of_word(word).ok_or_else(|| {
            HttpError::malformed(format!(
                "state={} in the address is invalid: expected {}",
                shortened(word),
                ListedState::words()
            ))
        })?,
    };
    let after = request
        .head
        .parsed_query("after", "the number of an execution")?
        .unwrap_or(0);
    let executions = plan_reader::listed(shared, plan, state, (after, TESTS)).await?;
    let comparison = plan_before::comparison(shared, plan).await?;
    let mut page = PlanReader::new(plan)
        .page(shared, executions, comparison)
        .await?;
    page.done = done(shared, request, &format!("plan {plan}")).await?;
    Ok(answer(request, &page, |site| page.html(site)))
}

/// `GET /plans/{id}/live`
pub(super) async fn live(shared: &Arc<ServiceState>, request: &PageRequest) -> Answer {
    let plan: PlanId = request.id(0)?;
    let resumed = request.head.headers.get("last-event-id");
    let resumed = resumed.and_then(|value| value.to_str().ok()?.parse().ok());
    let after = match resumed {
        Some(after) => after,
        None => request
            .head
            .parsed_query("after", "the number of an event")?
            .unwrap_or(0),
    };
    let stream = live_streams::stream_of(shared, &request.site, plan, after).await?;
    Ok(page_response::events(stream))
}

/// `GET /plans/{id}/executions/{execution}`
pub(super) async fn execution(shared: &ServiceState, request: &PageRequest) -> Answer {
    let plan: PlanId = request.id(0)?;
    let execution: ExecutionId = request.id(1)?;
    let found = shared
        .ask_for_waiting(move |store, now| store.execution_history(plan, execution, EVENTS, now))
        .await?;
    let of = shared
        .ask_for_waiting(move |store, now| store.plan(plan, now))
        .await?;
    let test = found.execution.test_id;
    let runs = shared
        .ask_for_waiting(move |store, now| store.test_runs(test, None, EARLIER_RUNS, now))
        .await?;
    let jobs = shared
        .ask_for_waiting(move |store, _| store.worker_jobs(plan, plan_reader::MAX_JOBS))
        .await?;
    let details = match &found.execution.outcome {
        Some(crate::model::Outcome::ExecutionError { details, .. }) => details.clone(),
        _ => String::new(),
    };
    let page = ExecutionPage {
        server_dt: shared.clock.now().0,
        plan_id: plan,
        plan_title: of.title,
        details,
        trend: trend::trends(&runs.runs.items)
            .into_iter()
            .find(|trend| trend.system == found.execution.required.to_string()),
        attempts: Vec::new(),
        events: found.events.into_iter().map(to_wire::event).collect(),
        is_cut: found.is_cut,
        execution: to_wire::execution(found.execution),
        done: done(
            shared,
            request,
            &format!("execution {execution} of plan {plan}"),
        )
        .await?,
    }
    .with_attempts(&jobs);
    Ok(answer(request, &page, |site| page.html(site)))
}

/// `GET /servers`
pub(super) async fn servers(shared: &ServiceState, request: &PageRequest) -> Answer {
    let found = shared
        .ask_for_waiting(|store, now| store.squish_servers(now))
        .await?;
    let page = ServerPage {
        server_dt: shared.clock.now().0,
        squish_servers: found.into_iter().map(Into::into).collect(),
        done: done(shared, request, "Squish server ").await?,
    };
    Ok(answer(request, &page, |site| page.html(site)))
}

/// The action that the address names, if it was done to what the page is about: a page tells only what the list has.
async fn done(
    shared: &ServiceState,
    request: &PageRequest,
    subject: &str,
) -> Result<Option<ActionResponse>, HttpError> {
    let number: Option<i64> = request
        .head
        .parsed_query("done", "the number of an action")?;
    let Some(number) = number else {
        return Ok(None);
    };
    let before = Some(number.saturating_add(1));
    let found = shared
        .ask_for_waiting(move |store, now| store.actions(before, 1, now))
        .await?;
    let mut found = found.items.into_iter().map(to_wire::action);
    let is_of_page = |it: &ActionResponse| {
        it.id == number
            && (it.subject == subject || subject.ends_with(' ') && it.subject.starts_with(subject))
    };
    Ok(found.find(is_of_page))
}

/// `GET /audit`
pub(super) async fn audit(shared: &ServiceState, request: &PageRequest) -> Answer {
    let before: Option<i64> = request
        .head
        .parsed_query("before", "the number of an action")?;
    let found = shared
        .ask_for_waiting(move |store, now| store.actions(before, ACTIONS, now))
        .await?;
    let page = AuditPage {
        server_dt: shared.clock.now().0,
        actions: found.items.into_iter().map(to_wire::action).collect(),
        next: found.next,
        is_later_page: before.is_some(),
    };
    Ok(answer(request, &page, |site| page.html(site)))
}

/// `GET /health`
pub(super) fn health(shared: &ServiceState, request: &PageRequest) -> Response {
    let now = shared.clock.now();
    let (streams, most_streams) = shared.live_pages.streams();
    let page = HealthPage {
        server_dt: now.0,
        version: json_response::VERSION.to_owned(),
        uptime_ms: millis(clock::timer().saturating_duration_since(shared.started)),
        fault: shared.fault().map(HttpError::message),
        stopping: shared.is_leaving(),
        replicas: shared.store().has_replicas(),
        workers: shared.live_workers.count_all(now),
        streams,
        most_streams,
    };
    answer(request, &page, |site| page.html(site))
}
