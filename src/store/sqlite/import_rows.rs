//! Rows of imports: what was uploaded, and which results it has for tests of this service.

use rusqlite::{Connection, Row, params};

use super::{
    column_values::{from_json, number, to_json},
    execution_rows::OutcomeColumns,
    idempotency_keys::{IdempotencyKey, KeyPurpose, KeyRecord},
    imported_verdicts::{self, ImportedLabels},
    pages::page,
    statements::Statements as _,
    write_context::WriteContext,
};
use crate::{
    model::{Capabilities, PlanId, Timestamp},
    store::{
        Import, NewImport, Page, RefusalCode, ReportedTest, StoreError,
        protocol::{
            StoredDigest, refuse,
            request_limits::{self, KEY_LIFE, MAX_PAGE},
        },
    },
};

/// Adds an import and gives its results to executions that have no verdict.
pub(super) fn add(context: &mut WriteContext, import: &NewImport) -> Result<Import, StoreError> {
    request_limits::import(import)?;
    let key = import
        .key
        .as_ref()
        .map(|key| IdempotencyKey::new(KeyPurpose::Import, &import.principal, key));
    if let Some(key) = &key
        && let Some(known) = key.find(context)?
    {
        known.check_same(import)?;
        return one(&context.db, known.subject);
    }
    let id = context.db.insert(
        "INSERT INTO imports (project, batch, labels, folder, files, cases, principal, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            import.project,
            import.batch,
            to_json(&import.labels)?,
            import.folder,
            to_json(&import.files)?,
            i64::try_from(import.cases).unwrap_or(i64::MAX),
            import.principal,
            context.now.0,
        ],
    )?;
    let plans = context.db.read_all(
        "SELECT id FROM plans WHERE kind = 1 AND project = ?1 AND batch = ?2",
        [&import.project, &import.batch],
        |row| row.get(0).map(PlanId),
    )?;
    let imported = ImportedLabels {
        import: id,
        labels: &import.labels,
        principal: &import.principal,
    };
    for reported in &import.tests {
        if let Some(test) = insert_test(&context.db, &import.project, id, reported)? {
            for plan in &plans {
                imported_verdicts::fill_plan(context, *plan, (test, reported.result), &imported)?;
            }
        }
    }
    if let Some(key) = key {
        let record = KeyRecord {
            digest: StoredDigest::of(import),
            subject: id,
            epoch: None,
            more: Vec::new(),
        };
        key.store(context, &record, context.now.plus(KEY_LIFE))?;
    }
    one(&context.db, id)
}

/// Stores the imported result of a test that any template or list has; returns the number of the test.
fn insert_test(
    db: &Connection,
    project: &str,
    import: i64,
    reported: &ReportedTest,
) -> Result<Option<i64>, StoreError> {
    let test: Option<i64> = db.read_if(
        "SELECT id FROM tests WHERE project = ?1 AND suite = ?2 AND testcase = ?3",
        [project, &reported.test.suite, &reported.test.testcase],
        |row| row.get(0),
    )?;
    if let Some(test) = test {
        let columns = OutcomeColumns::of_result(reported.result);
        db.change_one(
            "an imported test",
            "INSERT INTO imported_tests (test, import, verdict, duration_ms, flaky) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                test,
                import,
                columns.verdict,
                columns.duration_ms,
                columns.flaky
            ],
        )?;
    }
    Ok(test)
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

fn import((mut import, labels, files): (Import, String, String)) -> Result<Import, StoreError> {
    import.labels = from_json(&labels)?;
    import.files = from_json(&files)?;
    Ok(import)
}

fn one(db: &Connection, id: i64) -> Result<Import, StoreError> {
    let found = db.read_if(&format!("{COLUMNS} WHERE id = ?1"), [id], columns)?;
    import(found.ok_or_else(|| refuse(RefusalCode::Unknown, format!("there is no import {id}.")))?)
}

/// A page of imports, of one project or batch if requested.
pub(super) fn list(
    db: &Connection,
    project: Option<&str>,
    batch: Option<&str>,
    (after, limit): (i64, u32),
) -> Result<Page<Import>, StoreError> {
    let limit = limit.clamp(1, MAX_PAGE);
    // An index exists for both together.
    let condition = if project.is_some() && batch.is_some() {
        "project = ?1 AND batch = ?2"
    } else {
        "(?1 IS NULL OR project = ?1) AND (?2 IS NULL OR batch = ?2)"
    };
    let found = db.read_all(
        &format!("{COLUMNS} WHERE {condition} AND id > ?3 ORDER BY id LIMIT ?4"),
        params![project, batch, after, limit + 1],
        columns,
    )?;
    let items: Vec<Import> = found.into_iter().map(import).collect::<Result<_, _>>()?;
    Ok(page(items, limit, |import| import.id))
}
