//! Keeping a lease, reviving an expired one, and releasing one.

use std::time::Duration;

use super::{
    column_values::ms,
    execution_rows, failed_start,
    holder::{ChangedExecution, LeaseHolder, held_by, returning_changed},
    plan_counters::{Counter, CounterChange},
    server_binding::ServerBinding,
    statements::exactly_one,
    write_context::WriteContext,
};
use crate::store::{
    Heartbeat, StoreError,
    protocol::{
        EventKind, PresentedLease,
        event_kind::length_changed,
        payload::{MAX_MESSAGE, cut},
        refusals,
        request_limits::{LONGEST_LEASE, SHORTEST_HEARTBEAT},
    },
};

pub(super) fn heartbeat(context: &mut WriteContext, beat: &Heartbeat) -> Result<(), StoreError> {
    let presented = PresentedLease {
        lease: beat.lease.as_ref(),
        principal: &beat.principal,
        // Without the lease one worker could release what another worker of the same principal runs.
        require_lease: context.rules.require_lease || beat.release,
    };
    let done = match LeaseHolder::of(beat.execution, presented) {
        Some(holder) if beat.release => release(context, beat, &holder)?,
        Some(holder) => {
            let timeout = beat.timeout.clamp(SHORTEST_HEARTBEAT, LONGEST_LEASE);
            renew(context, beat, &holder, timeout)? || revive(context, beat, &holder, timeout)?
        }
        None => false,
    };
    if done {
        return Ok(());
    }
    let found = execution_rows::find(&context.db, beat.execution)?;
    refusals::heartbeat(&found.facts, presented, beat.release)
}

fn renew(
    context: &mut WriteContext,
    beat: &Heartbeat,
    holder: &LeaseHolder<'_>,
    timeout: Duration,
) -> Result<bool, StoreError> {
    let before = holder.timeout_ms(context)?;
    let deadline = context.lease_end(timeout);
    let Some(changed) = holder.change(
        context,
        concat!(
            "UPDATE executions SET deadline = ?5, timeout_ms = ?6, compensated_ms = 0 WHERE",
            held_by!(),
            "AND state = 2 AND deadline > ?7",
            returning_changed!()
        ),
        &[&deadline.0, &ms(timeout), &context.now.0],
    )?
    else {
        return Ok(false);
    };
    context.earliest_end = context.earliest_end.min(deadline);
    if before.is_none_or(|before| length_changed(before, ms(timeout))) {
        let detail = format!("lease of {} ms", ms(timeout));
        record(context, &changed, beat, EventKind::Heartbeat, &detail)?;
    }
    Ok(true)
}

/// Revives an expired lease, if neither the execution nor its Squish server was given to another lease.
fn revive(
    context: &mut WriteContext,
    beat: &Heartbeat,
    holder: &LeaseHolder<'_>,
    timeout: Duration,
) -> Result<bool, StoreError> {
    let deadline = context.lease_end(timeout);
    let Some(changed) = holder.change(
        context,
        concat!(
            "UPDATE executions SET state = 2, deadline = ?5, timeout_ms = ?6, compensated_ms = 0, skips = 0 WHERE",
            held_by!(),
            "AND state = 1 AND (squish_server IS NULL OR EXISTS (SELECT 1 FROM squish_servers s
               WHERE s.id = squish_server AND s.exec = executions.id AND s.epoch = executions.epoch))",
            returning_changed!()
        ),
        &[&deadline.0, &ms(timeout)],
    )?
    else {
        return Ok(false);
    };
    if let Some(binding) = ServerBinding::of(beat.execution, &changed) {
        let rebound = binding.rebind(context)?;
        exactly_one(usize::from(rebound), "the Squish server of a revived lease")?;
    }
    CounterChange::of_move(Counter::Open, Counter::Reserved).write(
        &context.db,
        changed.plan,
        changed.label_set,
    )?;
    context.earliest_end = context.earliest_end.min(deadline);
    let detail = "revived after its end";
    record(context, &changed, beat, EventKind::Heartbeat, detail)?;
    Ok(true)
}

/// Opens the execution at once. Its row keeps the lease, so that a repeated release is recognised.
fn release(
    context: &mut WriteContext,
    beat: &Heartbeat,
    holder: &LeaseHolder<'_>,
) -> Result<bool, StoreError> {
    let Some(changed) = holder.change(
        context,
        concat!(
            "UPDATE executions SET state = 0, skips = 0, alone = max(alone, ?5) WHERE",
            held_by!(),
            "AND state IN (1, 2)",
            returning_changed!()
        ),
        &[&beat.alone],
    )?
    else {
        return Ok(false);
    };
    if let Some(binding) = ServerBinding::of(beat.execution, &changed) {
        if let Some(trouble) = beat.server_trouble {
            binding.free_troubled(context, trouble, (changed.plan, &beat.principal))?;
        } else {
            binding.free(context)?;
            context.note_free_server();
        }
    }
    if !changed.was_expired(context.now) {
        CounterChange::of_move(Counter::Reserved, Counter::Open).write(
            &context.db,
            changed.plan,
            changed.label_set,
        )?;
    }
    if let Some(not_started) = &beat.not_started {
        let reason = &cut(&not_started.reason, MAX_MESSAGE);
        record(context, &changed, beat, EventKind::NotStarted, reason)?;
        failed_start::note(context, beat.execution, &changed, not_started)?;
    } else {
        let detail = if beat.alone { "to run alone" } else { "" };
        record(context, &changed, beat, EventKind::Released, detail)?;
        context.note_opened(changed.plan, changed.label_set)?;
    }
    Ok(true)
}

fn record(
    context: &WriteContext,
    changed: &ChangedExecution,
    beat: &Heartbeat,
    kind: EventKind,
    detail: &str,
) -> Result<(), StoreError> {
    let attempt = (beat.execution, changed.epoch);
    context.record_event(changed.plan, attempt, kind, &beat.principal, detail)
}
