//! Our lists of what the vendor's API has no endpoint for.

use std::sync::Arc;

use super::{
    convert,
    failure::Failure,
    parameters::MAX_LIMIT,
    request::{Call, NoBody, shortened},
    shared::Shared,
};
use crate::{
    api::{
        listing::{EventResponse, ExecutionResponse, PageResponse},
        test_list::PlanTestsResponse,
    },
    model::ExecutionState,
};

/// How many items a part has when the request does not say.
const DEFAULT_LIMIT: u32 = 100;

/// `GET plans/{id}/executions`
pub(super) async fn executions(
    shared: Arc<Shared>,
    call: Call,
    _: NoBody,
) -> Result<PageResponse<ExecutionResponse>, Failure> {
    let state = match call.query("state")?.as_deref() {
        None => None,
        Some("open") => Some(ExecutionState::Open),
        Some("reserved") => Some(ExecutionState::Reserved),
        Some("done") => Some(ExecutionState::Done),
        Some(other) => {
            return Err(Failure::malformed(format!(
                "state={} in the query does not fit: expected open, reserved or done",
                shortened(other)
            )));
        }
    };
    let (plan, after, limit) = (call.id()?, after(&call)?, limit(&call)?);
    let page = shared
        .ask(move |store, now| store.executions(plan, state, after, limit, now))
        .await?;
    Ok(convert::page(page, convert::execution))
}

/// `GET plans/{id}/events`
pub(super) async fn events(
    shared: Arc<Shared>,
    call: Call,
    _: NoBody,
) -> Result<PageResponse<EventResponse>, Failure> {
    let (plan, after, limit) = (call.id()?, after(&call)?, limit(&call)?);
    let page = shared
        .ask(move |store, now| store.events(plan, after, limit, now))
        .await?;
    Ok(convert::page(page, convert::event))
}

/// `GET plans/{id}/discovery`
pub(super) async fn discovery(
    shared: Arc<Shared>,
    call: Call,
    _: NoBody,
) -> Result<PlanTestsResponse, Failure> {
    let plan = call.id()?;
    let tests = shared
        .ask(move |store, now| store.plan_tests(plan, now))
        .await?;
    Ok(PlanTestsResponse {
        tests_digest: tests.digest,
        discovery: tests.discovery,
    })
}

pub(super) fn after(call: &Call) -> Result<i64, Failure> {
    Ok(call.typed("after", "a whole number")?.unwrap_or(0))
}

pub(super) fn limit(call: &Call) -> Result<u32, Failure> {
    let expected = format!("a number from 1 to {MAX_LIMIT}");
    let limit = call.typed("limit", &expected)?.unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) {
        return Ok(limit);
    }
    Err(Failure::malformed(format!(
        "limit={limit} in the query does not fit: expected {expected}"
    )))
}
