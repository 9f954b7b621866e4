//! Leases that end, and leases that end later because the service was away.
//!
//! The writer notices every lease that is over before it does anything else at that time, so a row that says
//! "reserved" is, to a request, under a valid lease. A sweep only makes that happen when nothing else does.

use std::time::Duration;

use rusqlite::params;

use super::{
    counts::Move,
    desk::Desk,
    rows::{exactly_one, ms, one_or_none, span},
};
use crate::{
    model::{ExecutionId, PlanId, Timestamp},
    store::{StoreError, protocol::EventKind},
};

struct Lease {
    execution: ExecutionId,
    epoch: u32,
    plan: PlanId,
    label_set: i64,
    state: i64,
    deadline: Timestamp,
    timeout: Duration,
    squish_server: Option<i64>,
    principal: String,
    worker: Option<String>,
}

fn leases(desk: &Desk, which: &str, limit: Timestamp) -> Result<Vec<Lease>, StoreError> {
    let sql = format!(
        "SELECT id, epoch, plan, label_set, state, deadline, timeout_ms, squish_server, principal, worker
         FROM executions WHERE {which} ORDER BY deadline, id"
    );
    let mut statement = desk.db.prepare_cached(&sql)?;
    let found = statement.query_map([limit.0], |row| {
        Ok(Lease {
            execution: ExecutionId(row.get(0)?),
            epoch: row.get(1)?,
            plan: PlanId(row.get(2)?),
            label_set: row.get(3)?,
            state: row.get(4)?,
            deadline: Timestamp(row.get(5)?),
            timeout: span(row.get(6)?),
            squish_server: row.get(7)?,
            principal: row.get(8)?,
            worker: row.get(9)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Ends every lease that is over: its execution is open to others, its Squish server rests first.
pub(super) fn notice(desk: &mut Desk) -> Result<(), StoreError> {
    if desk.now < desk.earliest_end {
        return Ok(());
    }
    for lease in leases(desk, "state = 2 AND deadline <= ?1", desk.now)? {
        let rows = desk
            .db
            .prepare_cached(
                "UPDATE executions SET state = 1
                 WHERE id = ?1 AND state = 2 AND epoch = ?2 AND deadline <= ?3",
            )?
            .execute(params![lease.execution.0, lease.epoch, desk.now.0])?;
        exactly_one(rows, "the end of a lease")?;
        if let Some(squish_server) = lease.squish_server {
            // From the end of the lease, not from when it was noticed: the answer must not depend on a sweep.
            let free_from = lease.deadline.plus(desk.rules.cool_down);
            let rows = desk
                .db
                .prepare_cached(
                    "UPDATE squish_servers SET free_from = ?1
                     WHERE id = ?2 AND exec = ?3 AND epoch = ?4 AND free_from IS NULL",
                )?
                .execute(params![
                    free_from.0,
                    squish_server,
                    lease.execution.0,
                    lease.epoch
                ])?;
            exactly_one(rows, "the Squish server of a lease that ended")?;
        }
        let step = Move {
            open: 1,
            reserved: -1,
            ..Move::default()
        };
        step.write(&desk.db, lease.plan, lease.label_set)?;
        desk.event(
            lease.plan,
            (lease.execution, lease.epoch),
            EventKind::Expired,
            &lease.principal,
            lease.worker.as_deref().unwrap_or_default(),
        )?;
        desk.note_change();
    }
    desk.earliest_end = desk
        .db
        .prepare_cached("SELECT min(deadline) FROM executions WHERE state = 2")?
        .query_row([], |row| row.get::<_, Option<i64>>(0))?
        .map_or(Timestamp(i64::MAX), Timestamp);
    Ok(())
}

/// Moves the end of every lease that was valid at `since`; how many there were.
///
/// One that was already noticed as over comes back, unless its Squish server was given away: the time it missed was
/// the service's.
pub(super) fn extend(
    desk: &mut Desk,
    since: Timestamp,
    by: impl Fn(Duration) -> Duration,
) -> Result<u64, StoreError> {
    let mut valid = leases(desk, "state = 2 AND deadline > ?1", since)?;
    valid.extend(leases(desk, "state = 1 AND deadline > ?1", since)?);
    let mut extended = 0;
    for lease in valid {
        let more = by(lease.timeout);
        let deadline = lease.deadline.plus(more);
        // Over even so, noticed or not: nothing changes for it.
        if deadline <= desk.now || (lease.state == 1 && !revive(desk, &lease)?) {
            continue;
        }
        let rows = desk
            .db
            .prepare_cached(
                "UPDATE executions SET state = 2, deadline = ?1
                 WHERE id = ?2 AND epoch = ?3 AND state = ?4 AND deadline = ?5",
            )?
            .execute(params![
                deadline.0,
                lease.execution.0,
                lease.epoch,
                lease.state,
                lease.deadline.0
            ])?;
        exactly_one(rows, "a longer lease")?;
        let detail = format!("{} ms: the service was away", ms(more));
        let who = (lease.execution, lease.epoch);
        desk.event(
            lease.plan,
            who,
            EventKind::Extended,
            &lease.principal,
            &detail,
        )?;
        extended += 1;
    }
    desk.earliest_end = Timestamp(i64::MIN);
    Ok(extended)
}

fn revive(desk: &Desk, lease: &Lease) -> Result<bool, StoreError> {
    if let Some(squish_server) = lease.squish_server
        && !rebind(desk, squish_server, lease.execution, lease.epoch)?
    {
        return Ok(false);
    }
    let step = Move {
        open: -1,
        reserved: 1,
        ..Move::default()
    };
    step.write(&desk.db, lease.plan, lease.label_set)?;
    Ok(true)
}

/// Gives a Squish server back to the lease that had it last, unless another one got it since.
pub(super) fn rebind(
    desk: &Desk,
    squish_server: i64,
    execution: ExecutionId,
    epoch: u32,
) -> Result<bool, StoreError> {
    let rows = desk
        .db
        .prepare_cached(
            "UPDATE squish_servers SET free_from = NULL WHERE id = ?1 AND exec = ?2 AND epoch = ?3",
        )?
        .execute(params![squish_server, execution.0, epoch])?;
    one_or_none(rows, "a Squish server that comes back")
}

/// Frees a Squish server of a lease that was given back: at once, without a rest.
pub(super) fn unbind(
    desk: &Desk,
    squish_server: Option<i64>,
    execution: ExecutionId,
    epoch: u32,
) -> Result<(), StoreError> {
    let Some(squish_server) = squish_server else {
        return Ok(());
    };
    let rows = desk
        .db
        .prepare_cached(
            "UPDATE squish_servers SET exec = NULL, epoch = NULL, free_from = NULL
             WHERE id = ?1 AND exec = ?2 AND epoch = ?3",
        )?
        .execute(params![squish_server, execution.0, epoch])?;
    one_or_none(rows, "a Squish server that becomes free").map(drop)
}
