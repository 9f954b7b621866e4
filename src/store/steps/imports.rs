//! Imports: what was uploaded, and which results it has for tests of this service.

use super::{
    idempotency_keys::{IdempotencyKey, KeyPurpose},
    imported_verdicts::{self, ImportedLabels},
    write_context::WriteContext,
};
use crate::store::{
    Import, NewImport, RefusalCode, ReportedTest, StoreError,
    protocol::{
        StoredDigest, refuse,
        request_limits::{self, KEY_LIFE},
    },
    rows::{KeyRecord, NewImportRow, OutcomeColumns},
    values::to_json,
};

/// Adds an import and gives its results to executions that have no verdict.
pub(in crate::store) fn add(
    context: &mut WriteContext<'_>,
    import: &NewImport,
) -> Result<Import, StoreError> {
    request_limits::import(import)?;
    let key = import
        .key
        .as_ref()
        .map(|key| IdempotencyKey::new(KeyPurpose::Import, &import.principal, key));
    if let Some(key) = &key
        && let Some(known) = key.find(context)?
    {
        known.check_same(import)?;
        return one(context, known.subject);
    }
    let at = context.now();
    let id = context.rows.insert_import(&NewImportRow {
        import,
        labels: to_json(&import.labels)?,
        files: to_json(&import.files)?,
        at,
    })?;
    let plans = context
        .rows
        .plans_of_batch(&import.project, &import.batch)?;
    let imported = ImportedLabels {
        import: id,
        labels: &import.labels,
        principal: &import.principal,
    };
    for reported in &import.tests {
        if let Some(test) = insert_test(context, &import.project, id, reported)? {
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
        let expires_at = context.now().plus(KEY_LIFE);
        key.store(context, &record, expires_at)?;
    }
    one(context, id)
}

/// Stores the imported result of a test that any template or list has; returns the number of the test.
fn insert_test(
    context: &mut WriteContext<'_>,
    project: &str,
    import: i64,
    reported: &ReportedTest,
) -> Result<Option<i64>, StoreError> {
    let test = context.rows.known_test(project, &reported.test)?;
    if let Some(test) = test {
        let columns = OutcomeColumns::of_result(reported.result);
        context.rows.insert_imported_test(test, import, &columns)?;
    }
    Ok(test)
}

fn one(context: &mut WriteContext<'_>, id: i64) -> Result<Import, StoreError> {
    let found = context.rows.import(id)?;
    found.ok_or_else(|| refuse(RefusalCode::Unknown, format!("there is no import {id}.")))
}
