//! Lists beyond the vendor's API: executions, events, the discovery of a plan, the plans of a template.

use std::sync::Arc;

use super::{
    http_error::HttpError,
    parameters::MAX_LIMIT,
    request_parts::{EmptyBody, RequestHead, shortened},
    service_state::ServiceState,
    to_wire,
};
use crate::{
    api::{
        execution_list::{
            EventResponse, ExecutionResponse, PageResponse, StartedPlanEntry, TestRunResponse,
        },
        test_list::PlanTestsResponse,
    },
    model::{ExecutionId, ExecutionState, PlanKind, TestId},
    store::PlanRunQuery,
};

/// The default number of items of a page.
const DEFAULT_LIMIT: u32 = 100;

/// `GET plans/{id}/executions`
pub(super) async fn executions(
    shared: Arc<ServiceState>,
    call: RequestHead,
    _: EmptyBody,
) -> Result<PageResponse<ExecutionResponse>, HttpError> {
    let state = match call.query("state")?.as_deref() {
        None => None,
        Some("open") => Some(ExecutionState::Open),
        Some("reserved") => Some(ExecutionState::Reserved),
        Some("done") => Some(ExecutionState::Done),
        Some(other) => {
            return Err(HttpError::malformed(format!(
                "state={} in the query is invalid: expected open, reserved or done",
                shortened(other)
            )));
        }
    };
    let (plan, after, limit) = (call.id()?, after(&call)?, limit(&call)?);
    let page = shared
        .ask(move |store, now| store.executions(plan, state, after, limit, now))
        .await?;
    Ok(to_wire::page(page, to_wire::execution))
}

/// `GET plans/{id}/events`
pub(super) async fn events(
    shared: Arc<ServiceState>,
    call: RequestHead,
    _: EmptyBody,
) -> Result<PageResponse<EventResponse>, HttpError> {
    let (plan, after, limit) = (call.id()?, after(&call)?, limit(&call)?);
    let page = shared
        .ask(move |store, now| store.events(plan, after, limit, now))
        .await?;
    Ok(to_wire::page(page, to_wire::event))
}

/// `GET tests/{id}/runs`
pub(super) async fn test_runs(
    shared: Arc<ServiceState>,
    call: RequestHead,
    _: EmptyBody,
) -> Result<PageResponse<TestRunResponse>, HttpError> {
    let (test, limit): (TestId, u32) = (call.id()?, limit(&call)?);
    let before: Option<i64> = call.parsed_query("before", "the number of an execution")?;
    let found = shared
        .ask(move |store, now| store.test_runs(test, before.map(ExecutionId), limit, now))
        .await?;
    Ok(to_wire::page(found.runs, to_wire::test_run))
}

/// `GET plans/{id}/discovery`
pub(super) async fn discovery(
    shared: Arc<ServiceState>,
    call: RequestHead,
    _: EmptyBody,
) -> Result<PlanTestsResponse, HttpError> {
    let plan = call.id()?;
    let tests = shared
        .ask(move |store, now| store.plan_tests(plan, now))
        .await?;
    Ok(PlanTestsResponse {
        tests_digest: tests.digest,
        discovery: tests.discovery,
    })
}

/// `GET templates/{id}/plans`
pub(super) async fn plans(
    shared: Arc<ServiceState>,
    call: RequestHead,
    _: EmptyBody,
) -> Result<PageResponse<StartedPlanEntry>, HttpError> {
    let template = call.id()?;
    let found = shared
        .ask(move |store, now| store.plan(template, now))
        .await?;
    if found.kind != PlanKind::Template {
        return Err(HttpError::malformed(format!(
            "{template} is a plan, not a template: plans are started from templates"
        )));
    }
    let query = PlanRunQuery {
        template,
        branch: call.query("branch")?,
        before: call.parsed_query("before", "a whole number")?,
    };
    let limit = limit(&call)?;
    let runs = shared
        .ask(move |store, _| store.plan_runs(query, limit))
        .await?;
    let is_full = u32::try_from(runs.len()).is_ok_and(|count| count == limit);
    let next = runs.last().filter(|_| is_full).map(|last| last.id.0);
    let items = runs.into_iter().map(to_wire::started_plan).collect();
    Ok(PageResponse { items, next })
}

pub(super) fn after(call: &RequestHead) -> Result<i64, HttpError> {
    Ok(call.parsed_query("after", "a whole number")?.unwrap_or(0))
}

pub(super) fn limit(call: &RequestHead) -> Result<u32, HttpError> {
    let expected = format!("a number from 1 to {MAX_LIMIT}");
    let limit = call
        .parsed_query("limit", &expected)?
        .unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) {
        return Ok(limit);
    }
    Err(HttpError::malformed(format!(
        "limit={limit} in the query is invalid: expected {expected}"
    )))
}
