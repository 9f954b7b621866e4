//! Keeping a lease, reviving one that ended unnoticed by others, and giving one back.

use std::time::Duration;

use super::{
    counts::Move,
    desk::Desk,
    executions,
    holder::{Hit, Holder, held, hit},
    lapse,
    rows::{exactly_one, ms},
    trouble::{self, Over},
};
use crate::store::{
    Heartbeat, StoreError,
    protocol::{
        EventKind, Presented,
        event::length_changed,
        heartbeat,
        limits::{LONGEST_LEASE, SHORTEST_HEARTBEAT},
    },
};

pub(super) fn heartbeat(desk: &mut Desk, beat: &Heartbeat) -> Result<(), StoreError> {
    let presented = Presented {
        lease: beat.lease.as_ref(),
        principal: &beat.principal,
        // Without it one worker could give away what another one of the same principal runs.
        require_lease: desk.rules.require_lease || beat.release,
    };
    let done = match Holder::of(beat.execution, presented) {
        Some(holder) if beat.release => release(desk, beat, &holder)?,
        Some(holder) => {
            let timeout = beat.timeout.clamp(SHORTEST_HEARTBEAT, LONGEST_LEASE);
            extend(desk, beat, &holder, timeout)? || revive(desk, beat, &holder, timeout)?
        }
        None => false,
    };
    if done {
        return Ok(());
    }
    let found = executions::find(&desk.db, beat.execution)?;
    heartbeat::refused(&found.view, presented, beat.release)
}

fn extend(
    desk: &mut Desk,
    beat: &Heartbeat,
    holder: &Holder<'_>,
    timeout: Duration,
) -> Result<bool, StoreError> {
    let before = holder.timeout_ms(desk)?;
    let deadline = desk.now.plus(timeout);
    let Some(hit) = holder.change(
        desk,
        concat!(
            "UPDATE executions SET deadline = ?5, timeout_ms = ?6 WHERE",
            held!(),
            "AND state = 2 AND deadline > ?7",
            hit!()
        ),
        &[&deadline.0, &ms(timeout), &desk.now.0],
    )?
    else {
        return Ok(false);
    };
    desk.earliest_end = desk.earliest_end.min(deadline);
    if before.is_none_or(|before| length_changed(before, ms(timeout))) {
        let detail = format!("lease of {} ms", ms(timeout));
        tell(desk, &hit, beat, EventKind::Heartbeat, &detail)?;
    }
    Ok(true)
}

/// The lease ended, but nobody took the execution since, nor its Squish server: it goes on as if nothing were.
fn revive(
    desk: &mut Desk,
    beat: &Heartbeat,
    holder: &Holder<'_>,
    timeout: Duration,
) -> Result<bool, StoreError> {
    let deadline = desk.now.plus(timeout);
    let Some(hit) = holder.change(
        desk,
        concat!(
            "UPDATE executions SET state = 2, deadline = ?5, timeout_ms = ?6, skips = 0 WHERE",
            held!(),
            "AND state = 1 AND (squish_server IS NULL OR EXISTS (SELECT 1 FROM squish_servers s
               WHERE s.id = squish_server AND s.exec = executions.id AND s.epoch = executions.epoch))",
            hit!()
        ),
        &[&deadline.0, &ms(timeout)],
    )?
    else {
        return Ok(false);
    };
    if let Some(squish_server) = hit.squish_server {
        let back = lapse::rebind(desk, squish_server, beat.execution, hit.epoch)?;
        exactly_one(usize::from(back), "the Squish server of a revived lease")?;
    }
    let step = Move {
        open: -1,
        reserved: 1,
        ..Move::default()
    };
    step.write(&desk.db, hit.plan, hit.label_set)?;
    desk.earliest_end = desk.earliest_end.min(deadline);
    tell(
        desk,
        &hit,
        beat,
        EventKind::Heartbeat,
        "revived after its end",
    )?;
    Ok(true)
}

/// Opens the execution at once. The lease stays known, so that a repeated release is recognised.
fn release(desk: &mut Desk, beat: &Heartbeat, holder: &Holder<'_>) -> Result<bool, StoreError> {
    let Some(hit) = holder.change(
        desk,
        concat!(
            "UPDATE executions SET state = 0 WHERE",
            held!(),
            "AND state IN (1, 2)",
            hit!()
        ),
        &[],
    )?
    else {
        return Ok(false);
    };
    let over = Over {
        plan: hit.plan,
        execution: beat.execution,
        epoch: hit.epoch,
        squish_server: hit.squish_server,
        principal: &beat.principal,
    };
    match beat.server_trouble {
        Some(found) => trouble::rest(desk, &over, found)?,
        None => lapse::unbind(desk, hit.squish_server, beat.execution, hit.epoch)?,
    }
    if !hit.was_over(desk.now) {
        let step = Move {
            open: 1,
            reserved: -1,
            ..Move::default()
        };
        step.write(&desk.db, hit.plan, hit.label_set)?;
    }
    tell(desk, &hit, beat, EventKind::Released, "")?;
    desk.note_change();
    Ok(true)
}

fn tell(
    desk: &Desk,
    hit: &Hit,
    beat: &Heartbeat,
    kind: EventKind,
    detail: &str,
) -> Result<(), StoreError> {
    let who = (beat.execution, hit.epoch);
    desk.event(hit.plan, who, kind, &beat.principal, detail)
}
