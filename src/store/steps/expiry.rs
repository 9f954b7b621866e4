//! Expiring leases, and extending leases that were valid while the service was down.
//!
//! Before it does anything else at a given time the writer expires every lease that is over, so a row in state
//! "reserved" is under a valid lease. A sweep does the same when no request comes.

use std::time::Duration;

use super::{cancel, write_context::WriteContext};
use crate::{
    model::Timestamp,
    store::{
        StoreError,
        protocol::{Compensation, EventKind},
        rows::{Counter, CounterChange, LeaseFilter, LeaseRow},
        values::ms,
    },
};

/// Sets the time of the current request and expires every lease that is over by then.
pub(in crate::store) fn expire_leases(
    context: &mut WriteContext<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    context.memory.advance(now);
    let now = context.now();
    if now < context.memory.earliest_end {
        return Ok(());
    }
    for lease in context.rows.leases(LeaseFilter::Over(now))? {
        expire(context, &lease)?;
    }
    let earliest_end = context.rows.earliest_end()?;
    context.memory.earliest_end = earliest_end.unwrap_or(Timestamp(i64::MAX));
    Ok(())
}

fn expire(context: &mut WriteContext<'_>, lease: &LeaseRow) -> Result<(), StoreError> {
    context.rows.expire(lease, context.memory.now)?;
    if let Some(binding) = lease.binding {
        // From the end of the lease, not from when it was expired: the answer must not depend on a sweep.
        let free_from = lease.deadline.plus(context.rules().cool_down);
        context.rows.cool_server_down(binding, free_from)?;
    }
    context.rows.count(
        lease.plan,
        lease.label_set,
        CounterChange::of_move(Counter::Reserved, Counter::Open),
    )?;
    let attempt = (lease.execution, lease.epoch);
    context.record_event(
        lease.plan,
        attempt,
        EventKind::Expired,
        &lease.principal,
        lease.worker.as_deref().unwrap_or_default(),
    )?;
    match &lease.error {
        Some(error) => {
            cancel::end_instead(context, (attempt, 1), (lease.plan, lease.label_set), error)
        }
        None => context.note_opened(lease.plan, lease.label_set),
    }
}

/// Extends every lease that was valid at `since` by what its length and its earlier compensation are worth; returns how many.
///
/// A lease that was expired meanwhile is revived, unless its Squish server was given away: its worker could not renew it
/// because the service was down.
pub(in crate::store) fn extend_leases(
    context: &mut WriteContext<'_>,
    since: Timestamp,
    by: impl Fn(Duration, Duration) -> Compensation,
) -> Result<u64, StoreError> {
    let mut valid = context.rows.leases(LeaseFilter::ReservedAfter(since))?;
    valid.extend(context.rows.leases(LeaseFilter::ExpiredAfter(since))?);
    let mut extended = 0;
    for lease in valid {
        let Compensation { extension, granted } = by(lease.timeout, lease.compensated);
        let deadline = lease.deadline.plus(extension);
        let is_over = deadline <= context.now();
        if extension.is_zero() || is_over || (lease.state == 1 && !revive(context, &lease)?) {
            continue;
        }
        context.rows.extend(&lease, deadline, granted)?;
        context.record_event(
            lease.plan,
            (lease.execution, lease.epoch),
            EventKind::Extended,
            &lease.principal,
            &format!("{} ms: the service was down", ms(extension)),
        )?;
        extended += 1;
    }
    context.memory.earliest_end = Timestamp(i64::MIN);
    Ok(extended)
}

/// Moves everything that ends at a time of the service's clock back by `span`, because the clock goes back by it.
pub(in crate::store) fn move_back(
    context: &mut WriteContext<'_>,
    span: Duration,
) -> Result<(), StoreError> {
    context.rows.move_back(span)?;
    context.memory.earliest_end = Timestamp(i64::MIN);
    Ok(())
}

/// Takes an expired lease out of the open counter; `false` if its Squish server was given to another lease.
fn revive(context: &mut WriteContext<'_>, lease: &LeaseRow) -> Result<bool, StoreError> {
    if let Some(binding) = lease.binding
        && !context.rows.rebind_server(binding)?
    {
        return Ok(false);
    }
    context.rows.count(
        lease.plan,
        lease.label_set,
        CounterChange::of_move(Counter::Open, Counter::Reserved),
    )?;
    Ok(true)
}
