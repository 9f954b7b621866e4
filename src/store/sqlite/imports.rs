//! Imports: an uploaded result fills in what was finished without a verdict, whichever of the two came first.
//!
//! Of several imports the first one after the reservation counts, and a counted outcome is never overturned: so the
//! same uploads and results make the same counts in any order.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{
    counts::Move,
    desk::Desk,
    executions::{verdict, verdict_number},
    finish::learn,
    holder::Hit,
    keys::{Key, Known, Use},
    rows::{exactly_one, from_json, number, to_json},
};
use crate::{
    model::{Capabilities, ExecutionId, PlanId, TestResult, Timestamp},
    store::{
        Import, NewImport, Page, RefusalCode, ReportedTest, StoreError,
        protocol::{
            EventKind,
            limits::{self, KEY_LIFE, MAX_PAGE},
            payload, refuse,
        },
    },
};

/// Takes an import and fills in what it says.
pub(super) fn take(desk: &mut Desk, import: &NewImport) -> Result<Import, StoreError> {
    limits::import(import)?;
    let digest = payload::of_import(import);
    let key = import
        .key
        .as_ref()
        .map(|key| Key::new(Use::Import, &import.principal, key));
    if let Some(key) = &key
        && let Some(known) = key.known(desk)?
    {
        known.same(&digest)?;
        return one(&desk.db, known.subject);
    }
    let id = desk
        .db
        .prepare_cached(
            "INSERT INTO imports (project, batch, labels, folder, files, cases, principal, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .insert(params![
            import.project,
            import.batch,
            to_json(&import.labels)?,
            import.folder,
            to_json(&import.files)?,
            i64::try_from(import.cases).unwrap_or(i64::MAX),
            import.principal,
            desk.now.0,
        ])?;
    let plans = plans(&desk.db, import)?;
    for reported in &import.tests {
        if let Some(test) = remember(&desk.db, import, id, reported)? {
            for plan in &plans {
                fill_plan(desk, *plan, (test, reported.result), import, id)?;
            }
        }
    }
    if let Some(key) = key {
        let known = Known {
            digest,
            subject: id,
            epoch: None,
        };
        key.remember(desk, &known, desk.now.plus(KEY_LIFE))?;
    }
    desk.note_change();
    one(&desk.db, id)
}

/// The started plans of an import's batch.
fn plans(db: &Connection, import: &NewImport) -> Result<Vec<PlanId>, StoreError> {
    let plans = db
        .prepare_cached("SELECT id FROM plans WHERE kind = 1 AND project = ?1 AND batch = ?2")?
        .query_map([&import.project, &import.batch], |row| {
            row.get(0).map(PlanId)
        })?
        .collect::<Result<_, _>>()?;
    Ok(plans)
}

/// Keeps what an import says of a test that any template has; gives the test's number.
fn remember(
    db: &Connection,
    import: &NewImport,
    id: i64,
    reported: &ReportedTest,
) -> Result<Option<i64>, StoreError> {
    let (test, result) = (&reported.test, &reported.result);
    let known: Option<i64> = db
        .prepare_cached("SELECT id FROM tests WHERE project = ?1 AND suite = ?2 AND testcase = ?3")?
        .query_row([&import.project, &test.suite, &test.testcase], |row| {
            row.get(0)
        })
        .optional()?;
    if let Some(test) = known {
        let rows = db
            .prepare_cached(
                "INSERT INTO imported_tests (test, import, verdict, duration_ms, flaky) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                test,
                id,
                verdict_number(result.verdict),
                i64::try_from(result.duration_ms).unwrap_or(i64::MAX),
                result.flaky
            ])?;
        exactly_one(rows, "an imported test")?;
    }
    Ok(known)
}

/// Fills in every execution of a plan that ran the test, has no verdict, and whose needs the labels cover.
fn fill_plan(
    desk: &mut Desk,
    plan: PlanId,
    (test, result): (i64, TestResult),
    import: &NewImport,
    id: i64,
) -> Result<(), StoreError> {
    let unjudged: Vec<(ExecutionId, Hit)> = desk
        .db
        .prepare_cached(
            "SELECT id, label_set, epoch FROM executions INDEXED BY executions_unjudged
             WHERE plan = ?1 AND test = ?2 AND state = 3 AND verdict IS NULL AND error IS NULL AND import_mark < ?3",
        )?
        .query_map([plan.0, test, id], |row| {
            let hit = Hit {
                plan,
                test,
                label_set: row.get(1)?,
                epoch: row.get(2)?,
                deadline: Timestamp(0),
                squish_server: None,
            };
            Ok((ExecutionId(row.get(0)?), hit))
        })?
        .collect::<Result<_, _>>()?;
    for (execution, hit) in unjudged {
        if covers(desk, &import.labels, hit.label_set)? {
            fill(desk, execution, &hit, result, &import.principal, id)?;
        }
    }
    Ok(())
}

fn covers(desk: &mut Desk, labels: &Capabilities, set: i64) -> Result<bool, StoreError> {
    let required = desk.label_set(set)?;
    Ok(labels.covers(&required, desk.rules.label_case))
}

/// The guarded statement: an imported result becomes the verdict of what has none.
fn fill(
    desk: &mut Desk,
    execution: ExecutionId,
    hit: &Hit,
    result: TestResult,
    principal: &str,
    import: i64,
) -> Result<(), StoreError> {
    let rows = desk
        .db
        .prepare_cached(
            "UPDATE executions SET verdict = ?2, duration_ms = ?3, flaky = ?4
             WHERE id = ?1 AND state = 3 AND verdict IS NULL AND error IS NULL AND import_mark < ?5",
        )?
        .execute(params![
            execution.0,
            verdict_number(result.verdict),
            i64::try_from(result.duration_ms).unwrap_or(i64::MAX),
            result.flaky,
            import
        ])?;
    exactly_one(rows, "an imported verdict")?;
    Move::default()
        .verdict(Some(result.verdict), 1)
        .write(&desk.db, hit.plan, hit.label_set)?;
    learn(&desk.db, hit, result)?;
    let word = serde_json::json!({ "import": import, "verdict": result.verdict }).to_string();
    let who = (execution, hit.epoch);
    desk.event(hit.plan, who, EventKind::Imported, principal, &word)?;
    desk.note_change();
    Ok(())
}

/// After a result without a verdict: what was imported for it meanwhile, the first that fits.
pub(super) fn look_up(
    desk: &mut Desk,
    execution: ExecutionId,
    hit: &Hit,
    principal: &str,
) -> Result<(), StoreError> {
    let facts = desk.facts(hit.plan)?;
    let found: Vec<(i64, String, TestResult)> = desk
        .db
        .prepare_cached(
            "SELECT i.id, i.labels, t.verdict, t.duration_ms, t.flaky
             FROM executions e CROSS JOIN imported_tests t ON t.test = e.test AND t.import > e.import_mark
               CROSS JOIN imports i ON i.id = t.import
             WHERE e.id = ?1 AND i.project = ?2 AND i.batch = ?3 ORDER BY i.id",
        )?
        .query_map(params![execution.0, facts.project, facts.batch], |row| {
            let result = TestResult {
                verdict: verdict(row.get(2)?),
                duration_ms: number(row.get(3)?),
                flaky: row.get(4)?,
            };
            Ok((row.get(0)?, row.get(1)?, result))
        })?
        .collect::<Result<_, _>>()?;
    for (import, labels, result) in found {
        if covers(desk, &from_json(&labels)?, hit.label_set)? {
            return fill(desk, execution, hit, result, principal, import);
        }
    }
    Ok(())
}

const COLUMNS: &str = "SELECT id, project, batch, labels, folder, files, cases, at FROM imports";

fn columns(row: &Row<'_>) -> rusqlite::Result<(Import, String, String)> {
    let import = Import {
        id: row.get(0)?,
        project: row.get(1)?,
        batch: row.get(2)?,
        labels: Capabilities::default(),
        folder: row.get(4)?,
        files: Vec::new(),
        cases: number(row.get(6)?),
        at: Timestamp(row.get(7)?),
    };
    Ok((import, row.get(3)?, row.get(5)?))
}

fn whole((mut import, labels, files): (Import, String, String)) -> Result<Import, StoreError> {
    import.labels = from_json(&labels)?;
    import.files = from_json(&files)?;
    Ok(import)
}

fn one(db: &Connection, id: i64) -> Result<Import, StoreError> {
    let found = db
        .prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?
        .query_row([id], columns)
        .optional()?
        .ok_or_else(|| refuse(RefusalCode::Unknown, format!("there is no import {id}.")))?;
    whole(found)
}

/// A page of imports, of one project or batch if that is asked for.
pub(super) fn list(
    db: &Connection,
    project: Option<&str>,
    batch: Option<&str>,
    (after, limit): (i64, u32),
) -> Result<Page<Import>, StoreError> {
    let limit = limit.clamp(1, MAX_PAGE);
    // Both together are what an index is for.
    let wanted = if project.is_some() && batch.is_some() {
        "project = ?1 AND batch = ?2"
    } else {
        "(?1 IS NULL OR project = ?1) AND (?2 IS NULL OR batch = ?2)"
    };
    let found: Vec<_> = db
        .prepare_cached(&format!(
            "{COLUMNS} WHERE {wanted} AND id > ?3
             ORDER BY id LIMIT ?4"
        ))?
        .query_map(params![project, batch, after, limit + 1], columns)?
        .collect::<Result<_, _>>()?;
    let items: Vec<Import> = found.into_iter().map(whole).collect::<Result<_, _>>()?;
    Ok(super::listing::page(items, limit, |import| import.id))
}
