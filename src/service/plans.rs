//! Plans: look-up, start and status.

use std::sync::Arc;

use super::{
    convert,
    failure::Failure,
    poll::LongPoll,
    request::{Call, NoBody, Object, capabilities, shortened},
    shared::Shared,
};
use crate::{
    api::{
        plan::{ExecutePlanRequest, PlanResponse, StatusResponse},
        test_list::StartedPlanResponse,
    },
    model::{
        Capability, DiscoveryAccount, PlanId, PlanKind, Timestamp, discovery::MAX_NAMED,
        plan::LinkedRepository,
    },
    store::{ExecutePlan, PlanQuery, RequestedTests},
};

/// `GET testplans`
pub(super) async fn find(
    shared: Arc<Shared>,
    call: Call,
    _: NoBody,
) -> Result<PlanResponse, Failure> {
    let kind = match call.needed("type")?.as_str() {
        "template" => PlanKind::Template,
        "instance" => PlanKind::Instance,
        other => {
            return Err(Failure::malformed(format!(
                "type={} in the query does not fit: expected template or instance",
                shortened(other)
            )));
        }
    };
    let query = PlanQuery {
        project: call.needed("project")?,
        title: call.needed("title")?,
        kind,
    };
    let plan = shared
        .ask(move |store, now| store.find_plan(query, now))
        .await
        .map_err(Failure::of_look_up)?;
    Ok(convert::plan(plan))
}

/// `GET testplans/{id}`
pub(super) async fn get(
    shared: Arc<Shared>,
    call: Call,
    _: NoBody,
) -> Result<PlanResponse, Failure> {
    let id = call.id()?;
    let plan = shared.ask(move |store, now| store.plan(id, now)).await?;
    Ok(convert::plan(plan))
}

/// `POST executeplan`
pub(super) async fn execute(
    shared: Arc<Shared>,
    call: Call,
    Object(body): Object<ExecutePlanRequest>,
) -> Result<StartedPlanResponse, Failure> {
    for (member, text) in [("title", &body.title), ("batch", &body.batch)] {
        if text.trim().is_empty() {
            return Err(Failure::malformed(format!(
                "{member} is empty: expected a text that says something"
            )));
        }
    }
    if body.time.is_some_and(|time| time < 0) {
        return Err(Failure::malformed(
            "time is negative: expected milliseconds since 1970",
        ));
    }
    if let Some(account) = &body.discovery {
        check_account(account)?;
    }
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
        key: call.idempotency_key()?,
        principal: call.principal,
    };
    let plan = shared
        .ask(move |store, now| store.execute_plan(request, now))
        .await?;
    Ok(StartedPlanResponse {
        plan: convert::plan(plan),
        tests_digest,
    })
}

/// Most bytes of an account as JSON.
const LARGEST_ACCOUNT: usize = 1024 * 1024;

/// An account is kept with its plan, so it is bounded.
fn check_account(account: &DiscoveryAccount) -> Result<(), Failure> {
    for (member, count) in [
        ("left_out", account.left_out.len()),
        ("duplicates", account.duplicates.len()),
    ] {
        if count > MAX_NAMED {
            return Err(Failure::malformed(format!(
                "discovery.{member} has {count} entries: expected at most {MAX_NAMED}"
            )));
        }
    }
    let size = serde_json::to_vec(account).map_or(usize::MAX, |json| json.len());
    if size > LARGEST_ACCOUNT {
        return Err(Failure::malformed(format!(
            "discovery has {size} bytes: expected at most {LARGEST_ACCOUNT}"
        )));
    }
    Ok(())
}

/// `GET status/{plan}`; a client that waits is answered when the counts differ from what they were, or nothing is left.
pub(super) async fn status(
    shared: Arc<Shared>,
    call: Call,
    _: NoBody,
) -> Result<StatusResponse, Failure> {
    let plan: PlanId = call.id()?;
    let pairs = call.pairs()?.into_iter();
    let pairs = pairs.map(|(key, value)| Capability { key, value });
    let filter = capabilities("the query", pairs.collect())?;
    let mut poll = LongPoll::new(&shared, call.wait(shared.limits.wait));
    let mut before = None;
    loop {
        let filter = filter.clone();
        let counts = shared
            .ask(move |store, now| store.status(plan, filter, now))
            .await?;
        if counts.is_drained()
            || *before.get_or_insert(counts) != counts
            || !poll.again(&shared, plan, shared.limits.look).await?
        {
            return Ok(convert::status(counts));
        }
    }
}
