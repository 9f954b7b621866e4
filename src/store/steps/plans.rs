//! Starting plans, and reading plans and templates.

use super::{
    idempotency_keys::{IdempotencyKey, KeyPurpose},
    test_lists,
    write_context::WriteContext,
};
use crate::{
    model::{Plan, PlanId, PlanKind, Timestamp},
    store::{
        ExecutePlan, PlanQuery, PlanTests, RefusalCode, StoreError,
        protocol::{
            StoredDigest,
            not_found::{self, is_template, unknown_plan},
            refuse,
            request_limits::{self, KEY_LIFE},
        },
        rows::{KeyRecord, NewPlanRow, PlanReads, Reads, TestSource},
        values::{from_json, to_json},
    },
};

/// Most titles and projects that are compared to find similar ones.
const MAX_NAMES: u32 = 1_000;
/// A test without a history counts as long as this percentile of those with one.
pub(in crate::store) const UNKNOWN_PERCENTILE: i64 = 95;

/// Starts a plan from a template or from the tests of the request: inserts one row per execution in one statement.
pub(in crate::store) fn execute(
    context: &mut WriteContext<'_>,
    request: &ExecutePlan,
) -> Result<Plan, StoreError> {
    request_limits::name("the title", &request.title)?;
    request_limits::name("the batch", &request.batch)?;
    let key = request
        .key
        .as_ref()
        .map(|key| IdempotencyKey::new(KeyPurpose::Execute, &request.principal, key));
    if let Some(key) = &key
        && let Some(known) = key.find(context)?
    {
        known.check_same(request)?;
        return as_started(context.rows, PlanId(known.subject));
    }
    let template = template(context, request.template)?;
    let (source, size) = match &request.tests {
        None => (TestSource::Template(request.template), template.count),
        Some(tests) => test_lists::source(context, (request.template, &template.project), tests)?,
    };
    let id = insert_plan(context, request, &template, size)?;
    let unknown_ms = unknown_duration(context, source)?;
    context.rows.insert_executions(id, source, unknown_ms)?;
    if let Some(key) = key {
        let record = KeyRecord {
            digest: StoredDigest::of(request),
            subject: id.0,
            epoch: None,
            more: Vec::new(),
        };
        let expires_at = context.now().plus(KEY_LIFE);
        key.store(context, &record, expires_at)?;
    }
    as_started(context.rows, id)
}

fn template(context: &mut WriteContext<'_>, id: PlanId) -> Result<Plan, StoreError> {
    let now = context.now();
    match context.rows.is_hidden_template(id)? {
        Some(false) => get(context.rows, id, now),
        Some(true) => Err(refuse(
            RefusalCode::Unknown,
            format!("template {id} is no longer in the files of this service. Look it up again."),
        )),
        None => Err(refuse(
            RefusalCode::Unknown,
            format!("there is no template {id}. Look it up by project and title."),
        )),
    }
}

fn insert_plan(
    context: &mut WriteContext<'_>,
    request: &ExecutePlan,
    template: &Plan,
    size: u64,
) -> Result<PlanId, StoreError> {
    let created_at = context.now();
    context.rows.insert_plan(&NewPlanRow {
        template,
        title: &request.title,
        batch: &request.batch,
        repositories: to_json(&request.repositories)?,
        planned: request.planned,
        created_at,
        size: i64::try_from(size).unwrap_or(i64::MAX),
        tests_digest: request.tests.as_ref().map(|tests| tests.digest.bytes()),
        discovery: request.discovery.as_ref().map(to_json).transpose()?,
        started_by: &request.principal,
        origin: &request.origin,
    })
}

/// The duration assumed for a test without a history: like the long ones of its list, so that it starts early.
fn unknown_duration(context: &mut WriteContext<'_>, source: TestSource) -> Result<i64, StoreError> {
    let known = context.rows.known_durations(source)?;
    if known == 0 {
        return Ok(0);
    }
    let place = (known * UNKNOWN_PERCENTILE + 99) / 100 - 1;
    context.rows.known_duration(source, place)
}

/// A plan as it was when it started: a repeated request gets the same answer.
fn as_started<R: PlanReads + ?Sized>(rows: &mut R, id: PlanId) -> Result<Plan, StoreError> {
    rows.plan_as_started(id)?.ok_or_else(|| unknown_plan(id))
}

/// A plan or template with its current totals.
pub(in crate::store) fn get<R: PlanReads + ?Sized>(
    rows: &mut R,
    id: PlanId,
    now: Timestamp,
) -> Result<Plan, StoreError> {
    let mut plan = as_started(rows, id)?;
    [plan.passes, plan.failed, plan.skipped] = rows.plan_totals(id)?;
    plan.server_time = now;
    Ok(plan)
}

/// The newest plan of a project and title; the refusal lists similar names.
pub(in crate::store) fn find(
    rows: &mut dyn Reads,
    query: &PlanQuery,
    now: Timestamp,
) -> Result<Plan, StoreError> {
    if let Some(id) = rows.newest_plan(query)? {
        return get(rows, id, now);
    }
    let titles = rows.plan_titles(query.kind, &query.project, MAX_NAMES)?;
    let projects = rows.projects(MAX_NAMES)?;
    Err(not_found::plan(query, &titles, &projects))
}

/// Refuses a number that does not name a started plan.
pub(in crate::store) fn check_started(rows: &mut dyn Reads, id: PlanId) -> Result<(), StoreError> {
    match rows.plan_kind(id)? {
        Some(PlanKind::Instance) => Ok(()),
        Some(PlanKind::Template) => Err(is_template(id)),
        None => Err(unknown_plan(id)),
    }
}

/// Notes the page of the CI job of a worker.
pub(in crate::store) fn note_worker_job(
    context: &mut WriteContext<'_>,
    plan: PlanId,
    worker: &str,
    url: &str,
) -> Result<(), StoreError> {
    match context.rows.plan_kind(plan)? {
        Some(PlanKind::Instance) => context.rows.note_worker_job(plan, worker, url),
        Some(PlanKind::Template) => Err(is_template(plan)),
        None => Err(unknown_plan(plan)),
    }
}

/// The digest of the list that a plan was requested with, and the account of its discovery.
pub(in crate::store) fn tests(rows: &mut dyn Reads, plan: PlanId) -> Result<PlanTests, StoreError> {
    check_started(rows, plan)?;
    let (digest, discovery) = rows.requested_tests(plan)?;
    Ok(PlanTests {
        digest,
        discovery: discovery.as_deref().map(from_json).transpose()?,
    })
}
