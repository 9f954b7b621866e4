//! Plans: look-up, start and status.

use std::sync::Arc;

use super::{
    http_error::HttpError,
    long_poll::WaitingStatus,
    request_parts::{EmptyBody, Object, RequestHead, capabilities, shortened},
    service_state::ServiceState,
    to_wire,
};
use crate::{
    api::plan::{ExecutePlanRequest, PlanResponse, StartedPlanResponse, StatusResponse},
    model::{
        Capability, DiscoveryAccount, PlanId, PlanKind, PlanOrigin, Timestamp,
        discovery::MAX_NAMED, plan::LinkedRepository,
    },
    store::{ExecutePlan, PlanQuery, RequestedTests},
};

/// `GET testplans`
pub(super) async fn find(
    shared: Arc<ServiceState>,
    call: RequestHead,
    _: EmptyBody,
) -> Result<PlanResponse, HttpError> {
    let kind = match call.required_query("type")?.as_str() {
        "template" => PlanKind::Template,
        "instance" => PlanKind::Instance,
        other => {
            return Err(HttpError::malformed(format!(
                "type={} in the query is invalid: expected template or instance",
                shortened(other)
            )));
        }
    };
    let query = PlanQuery {
        project: call.required_query("project")?,
        title: call.required_query("title")?,
        kind,
    };
    let plan = shared
        .ask(move |store, now| store.find_plan(query, now))
        .await
        .map_err(HttpError::of_look_up)?;
    Ok(shared.plan_on_wire(plan))
}

/// `GET testplans/{id}`
pub(super) async fn get(
    shared: Arc<ServiceState>,
    call: RequestHead,
    _: EmptyBody,
) -> Result<PlanResponse, HttpError> {
    let id = call.id()?;
    let plan = shared.ask(move |store, now| store.plan(id, now)).await?;
    Ok(shared.plan_on_wire(plan))
}

/// `POST executeplan`
pub(super) async fn execute(
    shared: Arc<ServiceState>,
    call: RequestHead,
    Object(body): Object<ExecutePlanRequest>,
) -> Result<StartedPlanResponse, HttpError> {
    for (member, text) in [("title", &body.title), ("batch", &body.batch)] {
        if text.trim().is_empty() {
            return Err(HttpError::malformed(format!(
                "{member} is empty: expected a text"
            )));
        }
    }
    if body.time.is_some_and(|time| time < 0) {
        return Err(HttpError::malformed(
            "time is negative: expected milliseconds since 1970",
        ));
    }
    if let Some(account) = &body.discovery {
        check_account(account)?;
    }
    check_origin(&body.origin)?;
    let tests = body.tests.map(|tests| RequestedTests {
        digest: tests.digest,
        list: tests
            .list
            .map(|list| list.into_iter().map(Into::into).collect()),
    });
    let tests_digest = tests.as_ref().map(|tests| tests.digest);
    let repositories = body.linked_repos.into_iter();
    let request = ExecutePlan {
        template: body.template_id,
        title: body.title,
        batch: body.batch,
        planned: body.time.map(Timestamp),
        repositories: repositories
            .map(|repository| LinkedRepository {
                id: repository.id,
                branch: repository.branch,
            })
            .collect(),
        tests,
        discovery: body.discovery,
        origin: body.origin,
        key: call.idempotency_key()?,
        principal: call.principal,
    };
    let plan = shared
        .ask(move |store, now| store.execute_plan(request, now))
        .await?;
    Ok(StartedPlanResponse {
        plan: shared.plan_on_wire(plan),
        tests_digest,
    })
}

/// Most characters of what a plan tests; a text that is longer is no branch, name or address.
const MAX_ORIGIN: usize = 1_000;

/// What a plan tests is shown on pages, so its texts are limited.
fn check_origin(origin: &PlanOrigin) -> Result<(), HttpError> {
    for (member, text) in origin.texts() {
        if text.chars().count() > MAX_ORIGIN || text.contains('\0') {
            return Err(HttpError::malformed(format!(
                "origin.{member} has a NUL or more than {MAX_ORIGIN} characters"
            )));
        }
    }
    Ok(())
}

/// Most bytes of an account as JSON.
const MAX_ACCOUNT: usize = 1024 * 1024;

/// An account is stored with its plan, so its size is limited.
fn check_account(account: &DiscoveryAccount) -> Result<(), HttpError> {
    for (member, count) in [
        ("left_out", account.left_out.len()),
        ("duplicates", account.duplicates.len()),
    ] {
        if count > MAX_NAMED {
            return Err(HttpError::malformed(format!(
                "discovery.{member} has {count} entries: expected at most {MAX_NAMED}"
            )));
        }
    }
    let size = serde_json::to_vec(account).map_or(usize::MAX, |json| json.len());
    if size > MAX_ACCOUNT {
        return Err(HttpError::malformed(format!(
            "discovery has {size} bytes: expected at most {MAX_ACCOUNT}"
        )));
    }
    Ok(())
}

/// `GET status/{plan}`; a waiting client is answered when the counts change or the plan is done.
pub(super) async fn status(
    shared: Arc<ServiceState>,
    call: RequestHead,
    _: EmptyBody,
) -> Result<StatusResponse, HttpError> {
    let plan: PlanId = call.id()?;
    let pairs = call.pairs()?.into_iter();
    let pairs = pairs.map(|(key, value)| Capability { key, value });
    let filter = capabilities("the query", pairs.collect())?;
    let wait = call.wait(shared.limits.wait);
    if wait.is_zero() {
        let counts = shared
            .ask(move |store, now| store.status(plan, filter, now))
            .await?;
        return Ok(to_wire::status(counts));
    }
    if shared.is_stopping() {
        // An answer at once would be followed by the same question.
        return Err(HttpError::Stopping);
    }
    let mut waiting = WaitingStatus::join(&shared, plan, filter.clone(), wait);
    let mut counts = shared
        .ask_for_waiting(move |store, now| store.status(plan, filter, now))
        .await?;
    if !counts.is_drained() {
        counts = waiting.other_than(counts).await.unwrap_or(counts);
    }
    Ok(to_wire::status(counts))
}
