//! Opening an execution again after it failed or could not run.

use super::write_context::WriteContext;
use crate::store::{
    RefusalCode, Reset, StoreError,
    protocol::{EventKind, payload, refusals, refuse},
    rows::{Counter, CounterChange},
    values::to_json,
};

pub(in crate::store) fn reset(
    context: &mut WriteContext<'_>,
    request: &Reset,
) -> Result<(), StoreError> {
    let id = request.execution;
    let found = context.execution(id)?;
    if context.rows.cancelling(found.plan)?.is_some() {
        return Err(refuse(
            RefusalCode::InProgress,
            format!(
                "plan {} is being cancelled: reset execution {id} again in a moment.",
                found.plan
            ),
        ));
    }
    if !context.rows.reset(id, request.generation)? {
        return refusals::reset(&found.facts, request.generation);
    }
    let verdict = found.outcome.as_ref().and_then(payload::verdict);
    let change = CounterChange::of_move(Counter::Done, Counter::Open).verdict(verdict, -1);
    context.rows.count(found.plan, found.label_set, change)?;
    context.record_event(
        found.plan,
        (id, found.facts.epoch),
        EventKind::Reset,
        &request.principal,
        &to_json(&found.outcome)?,
    )?;
    context.note_opened(found.plan, found.label_set)
}
