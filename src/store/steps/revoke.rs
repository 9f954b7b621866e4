//! Ending a lease that its holder keeps: the execution opens again, and no attempt is counted as lost.

use super::{cancel, write_context::WriteContext};
use crate::store::{
    NewAction, RefusalCode, Revoke, StoreError,
    protocol::{
        EventKind, cancellation,
        not_found::not_of_plan,
        payload::cut,
        refuse,
        request_limits::{MAX_CHARS, MAX_REASON},
    },
    rows::{Counter, CounterChange, EndingRow},
};

pub(in crate::store) fn revoke(
    context: &mut WriteContext<'_>,
    request: &Revoke,
) -> Result<(), StoreError> {
    let id = request.execution;
    let plan = context.started_plan(request.plan)?;
    let Some(row) = context
        .rows
        .ending_row(id)?
        .filter(|row| row.plan == plan.id)
    else {
        return Err(not_of_plan(id, plan.id));
    };
    if row.state != 2 {
        return Err(refuse(
            RefusalCode::NotReserved,
            format!("no worker holds execution {id} now: there is no lease to release."),
        ));
    }
    let reason = cancellation::in_one_line(&cut(&request.reason, MAX_REASON));
    let principal = cut(&request.principal, MAX_CHARS);
    if let Some(binding) = row.binding() {
        // Its worker does not know yet.
        let free_from = context.now().plus(context.rules().cool_down);
        context.rows.cool_server_down(binding, free_from)?;
    }
    let attempt = (id, row.epoch);
    context.rows.revoke(attempt)?;
    let change = CounterChange::of_move(Counter::Reserved, Counter::Open);
    context.rows.count(row.plan, row.label_set, change)?;
    context.record_event(row.plan, attempt, EventKind::Revoked, &principal, &reason)?;
    let now = context.now();
    let action = NewAction {
        principal: principal.clone(),
        action: "release".to_owned(),
        subject: format!("execution {id} of plan {}", row.plan),
        detail: reason,
    };
    context.rows.add_action(&action, now)?;
    match row.error.clone() {
        Some(error) => {
            let opened = EndingRow { state: 0, ..row };
            cancel::end(context, &opened, (&error, &principal))
        }
        None => context.note_opened(row.plan, row.label_set),
    }
}
