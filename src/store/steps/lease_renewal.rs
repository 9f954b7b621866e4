//! Keeping a lease, reviving an expired one, and releasing one.

use std::time::Duration;

use super::{cancel, failed_start, server_binding, write_context::WriteContext};
use crate::store::{
    Heartbeat, StoreError,
    protocol::{
        EventKind, PresentedLease,
        event_kind::length_changed,
        payload::{MAX_MESSAGE, cut},
        refusals,
        request_limits::{LONGEST_LEASE, SHORTEST_HEARTBEAT},
    },
    rows::{
        ChangedExecution, Counter, CounterChange, LeaseHolder, LeaseLength, ServerBinding,
        exactly_one,
    },
    values::ms,
};

pub(in crate::store) fn heartbeat(
    context: &mut WriteContext<'_>,
    beat: &Heartbeat,
) -> Result<(), StoreError> {
    let presented = PresentedLease {
        lease: beat.lease.as_ref(),
        principal: &beat.principal,
        // Without the lease one worker could release what another worker of the same principal runs.
        require_lease: context.rules().require_lease || beat.release,
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
    let found = context.execution(beat.execution)?;
    refusals::heartbeat(&found.facts, presented, beat.release)
}

fn renew(
    context: &mut WriteContext<'_>,
    beat: &Heartbeat,
    holder: &LeaseHolder<'_>,
    timeout: Duration,
) -> Result<bool, StoreError> {
    let before = context.rows.lease_length(beat.execution)?;
    let length = lease_length(context, timeout);
    let now = context.now();
    let Some(changed) = context.rows.renew(holder, length, now)? else {
        return Ok(false);
    };
    context.note_end(length.deadline);
    if before.is_none_or(|before| length_changed(before, ms(timeout))) {
        let detail = format!("lease of {} ms", ms(timeout));
        record(context, &changed, beat, EventKind::Heartbeat, &detail)?;
    }
    Ok(true)
}

/// Revives an expired lease, if neither the execution nor its Squish server was given to another lease.
fn revive(
    context: &mut WriteContext<'_>,
    beat: &Heartbeat,
    holder: &LeaseHolder<'_>,
    timeout: Duration,
) -> Result<bool, StoreError> {
    let length = lease_length(context, timeout);
    let Some(changed) = context.rows.revive(holder, length)? else {
        return Ok(false);
    };
    if let Some(binding) = ServerBinding::of(beat.execution, &changed) {
        let rebound = context.rows.rebind_server(binding)?;
        exactly_one(usize::from(rebound), "the Squish server of a revived lease")?;
    }
    context.rows.count(
        changed.plan,
        changed.label_set,
        CounterChange::of_move(Counter::Open, Counter::Reserved),
    )?;
    context.note_end(length.deadline);
    let detail = "revived after its end";
    record(context, &changed, beat, EventKind::Heartbeat, detail)?;
    Ok(true)
}

/// Opens the execution at once. Its row keeps the lease, so that a repeated release is recognised.
fn release(
    context: &mut WriteContext<'_>,
    beat: &Heartbeat,
    holder: &LeaseHolder<'_>,
) -> Result<bool, StoreError> {
    let Some(changed) = context.rows.release(holder, beat.alone)? else {
        return Ok(false);
    };
    if let Some(binding) = ServerBinding::of(beat.execution, &changed) {
        if let Some(trouble) = beat.server_trouble {
            let origin = (changed.plan, beat.principal.as_str());
            server_binding::free_troubled(context, binding, trouble, origin)?;
        } else {
            context.rows.free_server(binding, false)?;
            context.note_free_server();
        }
    }
    if !changed.was_expired(context.now()) {
        context.rows.count(
            changed.plan,
            changed.label_set,
            CounterChange::of_move(Counter::Reserved, Counter::Open),
        )?;
    }
    if let Some(not_started) = &beat.not_started {
        let reason = &cut(&not_started.reason, MAX_MESSAGE);
        record(context, &changed, beat, EventKind::NotStarted, reason)?;
        if changed.error.is_none() {
            failed_start::note(context, beat.execution, &changed, not_started)?;
        }
    } else {
        let detail = if beat.alone { "to run alone" } else { "" };
        record(context, &changed, beat, EventKind::Released, detail)?;
        if changed.error.is_none() {
            context.note_opened(changed.plan, changed.label_set)?;
        }
    }
    if let Some(error) = &changed.error {
        let attempt = (beat.execution, changed.epoch);
        cancel::end_instead(
            context,
            (attempt, 0),
            (changed.plan, changed.label_set),
            error,
        )?;
    }
    Ok(true)
}

fn lease_length(context: &WriteContext<'_>, timeout: Duration) -> LeaseLength {
    LeaseLength {
        deadline: context.lease_end(timeout),
        timeout_ms: ms(timeout),
    }
}

fn record(
    context: &mut WriteContext<'_>,
    changed: &ChangedExecution,
    beat: &Heartbeat,
    kind: EventKind,
    detail: &str,
) -> Result<(), StoreError> {
    let attempt = (beat.execution, changed.epoch);
    context.record_event(changed.plan, attempt, kind, &beat.principal, detail)
}
