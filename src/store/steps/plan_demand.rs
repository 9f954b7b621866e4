//! The demand of a plan: each set of required labels with its counts, and the Squish servers.

use std::time::Duration;

use super::plans;
use crate::{
    model::{LabelCase, PlanId, Timestamp},
    store::{PlanDemand, StoreError, rows::Reads},
};

/// The demand at `now`, when the wall clock shows `wall`; `cool_down` is that of a Squish server after an expiry. The cost depends on the number of label sets
/// and Squish servers, not of executions.
pub(in crate::store) fn read(
    rows: &mut dyn Reads,
    plan: PlanId,
    label_case: LabelCase,
    cool_down: Duration,
    (now, wall): (Timestamp, Timestamp),
) -> Result<PlanDemand, StoreError> {
    plans::check_started(rows, plan)?;
    let due = rows.planned_time(plan)?;
    let mut needs = Vec::new();
    for (set, status) in rows.counters(plan, now)? {
        needs.push((rows.label_set(set)?, status));
    }
    Ok(PlanDemand {
        due: due.filter(|due| wall < *due),
        needs,
        squish_servers: rows.servers(cool_down, now)?,
        label_case,
    })
}
