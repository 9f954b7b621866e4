//! Opening an execution again after it failed or could not run.

use rusqlite::params;

use super::{
    column_values::to_json,
    execution_rows,
    plan_counters::{Counter, CounterChange},
    statements::Statements as _,
    write_context::WriteContext,
};
use crate::store::{
    Reset, StoreError,
    protocol::{EventKind, payload, refusals},
};

pub(super) fn reset(context: &mut WriteContext, request: &Reset) -> Result<(), StoreError> {
    let id = request.execution;
    let found = execution_rows::find(&context.db, id)?;
    let is_reset = context.db.change_if(
        "a reset",
        "UPDATE executions SET state = 0, generation = generation + 1, reset_epoch = epoch,
           expiries = 0, skips = 0, alone = 0, start_failures = '', lost_on = '', late_results = 0, principal = '',
           deadline = NULL, timeout_ms = NULL, squish_server = NULL, worker = NULL,
           nonce = NULL, lease_hash = NULL, digest = NULL,
           verdict = NULL, duration_ms = NULL, flaky = NULL, error = NULL, details = NULL
         WHERE id = ?1 AND state = 3 AND (error IS NOT NULL OR verdict = 1)
           AND (?2 IS NULL OR generation = ?2)",
        params![id.0, request.generation],
    )?;
    if !is_reset {
        return refusals::reset(&found.facts, request.generation);
    }
    CounterChange::of_move(Counter::Done, Counter::Open)
        .verdict(found.outcome.as_ref().and_then(payload::verdict), -1)
        .write(&context.db, found.plan, found.label_set)?;
    context.record_event(
        found.plan,
        (id, found.facts.epoch),
        EventKind::Reset,
        &request.principal,
        &to_json(&found.outcome)?,
    )?;
    context.note_opened(found.plan, found.label_set)
}
