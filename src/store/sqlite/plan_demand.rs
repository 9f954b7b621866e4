//! Where a plan stands: each set of labels with its counts, and what the Squish servers do.

use std::time::Duration;

use rusqlite::Connection;

use super::{pages, plan_counters, plan_rows, server_rows};
use crate::{
    model::{LabelCase, PlanId, Timestamp},
    store::{PlanDemand, StoreError},
};

/// A plan as of `now`; `rest` is how long a Squish server rests after an expiry. Costs by its label sets and the registered Squish servers, not by its executions.
pub(super) fn read(
    db: &Connection,
    plan: PlanId,
    label_case: LabelCase,
    rest: Duration,
    now: Timestamp,
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
        due: due.map(Timestamp).filter(|due| now < *due),
        needs,
        squish_servers: server_rows::list(db, rest, now)?,
        label_case,
    })
}
