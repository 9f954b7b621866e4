//! Noting that a worker could not start an execution, and ending it once nobody is left to try.

use rusqlite::params;

use super::{
    holder::ChangedExecution,
    plan_counters::{Counter, CounterChange},
    statements::Statements as _,
    write_context::WriteContext,
};
use crate::{
    model::ExecutionId,
    store::{
        NotStarted, StoreError,
        protocol::{EventKind, StartFailures, start_failures::AfterStartFailure},
    },
};

/// Adds the reason to an execution that was just released. Ends it with all its reasons if nobody is left to try.
pub(super) fn note(
    context: &mut WriteContext,
    execution: ExecutionId,
    changed: &ChangedExecution,
    not_started: &NotStarted,
) -> Result<(), StoreError> {
    let (worker, mut failures): (String, StartFailures) = context.db.read_one(
        "SELECT coalesce(worker, principal), start_failures FROM executions WHERE id = ?1",
        [execution.0],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let live = able(context, changed, not_started)?;
    match failures.add(&worker, &not_started.reason, &live) {
        AfterStartFailure::TryAgain => {
            context.db.change_one(
                "a failed start",
                "UPDATE executions SET start_failures = ?3 WHERE id = ?1 AND state = 0 AND epoch = ?2",
                params![execution.0, changed.epoch, failures],
            )?;
            context.note_opened(changed.plan, changed.label_set)
        }
        AfterStartFailure::End => end(context, execution, changed, &failures),
    }
}

/// The workers there that offer what the execution requires.
fn able(
    context: &mut WriteContext,
    changed: &ChangedExecution,
    not_started: &NotStarted,
) -> Result<Vec<String>, StoreError> {
    let plan = context.plan(changed.plan)?;
    let mut sets = plan.label_sets.iter();
    let required = sets.find_map(|(set, required)| (*set == changed.label_set).then_some(required));
    let able = not_started.live.iter().filter(|(_, offered)| {
        required.is_none_or(|required| offered.covers(required, context.rules.label_case))
    });
    Ok(able.map(|(worker, _)| worker.clone()).collect())
}

fn end(
    context: &mut WriteContext,
    execution: ExecutionId,
    changed: &ChangedExecution,
    failures: &StartFailures,
) -> Result<(), StoreError> {
    let error = failures.error();
    context.db.change_one(
        "ending an execution that nobody can start",
        "UPDATE executions SET state = 3, error = ?3, details = '', start_failures = ?4,
           lease_hash = NULL, nonce = NULL, digest = NULL
         WHERE id = ?1 AND state = 0 AND epoch = ?2",
        params![execution.0, changed.epoch, error, failures],
    )?;
    let left = CounterChange::of_move(Counter::Open, Counter::Done).write(
        &context.db,
        changed.plan,
        changed.label_set,
    )?;
    let attempt = (execution, changed.epoch);
    context.record_event(changed.plan, attempt, EventKind::Unstartable, "", &error)?;
    context.note_ended(changed.plan, changed.label_set, left)
}
