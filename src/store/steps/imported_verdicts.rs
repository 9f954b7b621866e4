//! Imported verdicts: an uploaded result becomes the verdict of an execution that finished without one, whichever of
//! the two came first.
//!
//! Of several imports the first one after the reservation counts, and a counted outcome is never overturned: the same
//! uploads and results make the same counts in any order.

use super::{history::learn, write_context::WriteContext};
use crate::{
    model::{Capabilities, ExecutionId, PlanId, TestResult},
    store::{
        StoreError,
        protocol::EventKind,
        rows::{ChangedExecution, CounterChange, OutcomeColumns, Unjudged},
    },
};

/// An import whose results may become verdicts.
pub(in crate::store) struct ImportedLabels<'a> {
    pub(in crate::store) import: i64,
    pub(in crate::store) labels: &'a Capabilities,
    pub(in crate::store) principal: &'a str,
}

/// Gives an imported result to every execution of a plan that ran the test, has no verdict, and whose requirements the
/// labels of the import cover.
pub(in crate::store) fn fill_plan(
    context: &mut WriteContext<'_>,
    plan: PlanId,
    (test, result): (i64, TestResult),
    imported: &ImportedLabels<'_>,
) -> Result<(), StoreError> {
    let unjudged = context.rows.unjudged(plan, test, imported.import)?;
    for it in unjudged {
        if covers(context, imported.labels, it.label_set)? {
            fill(context, it, result, imported.principal, imported.import)?;
        }
    }
    Ok(())
}

/// After a result without a verdict: takes the first fitting result that was imported since the reservation.
pub(in crate::store) fn take_imported(
    context: &mut WriteContext<'_>,
    execution: ExecutionId,
    changed: &ChangedExecution,
    principal: &str,
) -> Result<(), StoreError> {
    let plan = context.plan(changed.plan)?;
    let found = context
        .rows
        .imported_since(execution, &plan.project, &plan.batch)?;
    let unjudged = Unjudged {
        execution,
        plan: changed.plan,
        test: changed.test,
        label_set: changed.label_set,
        epoch: changed.epoch,
    };
    for it in found {
        if covers(context, &it.labels, changed.label_set)? {
            return fill(context, unjudged, it.result, principal, it.import);
        }
    }
    Ok(())
}

fn covers(
    context: &mut WriteContext<'_>,
    labels: &Capabilities,
    label_set: i64,
) -> Result<bool, StoreError> {
    let required = context.labels(label_set)?;
    Ok(labels.covers(&required, context.rules().label_case))
}

/// An imported result becomes the verdict of an execution without one.
fn fill(
    context: &mut WriteContext<'_>,
    unjudged: Unjudged,
    result: TestResult,
    principal: &str,
    import: i64,
) -> Result<(), StoreError> {
    let columns = OutcomeColumns::of_result(result);
    context.rows.judge(unjudged.execution, &columns, import)?;
    context.rows.count(
        unjudged.plan,
        unjudged.label_set,
        CounterChange::default().verdict(Some(result.verdict), 1),
    )?;
    learn(context, (unjudged.test, unjudged.label_set), result)?;
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
