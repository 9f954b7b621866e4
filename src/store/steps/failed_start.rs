//! Noting that a worker could not start an execution, and ending it once nobody is left to try.

use super::write_context::WriteContext;
use crate::{
    model::ExecutionId,
    store::{
        NotStarted, StoreError,
        protocol::{EventKind, StartFailures, start_failures::AfterStartFailure},
        rows::{ChangedExecution, Counter, CounterChange},
    },
};

/// Adds the reason to an execution that was just released. Ends it with all its reasons if nobody is left to try.
pub(in crate::store) fn note(
    context: &mut WriteContext<'_>,
    execution: ExecutionId,
    changed: &ChangedExecution,
    not_started: &NotStarted,
) -> Result<(), StoreError> {
    let (worker, mut failures) = context.rows.start_failures(execution)?;
    let live = able(context, changed, not_started)?;
    match failures.add(&worker, &not_started.reason, &live) {
        AfterStartFailure::TryAgain => {
            let attempt = (execution, changed.epoch);
            context.rows.note_start_failures(attempt, &failures)?;
            context.note_opened(changed.plan, changed.label_set)
        }
        AfterStartFailure::End => end(context, execution, changed, &failures),
    }
}

/// The workers there that offer what the execution requires.
fn able(
    context: &mut WriteContext<'_>,
    changed: &ChangedExecution,
    not_started: &NotStarted,
) -> Result<Vec<String>, StoreError> {
    let plan = context.plan(changed.plan)?;
    let mut sets = plan.label_sets.iter();
    let required = sets.find_map(|(set, required)| (*set == changed.label_set).then_some(required));
    let label_case = context.rules().label_case;
    let able = not_started.live.iter().filter(|(_, offered)| {
        required.is_none_or(|required| offered.covers(required, label_case))
    });
    Ok(able.map(|(worker, _)| worker.clone()).collect())
}

fn end(
    context: &mut WriteContext<'_>,
    execution: ExecutionId,
    changed: &ChangedExecution,
    failures: &StartFailures,
) -> Result<(), StoreError> {
    let error = failures.error();
    let attempt = (execution, changed.epoch);
    context.rows.end_unstartable(attempt, &error, failures)?;
    let left = context.rows.count(
        changed.plan,
        changed.label_set,
        CounterChange::of_move(Counter::Open, Counter::Done),
    )?;
    context.record_event(changed.plan, attempt, EventKind::Unstartable, "", &error)?;
    context.note_ended(changed.plan, changed.label_set, left)
}
