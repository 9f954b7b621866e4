//! The demand of a plan: each set of required labels with its counts, and the Squish servers.

use std::time::Duration;

use rusqlite::Connection;

use super::{pages, plan_counters, plan_rows, server_rows};
use crate::{
    model::{LabelCase, PlanId, Timestamp},
    store::{PlanDemand, StoreError},
};

/// The demand at `now`, when the wall clock shows `wall`; `cool_down` is that of a Squish server after an expiry. The cost depends on the number of label sets
/// and Squish servers, not of executions.
pub(super) fn read(
    db: &Connection,
    plan: PlanId,
    label_case: LabelCase,
    cool_down: Duration,
    (now, wall): (Timestamp, Timestamp),
) -> Result<PlanDemand, StoreError> {
    plan_rows::check_started(db, plan)?;
    let due: Option<i64> = db
        .prepare_cached("SELECT planned FROM plans WHERE id = ?1")?
        .query_row([plan.0], |row| row.get(0))?;
    let mut needs = Vec::new();
    for (set, status) in plan_counters::by_label_set(db, plan, now)? {
        needs.push((pages::labels(db, set)?, status));
    }
    Ok(PlanDemand {
        due: due.map(Timestamp).filter(|due| wall < *due),
        needs,
        squish_servers: server_rows::list(db, cool_down, now)?,
        label_case,
    })
}
