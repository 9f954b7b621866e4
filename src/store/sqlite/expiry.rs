//! Expiring leases, and extending leases that were valid while the service was down.
//!
//! Before it does anything else at a given time the writer expires every lease that is over, so a row in state
//! "reserved" is under a valid lease. A sweep does the same when no request comes.

use std::time::Duration;

use rusqlite::{Row, params};

use super::{
    column_values::{ms, span},
    plan_counters::{Counter, CounterChange},
    server_binding::ServerBinding,
    statements::Statements as _,
    write_context::WriteContext,
};
use crate::{
    model::{ExecutionId, PlanId, Timestamp},
    store::{
        StoreError,
        protocol::{Compensation, EventKind},
    },
};

/// A valid or expired lease.
struct LeaseRow {
    execution: ExecutionId,
    epoch: u32,
    plan: PlanId,
    label_set: i64,
    state: i64,
    deadline: Timestamp,
    timeout: Duration,
    compensated: Duration,
    binding: Option<ServerBinding>,
    principal: String,
    worker: Option<String>,
}

impl LeaseRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (execution, epoch) = (ExecutionId(row.get(0)?), row.get(1)?);
        let squish_server: Option<i64> = row.get(7)?;
        Ok(Self {
            execution,
            epoch,
            plan: PlanId(row.get(2)?),
            label_set: row.get(3)?,
            state: row.get(4)?,
            deadline: Timestamp(row.get(5)?),
            timeout: span(row.get(6)?),
            binding: squish_server.map(|squish_server| ServerBinding {
                squish_server,
                execution,
                epoch,
            }),
            principal: row.get(8)?,
            worker: row.get(9)?,
            compensated: span(row.get(10)?),
        })
    }
}

fn leases(
    context: &WriteContext,
    condition: &str,
    limit: Timestamp,
) -> Result<Vec<LeaseRow>, StoreError> {
    let sql = format!(
        "SELECT id, epoch, plan, label_set, state, deadline, timeout_ms, squish_server, principal, worker,
           compensated_ms
         FROM executions WHERE {condition} ORDER BY deadline, id"
    );
    context.db.read_all(&sql, [limit.0], LeaseRow::read)
}

/// Sets the time of the current request and expires every lease that is over by then.
pub(super) fn expire_leases(context: &mut WriteContext, now: Timestamp) -> Result<(), StoreError> {
    context.advance(now);
    if context.now < context.earliest_end {
        return Ok(());
    }
    for lease in leases(context, "state = 2 AND deadline <= ?1", context.now)? {
        expire(context, &lease)?;
    }
    context.earliest_end = context
        .db
        .read_one(
            "SELECT min(deadline) FROM executions WHERE state = 2",
            [],
            |row| row.get::<_, Option<i64>>(0),
        )?
        .map_or(Timestamp(i64::MAX), Timestamp);
    Ok(())
}

fn expire(context: &mut WriteContext, lease: &LeaseRow) -> Result<(), StoreError> {
    context.db.change_one(
        "expiring a lease",
        "UPDATE executions SET state = 1
         WHERE id = ?1 AND state = 2 AND epoch = ?2 AND deadline <= ?3",
        params![lease.execution.0, lease.epoch, context.now.0],
    )?;
    if let Some(binding) = lease.binding {
        binding.cool_down(context, lease.deadline)?;
    }
    CounterChange::of_move(Counter::Reserved, Counter::Open).write(
        &context.db,
        lease.plan,
        lease.label_set,
    )?;
    context.record_event(
        lease.plan,
        (lease.execution, lease.epoch),
        EventKind::Expired,
        &lease.principal,
        lease.worker.as_deref().unwrap_or_default(),
    )?;
    context.note_opened(lease.plan, lease.label_set)
}

/// Extends every lease that was valid at `since` by what its length and its earlier compensation are worth; returns how many.
///
/// A lease that was expired meanwhile is revived, unless its Squish server was given away: its worker could not renew it
/// because the service was down.
pub(super) fn extend_leases(
    context: &mut WriteContext,
    since: Timestamp,
    by: impl Fn(Duration, Duration) -> Compensation,
) -> Result<u64, StoreError> {
    let mut valid = leases(context, "state = 2 AND deadline > ?1", since)?;
    valid.extend(leases(context, "state = 1 AND deadline > ?1", since)?);
    let mut extended = 0;
    for lease in valid {
        let Compensation { extension, granted } = by(lease.timeout, lease.compensated);
        let deadline = lease.deadline.plus(extension);
        let is_over = deadline <= context.now;
        if extension.is_zero() || is_over || (lease.state == 1 && !revive(context, &lease)?) {
            continue;
        }
        context.db.change_one(
            "extending a lease",
            "UPDATE executions SET state = 2, deadline = ?1, compensated_ms = ?6
             WHERE id = ?2 AND epoch = ?3 AND state = ?4 AND deadline = ?5",
            params![
                deadline.0,
                lease.execution.0,
                lease.epoch,
                lease.state,
                lease.deadline.0,
                ms(granted)
            ],
        )?;
        context.record_event(
            lease.plan,
            (lease.execution, lease.epoch),
            EventKind::Extended,
            &lease.principal,
            &format!("{} ms: the service was down", ms(extension)),
        )?;
        extended += 1;
    }
    context.earliest_end = Timestamp(i64::MIN);
    Ok(extended)
}

/// Moves everything that ends at a time of the service's clock back by `span`, because the clock goes back by it.
pub(super) fn move_back(context: &mut WriteContext, span: Duration) -> Result<(), StoreError> {
    for sql in [
        "UPDATE executions SET deadline = deadline - ?1 WHERE state IN (1, 2)",
        "UPDATE squish_servers SET free_from = free_from - ?1, rests_until = rests_until - ?1",
        "UPDATE keys SET expires_at = expires_at - ?1",
    ] {
        context.db.execute(sql, [ms(span)])?;
    }
    context.earliest_end = Timestamp(i64::MIN);
    Ok(())
}

/// Takes an expired lease out of the open counter; `false` if its Squish server was given to another lease.
fn revive(context: &WriteContext, lease: &LeaseRow) -> Result<bool, StoreError> {
    if let Some(binding) = lease.binding
        && !binding.rebind(context)?
    {
        return Ok(false);
    }
    CounterChange::of_move(Counter::Open, Counter::Reserved).write(
        &context.db,
        lease.plan,
        lease.label_set,
    )?;
    Ok(true)
}
