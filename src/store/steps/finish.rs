//! Taking results: counts the result of the current lease, keeps other results in the history.

use super::{history::learn, imported_verdicts, server_binding, write_context::WriteContext};
use crate::{
    model::{Outcome, TestVerdict},
    store::{
        Finish, RefusalCode, StoreError,
        protocol::{
            EventKind, PresentedLease, StoredDigest,
            payload::{self, MAX_DETAILS, MAX_MESSAGE, cut},
            refusals,
            request_limits::MAX_LATE_RESULTS,
            token_derivation,
        },
        rows::{
            ChangedExecution, Counter, CounterChange, ExecutionRow, LeaseHolder, OutcomeColumns,
            ServerBinding,
        },
        values::to_json,
    },
};

pub(in crate::store) fn finish(
    context: &mut WriteContext<'_>,
    finish: &Finish,
) -> Result<(), StoreError> {
    let presented = PresentedLease {
        lease: finish.lease.as_ref(),
        principal: &finish.principal,
        require_lease: context.rules().require_lease,
    };
    let outcome = payload::outcome(finish);
    let digest = StoredDigest::of(finish);
    let changed = match LeaseHolder::of(finish.execution, presented) {
        Some(holder) => {
            let columns = OutcomeColumns::of(&outcome).failed_because(&finish.failure);
            context.rows.finish(&holder, &columns, &digest)?
        }
        None => None,
    };
    if let Some(changed) = changed {
        return settle(context, finish, &outcome, &changed);
    }
    let found = context.execution(finish.execution)?;
    let answer = refusals::finish(&found.facts, presented, finish);
    if let Err(StoreError::Refused(refusal)) = &answer {
        keep_in_history(context, finish, &found, refusal.code)?;
    }
    answer
}

/// Everything that follows from a counted result.
fn settle(
    context: &mut WriteContext<'_>,
    finish: &Finish,
    outcome: &Outcome,
    changed: &ChangedExecution,
) -> Result<(), StoreError> {
    let principal = finish.principal.as_str();
    if let Some(binding) = ServerBinding::of(finish.execution, changed) {
        if let Some(trouble) = finish.server_trouble {
            server_binding::free_troubled(context, binding, trouble, (changed.plan, principal))?;
        } else {
            context.rows.free_server(binding, true)?;
            context.note_free_server();
        }
    }
    let from = if changed.was_expired(context.now()) {
        Counter::Open
    } else {
        Counter::Reserved
    };
    let change = CounterChange::of_move(from, Counter::Done).verdict(payload::verdict(outcome), 1);
    let left = context
        .rows
        .count(changed.plan, changed.label_set, change)?;
    context.record_event(
        changed.plan,
        (finish.execution, changed.epoch),
        EventKind::Finished,
        principal,
        outcome_word(outcome),
    )?;
    match outcome {
        Outcome::Completed {
            result: Some(result),
        } => learn(context, (changed.test, changed.label_set), *result)?,
        Outcome::Completed { result: None } => {
            imported_verdicts::take_imported(context, finish.execution, changed, principal)?;
        }
        Outcome::ExecutionError { .. } | Outcome::LeaseLost | Outcome::Cancelled => {}
    }
    context.note_ended(changed.plan, changed.label_set, left)
}

/// Keeps a result that does not count in the history, up to [`MAX_LATE_RESULTS`].
fn keep_in_history(
    context: &mut WriteContext<'_>,
    finish: &Finish,
    found: &ExecutionRow,
    code: RefusalCode,
) -> Result<(), StoreError> {
    let Some(kind) = refusals::kept_as(code) else {
        return Ok(());
    };
    let has_room = context
        .rows
        .count_late_result(finish.execution, MAX_LATE_RESULTS.into())?;
    if !has_room {
        return Ok(());
    }
    let claimed = finish.lease.as_ref().and_then(token_derivation::epoch);
    let epoch = claimed.unwrap_or(found.facts.epoch).min(found.facts.epoch);
    let detail = to_json(&serde_json::json!({
        "message": cut(&finish.message, MAX_MESSAGE),
        "details": cut(&finish.details, MAX_DETAILS),
        "outcome": finish.result,
    }))?;
    let attempt = (finish.execution, epoch);
    context.record_event(found.plan, attempt, kind, &finish.principal, &detail)
}

fn outcome_word(outcome: &Outcome) -> &'static str {
    match (outcome, payload::verdict(outcome)) {
        (_, Some(TestVerdict::Passed)) => "passed",
        (_, Some(TestVerdict::Failed)) => "failed",
        (_, Some(TestVerdict::Skipped)) => "skipped",
        (Outcome::Completed { .. }, None) => "completed",
        (Outcome::ExecutionError { .. } | Outcome::LeaseLost | Outcome::Cancelled, None) => "error",
    }
}
