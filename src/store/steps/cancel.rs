//! Cancelling a plan: what is open ends at once, what runs may finish or loses its lease.
//!
//! The first transaction notes that the plan is cancelled. From then on nothing of it is handed out, and an execution whose
//! lease ends does not open again. It also ends the first executions; further transactions end the others, so that none of them
//! keeps other requests waiting for long.

use super::write_context::WriteContext;
use crate::{
    model::{ExecutionId, PlanId, PlanStatus},
    store::{
        CancelPlan, CancelledPlan, NewAction, StoreError,
        protocol::{
            EventKind, cancellation,
            payload::cut,
            request_limits::{MAX_CHARS, MAX_REASON},
        },
        rows::{Cancelling, Counter, CounterChange, EndingRow},
        values::to_json,
    },
};

/// Most executions that one transaction ends.
const MAX_ENDS: u32 = 1_000;

/// Begins to end the executions of a plan. A plan without any that is left is not changed.
pub(in crate::store) fn begin(
    context: &mut WriteContext<'_>,
    request: &CancelPlan,
) -> Result<CancelledPlan, StoreError> {
    let plan = context.started_plan(request.plan)?.id;
    let now = context.now();
    let counts = context.rows.counters(plan, now)?.into_iter();
    let PlanStatus { open, reserved, .. } = counts.map(|(_, status)| status).sum();
    let mut found = CancelledPlan {
        open,
        running: reserved,
        is_ending: false,
    };
    let reason = cancellation::in_one_line(&cut(&request.reason, MAX_REASON));
    let principal = cut(&request.principal, MAX_CHARS);
    let cancel = Cancelling {
        error: cancellation::error(&principal, &reason),
        principal,
        stops_running: request.stop_running,
    };
    if context.rows.cancelling(plan)?.as_ref() == Some(&cancel) {
        // The same request again, whose answer came too late.
        found.is_ending = end_more(context, plan)?;
        return Ok(found);
    }
    let noted = context
        .rows
        .note_end_of_leases(plan, &cancel.error, request.stop_running)?;
    if open == 0 && noted == 0 {
        return Ok(found);
    }
    context.rows.begin_cancel(plan, &cancel)?;
    let detail = to_json(&serde_json::json!({
        "reason": reason,
        "open": open,
        "running": reserved,
        "stop_running": request.stop_running,
    }))?;
    // The event of the plan is before those of its executions, and of none of them.
    let nothing = (ExecutionId(0), 0);
    context.record_event(
        plan,
        nothing,
        EventKind::PlanCancelled,
        &cancel.principal,
        &detail,
    )?;
    let action = NewAction {
        principal: cancel.principal.clone(),
        action: "cancel".to_owned(),
        subject: format!("plan {plan}"),
        detail: summary(open, reserved, request.stop_running, &reason),
    };
    context.rows.add_action(&action, now)?;
    found.is_ending = end_more(context, plan)?;
    Ok(found)
}

/// What a cancel did, for the audit list.
fn summary(open: u64, running: u64, stops: bool, reason: &str) -> String {
    let fate = if stops { "stopped" } else { "may finish" };
    let counts = format!("{open} open, {running} running ({fate})");
    if reason.is_empty() {
        counts
    } else {
        format!("{reason}; {counts}")
    }
}

/// Ends the next executions of a cancelled plan; `true` if more are left.
pub(in crate::store) fn end_more(
    context: &mut WriteContext<'_>,
    plan: PlanId,
) -> Result<bool, StoreError> {
    let Some(cancel) = context.rows.cancelling(plan)? else {
        return Ok(false);
    };
    let rows = context.rows.to_be_cancelled(plan, &cancel, MAX_ENDS)?;
    let is_more = rows.len() >= MAX_ENDS as usize;
    for row in rows {
        if let Some(binding) = row.binding() {
            // Its worker does not know yet.
            let free_from = context.now().plus(context.rules().cool_down);
            context.rows.cool_server_down(binding, free_from)?;
        }
        end(context, &row, (&cancel.error, &cancel.principal))?;
    }
    if !is_more {
        context.rows.end_cancel(plan)?;
    }
    Ok(is_more)
}

/// Ends an execution whose lease ended after its plan was cancelled, in place of opening it. It counts as open.
pub(in crate::store) fn end_instead(
    context: &mut WriteContext<'_>,
    ((execution, epoch), state): ((ExecutionId, u32), i64),
    (plan, label_set): (PlanId, i64),
    error: &str,
) -> Result<(), StoreError> {
    let row = EndingRow {
        execution,
        epoch,
        plan,
        label_set,
        state,
        squish_server: None,
        error: None,
    };
    end(context, &row, (error, ""))
}

/// Ends an execution, which counts as open or reserved according to its state.
pub(in crate::store) fn end(
    context: &mut WriteContext<'_>,
    row: &EndingRow,
    (error, principal): (&str, &str),
) -> Result<(), StoreError> {
    let attempt = (row.execution, row.epoch);
    context.rows.end_cancelled(attempt, row.state, error)?;
    let from = if row.state == 2 {
        Counter::Reserved
    } else {
        Counter::Open
    };
    let change = CounterChange::of_move(from, Counter::Done);
    let left = context.rows.count(row.plan, row.label_set, change)?;
    context.record_event(row.plan, attempt, EventKind::Cancelled, principal, error)?;
    context.note_ended(row.plan, row.label_set, left)
}
