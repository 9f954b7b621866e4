//! The counters of several label sets of a plan together.

use std::{collections::HashSet, sync::Arc};

use crate::{
    model::{Capabilities, PlanId, PlanStatus, Timestamp},
    store::{StoreError, rows::CounterReads},
};

/// The counters of some label sets of a plan together.
pub(in crate::store) fn of_sets<R: CounterReads + ?Sized>(
    rows: &mut R,
    plan: PlanId,
    sets: &[(i64, Arc<Capabilities>)],
    now: Timestamp,
) -> Result<PlanStatus, StoreError> {
    if sets.is_empty() {
        return Ok(PlanStatus::default());
    }
    let sets: HashSet<i64> = sets.iter().map(|(set, _)| *set).collect();
    let counts = rows.counters(plan, now)?.into_iter();
    let of_sets = counts.filter(|(set, _)| sets.contains(set));
    Ok(of_sets.map(|(_, status)| status).sum())
}
