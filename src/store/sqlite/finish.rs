//! Taking results: counts the result of the current lease, keeps other results in the history.

use rusqlite::params;

use super::{
    column_values::to_json,
    execution_rows::{self, ExecutionRow, OutcomeColumns},
    history,
    holder::{ChangedExecution, LeaseHolder, held_by, returning_changed},
    imported_verdicts,
    plan_counters::{Counter, CounterChange},
    server_binding::ServerBinding,
    statements::Statements as _,
    write_context::WriteContext,
};
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
    },
};

pub(super) fn finish(context: &mut WriteContext, finish: &Finish) -> Result<(), StoreError> {
    let presented = PresentedLease {
        lease: finish.lease.as_ref(),
        principal: &finish.principal,
        require_lease: context.rules.require_lease,
    };
    let outcome = payload::outcome(finish);
    let digest = StoredDigest::of(finish);
    let changed = match LeaseHolder::of(finish.execution, presented) {
        Some(holder) => count(context, &holder, &outcome, &digest)?,
        None => None,
    };
    if let Some(changed) = changed {
        return settle(context, finish, &outcome, &changed);
    }
    let found = execution_rows::find(&context.db, finish.execution)?;
    let answer = refusals::finish(&found.facts, presented, finish);
    if let Err(StoreError::Refused(refusal)) = &answer {
        keep_in_history(context, finish, &found, refusal.code)?;
    }
    answer
}

/// The guarded statement: the result of the holder becomes the outcome.
fn count(
    context: &WriteContext,
    holder: &LeaseHolder<'_>,
    outcome: &Outcome,
    digest: &StoredDigest,
) -> Result<Option<ChangedExecution>, StoreError> {
    let columns = OutcomeColumns::of(outcome);
    holder.change(
        context,
        concat!(
            "UPDATE executions SET state = 3, digest = ?5, verdict = ?6, duration_ms = ?7, flaky = ?8,
               error = ?9, details = ?10 WHERE",
            held_by!(),
            "AND state IN (1, 2)",
            returning_changed!()
        ),
        &[
            digest,
            &columns.verdict,
            &columns.duration_ms,
            &columns.flaky,
            &columns.error,
            &columns.details,
        ],
    )
}

/// Everything that follows from a counted result.
fn settle(
    context: &mut WriteContext,
    finish: &Finish,
    outcome: &Outcome,
    changed: &ChangedExecution,
) -> Result<(), StoreError> {
    let principal = finish.principal.as_str();
    if let Some(binding) = ServerBinding::of(finish.execution, changed) {
        if let Some(trouble) = finish.server_trouble {
            binding.free_troubled(context, trouble, (changed.plan, principal))?;
        } else {
            binding.free_healthy(context)?;
            context.note_free_server();
        }
    }
    let from = if changed.was_expired(context.now) {
        Counter::Open
    } else {
        Counter::Reserved
    };
    let left = CounterChange::of_move(from, Counter::Done)
        .verdict(payload::verdict(outcome), 1)
        .write(&context.db, changed.plan, changed.label_set)?;
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
        } => history::learn(&context.db, changed.test, changed.label_set, *result)?,
        Outcome::Completed { result: None } => {
            imported_verdicts::take_imported(context, finish.execution, changed, principal)?;
        }
        Outcome::ExecutionError { .. } | Outcome::LeaseLost | Outcome::Cancelled => {}
    }
    context.note_ended(changed.plan, changed.label_set, left)
}

/// Keeps a result that does not count in the history, up to [`MAX_LATE_RESULTS`].
fn keep_in_history(
    context: &WriteContext,
    finish: &Finish,
    found: &ExecutionRow,
    code: RefusalCode,
) -> Result<(), StoreError> {
    let Some(kind) = refusals::kept_as(code) else {
        return Ok(());
    };
    let has_room = context.db.change_if(
        "a late result",
        "UPDATE executions SET late_results = late_results + 1 WHERE id = ?1 AND late_results < ?2",
        params![finish.execution.0, MAX_LATE_RESULTS],
    )?;
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
