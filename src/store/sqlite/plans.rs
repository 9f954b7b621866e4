//! Starting plans, and telling of plans and templates.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{
    desk::Desk,
    keys::{Key, Known, Use},
    rows::{exactly_one, from_json, kind, number, to_json},
    test_lists::{self, Source},
};
use crate::{
    model::{Plan, PlanId, PlanKind, Timestamp},
    store::{
        ExecutePlan, PlanQuery, RefusalCode, StoreError,
        protocol::{
            limits::{self, KEY_LIFE},
            not_found::{self, is_template, unknown_plan},
            payload, refuse,
        },
    },
};

/// Most titles that are looked through for near ones.
const MOST_TITLES: u32 = 1_000;
/// A test without a history is placed where this share of those with one are not longer.
const UNKNOWN_PERCENTILE: i64 = 95;

/// Starts a plan from a template or from the tests of the request: one row per execution, in one statement.
pub(super) fn execute(desk: &mut Desk, request: &ExecutePlan) -> Result<Plan, StoreError> {
    limits::name("the title", &request.title)?;
    limits::name("the batch", &request.batch)?;
    let digest = payload::of_execute(request);
    let key = request
        .key
        .as_ref()
        .map(|key| Key::new(Use::Execute, &request.principal, key));
    if let Some(key) = &key
        && let Some(known) = key.known(desk)?
    {
        known.same(&digest)?;
        return as_started(&desk.db, PlanId(known.subject));
    }
    let template = template(desk, request.template)?;
    let (source, size) = match &request.tests {
        None => (Source::Template(request.template), template.count),
        Some(tests) => test_lists::source(desk, (request.template, &template.project), tests)?,
    };
    let id = insert_plan(desk, request, &template, size)?;
    insert_executions(desk, source, id)?;
    if let Some(key) = key {
        let known = Known {
            digest,
            subject: id.0,
            epoch: None,
        };
        key.remember(desk, &known, desk.now.plus(KEY_LIFE))?;
    }
    desk.note_change();
    as_started(&desk.db, id)
}

fn template(desk: &Desk, id: PlanId) -> Result<Plan, StoreError> {
    let found: Option<bool> = desk
        .db
        .prepare_cached("SELECT hidden FROM plans WHERE id = ?1 AND kind = 0")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    match found {
        Some(false) => get(&desk.db, id, desk.now),
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
    desk: &Desk,
    request: &ExecutePlan,
    template: &Plan,
    size: u64,
) -> Result<PlanId, StoreError> {
    let digest = request.tests.as_ref().map(|tests| tests.digest.bytes());
    let discovery = request.discovery.as_ref().map(to_json).transpose()?;
    let id = desk
        .db
        .prepare_cached(
            "INSERT INTO plans (kind, project, title, description, batch, tags, repositories, planned,
               created_at, size, tests_digest, discovery, first_execution)
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
               (SELECT coalesce(max(id), 0) + 1 FROM executions))",
        )?
        .insert(params![
            template.project,
            request.title,
            template.description,
            request.batch,
            to_json(&template.tags)?,
            to_json(&request.repositories)?,
            request.planned.map(|t| t.0),
            desk.now.0,
            i64::try_from(size).unwrap_or(i64::MAX),
            digest,
            discovery,
        ])?;
    Ok(PlanId(id))
}

fn insert_executions(desk: &Desk, source: Source, plan: PlanId) -> Result<(), StoreError> {
    let (table, column, owner) = source.rows();
    desk.db
        .prepare_cached(&format!(
            "INSERT INTO counts (plan, label_set, open)
             SELECT ?1, label_set, count(*) FROM {table} WHERE {column} = ?2 GROUP BY label_set"
        ))?
        .execute([plan.0, owner])?;
    desk.db
        .prepare_cached(&format!(
            "INSERT INTO executions (id, plan, test, label_set, expected_ms)
             SELECT p.first_execution + t.position, p.id, t.test, t.label_set, coalesce(h.mean_ms, ?3)
             FROM plans p CROSS JOIN {table} t
               LEFT JOIN history h ON h.test = t.test AND h.label_set = t.label_set
             WHERE p.id = ?1 AND t.{column} = ?2 ORDER BY t.position"
        ))?
        .execute([plan.0, owner, unknown_duration(desk, source)?])?;
    Ok(())
}

/// How long a test without a history is taken to be: like the long ones of its list, so that it starts early.
fn unknown_duration(desk: &Desk, source: Source) -> Result<i64, StoreError> {
    let (table, column, owner) = source.rows();
    let known: i64 = desk
        .db
        .prepare_cached(&format!(
            "SELECT count(*) FROM {table} t
             JOIN history h ON h.test = t.test AND h.label_set = t.label_set WHERE t.{column} = ?1"
        ))?
        .query_row([owner], |row| row.get(0))?;
    if known == 0 {
        return Ok(0);
    }
    let place = (known * UNKNOWN_PERCENTILE + 99) / 100 - 1;
    Ok(desk
        .db
        .prepare_cached(&format!(
            "SELECT h.mean_ms FROM {table} t
             JOIN history h ON h.test = t.test AND h.label_set = t.label_set WHERE t.{column} = ?1
             ORDER BY h.mean_ms LIMIT 1 OFFSET ?2"
        ))?
        .query_row([owner, place], |row| row.get(0))?)
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

/// A plan as it was answered when it started: a repeated request gets the same.
fn as_started(db: &Connection, id: PlanId) -> Result<Plan, StoreError> {
    let (mut plan, tags, repositories) = db
        .prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?
        .query_row([id.0], columns)
        .optional()?
        .ok_or_else(|| unknown_plan(id))?;
    plan.tags = from_json(&tags)?;
    plan.repositories = from_json(&repositories)?;
    Ok(plan)
}

/// A plan or template with its totals as they are now.
pub(super) fn get(db: &Connection, id: PlanId, now: Timestamp) -> Result<Plan, StoreError> {
    let mut plan = as_started(db, id)?;
    let totals: [i64; 3] = db
        .prepare_cached(
            "SELECT coalesce(sum(passed), 0), coalesce(sum(failed), 0), coalesce(sum(skipped), 0)
             FROM counts WHERE plan = ?1",
        )?
        .query_row([id.0], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
    [plan.passes, plan.failed, plan.skipped] = totals.map(number);
    plan.server_time = now;
    Ok(plan)
}

/// The newest of a project and title, or what is near.
pub(super) fn find(db: &Connection, query: &PlanQuery, now: Timestamp) -> Result<Plan, StoreError> {
    let kind = i64::from(query.kind == PlanKind::Instance);
    let id: Option<i64> = db
        .prepare_cached(
            "SELECT max(id) FROM plans WHERE kind = ?1 AND project = ?2 AND title = ?3 AND hidden = 0",
        )?
        .query_row(params![kind, query.project, query.title], |row| row.get(0))?;
    if let Some(id) = id {
        return get(db, PlanId(id), now);
    }
    let titles: Vec<String> = db
        .prepare_cached(
            "SELECT DISTINCT title FROM plans WHERE kind = ?1 AND project = ?2 AND hidden = 0 ORDER BY title LIMIT ?3",
        )?
        .query_map(params![kind, query.project, MOST_TITLES], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let projects: Vec<String> = db
        .prepare_cached(
            "SELECT DISTINCT project FROM plans WHERE hidden = 0 ORDER BY project LIMIT ?1",
        )?
        .query_map([MOST_TITLES], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Err(not_found::plan(query, &titles, &projects))
}

/// Makes sure that a number names a started plan.
pub(super) fn started(db: &Connection, id: PlanId) -> Result<(), StoreError> {
    let found: Option<i64> = db
        .prepare_cached("SELECT kind FROM plans WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    match found.map(kind) {
        Some(PlanKind::Instance) => Ok(()),
        Some(PlanKind::Template) => Err(is_template(id)),
        None => Err(unknown_plan(id)),
    }
}

/// Hides the templates of a project that left its file. Those that no file ever had stay.
pub(super) fn hide_others(desk: &Desk, project: &str, kept: &[PlanId]) -> Result<(), StoreError> {
    let there: Vec<i64> = desk
        .db
        .prepare_cached("SELECT id FROM plans WHERE kind = 0 AND project = ?1 AND hidden = 0 AND file_definition IS NOT NULL")?
        .query_map([project], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in there.into_iter().filter(|id| !kept.contains(&PlanId(*id))) {
        let rows = desk
            .db
            .prepare_cached("UPDATE plans SET hidden = 1 WHERE id = ?1 AND hidden = 0")?
            .execute([id])?;
        exactly_one(rows, "hiding a template")?;
    }
    Ok(())
}
