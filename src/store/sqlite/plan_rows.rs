//! Starting plans, and reading plans and templates.

use rusqlite::{Connection, Row, params};

use super::{
    column_values::{from_json, kind, number, to_json},
    idempotency_keys::{IdempotencyKey, KeyPurpose, KeyRecord},
    statements::Statements as _,
    test_list_rows::{self, TestSource},
    write_context::WriteContext,
};
use crate::{
    model::{Plan, PlanId, PlanKind, TestListDigest, Timestamp},
    store::{
        ExecutePlan, PlanQuery, PlanTests, RefusalCode, StoreError,
        protocol::{
            StoredDigest,
            not_found::{self, is_template, unknown_plan},
            refuse,
            request_limits::{self, KEY_LIFE},
        },
    },
};

/// Most titles and projects that are compared to find similar ones.
const MAX_NAMES: u32 = 1_000;
/// A test without a history counts as long as this percentile of those with one.
pub(super) const UNKNOWN_PERCENTILE: i64 = 95;

/// Starts a plan from a template or from the tests of the request: inserts one row per execution in one statement.
pub(super) fn execute(
    context: &mut WriteContext,
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
        return as_started(&context.db, PlanId(known.subject));
    }
    let template = template(context, request.template)?;
    let (source, size) = match &request.tests {
        None => (TestSource::Template(request.template), template.count),
        Some(tests) => {
            test_list_rows::source(context, (request.template, &template.project), tests)?
        }
    };
    let id = insert_plan(context, request, &template, size)?;
    insert_executions(context, source, id)?;
    if let Some(key) = key {
        let record = KeyRecord {
            digest: StoredDigest::of(request),
            subject: id.0,
            epoch: None,
            more: Vec::new(),
        };
        key.store(context, &record, context.now.plus(KEY_LIFE))?;
    }
    as_started(&context.db, id)
}

fn template(context: &WriteContext, id: PlanId) -> Result<Plan, StoreError> {
    let is_hidden: Option<bool> = context.db.read_if(
        "SELECT hidden FROM plans WHERE id = ?1 AND kind = 0",
        [id.0],
        |row| row.get(0),
    )?;
    match is_hidden {
        Some(false) => get(&context.db, id, context.now),
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
    context: &WriteContext,
    request: &ExecutePlan,
    template: &Plan,
    size: u64,
) -> Result<PlanId, StoreError> {
    let digest = request.tests.as_ref().map(|tests| tests.digest.bytes());
    let discovery = request.discovery.as_ref().map(to_json).transpose()?;
    let id = context.db.insert(
        "INSERT INTO plans (kind, project, title, description, batch, tags, repositories, planned,
           created_at, size, tests_digest, discovery, template, first_execution)
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
           (SELECT coalesce(max(id), 0) + 1 FROM executions))",
        params![
            template.project,
            request.title,
            template.description,
            request.batch,
            to_json(&template.tags)?,
            to_json(&request.repositories)?,
            request.planned.map(|t| t.0),
            context.now.0,
            i64::try_from(size).unwrap_or(i64::MAX),
            digest,
            discovery,
            template.id.0,
        ],
    )?;
    Ok(PlanId(id))
}

fn insert_executions(
    context: &WriteContext,
    source: TestSource,
    plan: PlanId,
) -> Result<(), StoreError> {
    let (table, column, owner) = source.rows();
    context
        .db
        .prepare_cached(&format!(
            "INSERT INTO counts (plan, label_set, open)
             SELECT ?1, label_set, count(*) FROM {table} WHERE {column} = ?2 GROUP BY label_set"
        ))?
        .execute([plan.0, owner])?;
    context
        .db
        .prepare_cached(&format!(
            "INSERT INTO executions (id, plan, test, label_set, expected_ms, is_estimated)
             SELECT p.first_execution + t.position, p.id, t.test, t.label_set, coalesce(h.mean_ms, ?3),
               h.mean_ms IS NULL
             FROM plans p CROSS JOIN {table} t
               LEFT JOIN history h ON h.test = t.test AND h.label_set = t.label_set
             WHERE p.id = ?1 AND t.{column} = ?2 ORDER BY t.position"
        ))?
        .execute([plan.0, owner, unknown_duration(context, source)?])?;
    Ok(())
}

/// The duration assumed for a test without a history: like the long ones of its list, so that it starts early.
fn unknown_duration(context: &WriteContext, source: TestSource) -> Result<i64, StoreError> {
    let (table, column, owner) = source.rows();
    let durations = format!(
        "FROM {table} t JOIN history h ON h.test = t.test AND h.label_set = t.label_set
         WHERE t.{column} = ?1"
    );
    let known: i64 =
        context
            .db
            .read_one(&format!("SELECT count(*) {durations}"), [owner], |row| {
                row.get(0)
            })?;
    if known == 0 {
        return Ok(0);
    }
    let rank = (known * UNKNOWN_PERCENTILE + 99) / 100 - 1;
    context.db.read_one(
        &format!("SELECT h.mean_ms {durations} ORDER BY h.mean_ms LIMIT 1 OFFSET ?2"),
        [owner, rank],
        |row| row.get(0),
    )
}

const COLUMNS: &str =
    "SELECT id, kind, project, title, description, batch, tags, repositories, planned, size,
      created_at FROM plans";

fn columns(row: &Row<'_>) -> rusqlite::Result<(Plan, String, String)> {
    let plan = Plan {
        id: PlanId(row.get(0)?),
        kind: kind(row.get(1)?),
        project: row.get(2)?,
        title: row.get(3)?,
        description: row.get(4)?,
        batch: row.get(5)?,
        tags: Vec::new(),
        repositories: Vec::new(),
        planned: row.get::<_, Option<i64>>(8)?.map(Timestamp),
        server_time: Timestamp(row.get(10)?),
        passes: 0,
        failed: 0,
        skipped: 0,
        count: number(row.get(9)?),
    };
    Ok((plan, row.get(6)?, row.get(7)?))
}

/// A plan as it was when it started: a repeated request gets the same answer.
fn as_started(db: &Connection, id: PlanId) -> Result<Plan, StoreError> {
    let (mut plan, tags, repositories) = db
        .read_if(&format!("{COLUMNS} WHERE id = ?1"), [id.0], columns)?
        .ok_or_else(|| unknown_plan(id))?;
    plan.tags = from_json(&tags)?;
    plan.repositories = from_json(&repositories)?;
    Ok(plan)
}

/// A plan or template with its current totals.
pub(super) fn get(db: &Connection, id: PlanId, now: Timestamp) -> Result<Plan, StoreError> {
    let mut plan = as_started(db, id)?;
    let totals: [i64; 3] = db.read_one(
        "SELECT coalesce(sum(passed), 0), coalesce(sum(failed), 0), coalesce(sum(skipped), 0)
         FROM counts WHERE plan = ?1",
        [id.0],
        |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]),
    )?;
    [plan.passes, plan.failed, plan.skipped] = totals.map(number);
    plan.server_time = now;
    Ok(plan)
}

/// The newest plan of a project and title; the refusal lists similar names.
pub(super) fn find(db: &Connection, query: &PlanQuery, now: Timestamp) -> Result<Plan, StoreError> {
    let kind = i64::from(query.kind == PlanKind::Instance);
    let id: Option<i64> = db.read_one(
        "SELECT max(id) FROM plans WHERE kind = ?1 AND project = ?2 AND title = ?3 AND hidden = 0",
        params![kind, query.project, query.title],
        |row| row.get(0),
    )?;
    if let Some(id) = id {
        return get(db, PlanId(id), now);
    }
    let titles: Vec<String> = db.read_all(
        "SELECT DISTINCT title FROM plans WHERE kind = ?1 AND project = ?2 AND hidden = 0 ORDER BY title LIMIT ?3",
        params![kind, query.project, MAX_NAMES],
        |row| row.get(0),
    )?;
    let projects: Vec<String> = db.read_all(
        "SELECT DISTINCT project FROM plans WHERE hidden = 0 ORDER BY project LIMIT ?1",
        [MAX_NAMES],
        |row| row.get(0),
    )?;
    Err(not_found::plan(query, &titles, &projects))
}

/// Refuses a number that does not name a started plan.
pub(super) fn check_started(db: &Connection, id: PlanId) -> Result<(), StoreError> {
    let found: Option<i64> = db.read_if("SELECT kind FROM plans WHERE id = ?1", [id.0], |row| {
        row.get(0)
    })?;
    match found.map(kind) {
        Some(PlanKind::Instance) => Ok(()),
        Some(PlanKind::Template) => Err(is_template(id)),
        None => Err(unknown_plan(id)),
    }
}

/// The digest of the list that a plan was requested with, and the account of its discovery.
pub(super) fn tests(db: &Connection, plan: PlanId) -> Result<PlanTests, StoreError> {
    check_started(db, plan)?;
    let (digest, discovery): (Option<Vec<u8>>, Option<String>) = db.read_one(
        "SELECT tests_digest, discovery FROM plans WHERE id = ?1",
        [plan.0],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let digest = digest
        .map(|bytes| TestListDigest::from_bytes(&bytes))
        .transpose()
        .map_err(|error| StoreError::Broken(format!("plan {plan}: {error}")))?;
    Ok(PlanTests {
        digest,
        discovery: discovery.as_deref().map(from_json).transpose()?,
    })
}
