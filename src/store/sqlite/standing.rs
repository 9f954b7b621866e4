//! Where a plan stands: each set of labels with its counts, and what the Squish servers do.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{counts, plans, rows::from_json, squish_servers};
use crate::{
    model::{ExecutionId, LabelCase, PlanId, SquishServerState, Test, Timestamp},
    store::{PlanStanding, StoreError},
};

/// A plan as of `now`. Costs by its label sets and the registered Squish servers, not by its executions.
pub(super) fn standing(
    db: &Connection,
    plan: PlanId,
    label_case: LabelCase,
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
    let squish_servers = squish_servers::list(db, now)?.into_iter();
    let squish_servers = squish_servers.map(|squish_server| {
        let busy = squish_server.busy_with;
        Ok(SquishServerState {
            busy_with: busy.map(|id| test(db, id)).transpose()?.flatten(),
            rests_until: rest(db, squish_server.id.0, now)?,
            squish_server,
        })
    });
    Ok(PlanStanding {
        due: due.map(Timestamp).filter(|due| now < *due),
        needs,
        squish_servers: squish_servers.collect::<Result<_, StoreError>>()?,
        label_case,
    })
}

fn test(db: &Connection, execution: ExecutionId) -> Result<Option<Test>, StoreError> {
    Ok(db
        .prepare_cached(
            "SELECT t.suite, t.testcase FROM executions e JOIN tests t ON t.id = e.test WHERE e.id = ?1",
        )?
        .query_row([execution.0], |row| {
            Ok(Test {
                suite: row.get(0)?,
                testcase: row.get(1)?,
            })
        })
        .optional()?)
}

/// Until when a Squish server is given to nobody although no lease is on it.
fn rest(db: &Connection, id: i64, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let until: Option<i64> = db
        .prepare_cached("SELECT free_from FROM squish_servers WHERE id = ?1 AND free_from > ?2")?
        .query_row(params![id, now.0], |row| row.get(0))
        .optional()?;
    Ok(until.map(Timestamp))
}
