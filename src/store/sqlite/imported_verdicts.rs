//! Imported verdicts: an uploaded result becomes the verdict of an execution that finished without one, whichever of
//! the two came first.
//!
//! Of several imports the first one after the reservation counts, and a counted outcome is never overturned: the same
//! uploads and results make the same counts in any order.

use rusqlite::params;

use super::{
    column_values::{from_json, number},
    execution_rows::{OutcomeColumns, verdict},
    history,
    holder::ChangedExecution,
    plan_counters::CounterChange,
    statements::Statements as _,
    write_context::WriteContext,
};
use crate::{
    model::{Capabilities, ExecutionId, PlanId, TestResult},
    store::{StoreError, protocol::EventKind},
};

/// An execution that is done and has no verdict.
#[derive(Clone, Copy)]
struct Unjudged {
    execution: ExecutionId,
    plan: PlanId,
    test: i64,
    label_set: i64,
    epoch: u32,
}

/// An import whose results may become verdicts.
pub(super) struct ImportedLabels<'a> {
    pub(super) import: i64,
    pub(super) labels: &'a Capabilities,
    pub(super) principal: &'a str,
}

/// Gives an imported result to every execution of a plan that ran the test, has no verdict, and whose requirements the
/// labels of the import cover.
pub(super) fn fill_plan(
    context: &mut WriteContext,
    plan: PlanId,
    (test, result): (i64, TestResult),
    imported: &ImportedLabels<'_>,
) -> Result<(), StoreError> {
    let unjudged = context.db.read_all(
        "SELECT id, label_set, epoch FROM executions INDEXED BY executions_unjudged
         WHERE plan = ?1 AND test = ?2 AND state = 3 AND verdict IS NULL AND error IS NULL AND import_mark < ?3",
        [plan.0, test, imported.import],
        |row| {
            Ok(Unjudged {
                execution: ExecutionId(row.get(0)?),
                plan,
                test,
                label_set: row.get(1)?,
                epoch: row.get(2)?,
            })
        },
    )?;
    for it in unjudged {
        if covers(context, imported.labels, it.label_set)? {
            fill(context, it, result, imported.principal, imported.import)?;
        }
    }
    Ok(())
}

/// After a result without a verdict: takes the first fitting result that was imported since the reservation.
pub(super) fn take_imported(
    context: &mut WriteContext,
    execution: ExecutionId,
    changed: &ChangedExecution,
    principal: &str,
) -> Result<(), StoreError> {
    let plan = context.plan(changed.plan)?;
    let found: Vec<(i64, String, TestResult)> = context.db.read_all(
        "SELECT i.id, i.labels, t.verdict, t.duration_ms, t.flaky
         FROM executions e CROSS JOIN imported_tests t ON t.test = e.test AND t.import > e.import_mark
           CROSS JOIN imports i ON i.id = t.import
         WHERE e.id = ?1 AND i.project = ?2 AND i.batch = ?3 ORDER BY i.id",
        params![execution.0, plan.project, plan.batch],
        |row| {
            let result = TestResult {
                verdict: verdict(row.get(2)?),
                duration_ms: number(row.get(3)?),
                flaky: row.get(4)?,
            };
            Ok((row.get(0)?, row.get(1)?, result))
        },
    )?;
    let unjudged = Unjudged {
        execution,
        plan: changed.plan,
        test: changed.test,
        label_set: changed.label_set,
        epoch: changed.epoch,
    };
    for (import, labels, result) in found {
        if covers(context, &from_json(&labels)?, changed.label_set)? {
            return fill(context, unjudged, result, principal, import);
        }
    }
    Ok(())
}

fn covers(
    context: &mut WriteContext,
    labels: &Capabilities,
    label_set: i64,
) -> Result<bool, StoreError> {
    let required = context.labels(label_set)?;
    Ok(labels.covers(&required, context.rules.label_case))
}

/// The guarded statement: an imported result becomes the verdict of an execution without one.
fn fill(
    context: &mut WriteContext,
    unjudged: Unjudged,
    result: TestResult,
    principal: &str,
    import: i64,
) -> Result<(), StoreError> {
    let columns = OutcomeColumns::of_result(result);
    context.db.change_one(
        "an imported verdict",
        "UPDATE executions SET verdict = ?2, duration_ms = ?3, flaky = ?4
         WHERE id = ?1 AND state = 3 AND verdict IS NULL AND error IS NULL AND import_mark < ?5",
        params![
            unjudged.execution.0,
            columns.verdict,
            columns.duration_ms,
            columns.flaky,
            import
        ],
    )?;
    CounterChange::default()
        .verdict(Some(result.verdict), 1)
        .write(&context.db, unjudged.plan, unjudged.label_set)?;
    history::learn(&context.db, unjudged.test, unjudged.label_set, result)?;
    let detail = serde_json::json!({ "import": import, "verdict": result.verdict }).to_string();
    let attempt = (unjudged.execution, unjudged.epoch);
    context.record_event(
        unjudged.plan,
        attempt,
        EventKind::Imported,
        principal,
        &detail,
    )?;
    Ok(())
}
