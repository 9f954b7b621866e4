//! Where a plan stands: each set of labels with its counts, and what the Squish servers do.

use std::time::Duration;

use rusqlite::Connection;

use super::{counts, plans, rows::from_json, squish_servers};
use crate::{
    model::{LabelCase, PlanId, Timestamp},
    store::{PlanStanding, StoreError},
};

/// A plan as of `now`; `rest` is how long a Squish server rests after an expiry. Costs by its label sets and the registered Squish servers, not by its executions.
pub(super) fn standing(
    db: &Connection,
    plan: PlanId,
    label_case: LabelCase,
    rest: Duration,
    now: Timestamp,
) -> Result<PlanStanding, StoreError> {
    plans::started(db, plan)?;
    let due: Option<i64> = db
        .prepare_cached("SELECT planned FROM plans WHERE id = ?1")?
        .query_row([plan.0], |row| row.get(0))?;
    let mut labels = db.prepare_cached("SELECT labels FROM label_sets WHERE id = ?1")?;
    let mut needs = Vec::new();
    for (set, status) in counts::by_label_set(db, plan, now)? {
        let text: String = labels.query_row([set], |row| row.get(0))?;
        needs.push((from_json(&text)?, status));
    }
    Ok(PlanStanding {
        due: due.map(Timestamp).filter(|due| now < *due),
        needs,
        squish_servers: squish_servers::list(db, rest, now)?,
        label_case,
    })
}
