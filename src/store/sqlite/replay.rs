//! Giving the same lease again to a request that came before, because its answer may have been lost.

use rusqlite::{OptionalExtension as _, params};

use super::{
    desk::Desk,
    keys::{Key, Use},
    reserve::test,
    rows::span,
    squish_servers,
};
use crate::{
    model::{Capabilities, ExecutionId, PlanId, TestId, Timestamp},
    store::{
        Granted, Reserve, StoreError,
        protocol::{lease, payload},
    },
};

/// A valid lease, as its row has it.
struct Valid {
    plan: PlanId,
    test: i64,
    label_set: i64,
    deadline: Timestamp,
    timeout_ms: i64,
    nonce: [u8; 16],
    squish_server: Option<i64>,
}

/// The lease that the same request got before, while it is valid.
pub(super) fn replay(desk: &mut Desk, request: &Reserve) -> Result<Option<Granted>, StoreError> {
    let Some(key) = &request.key else {
        return Ok(None);
    };
    let key = Key::new(Use::Reserve, &request.principal, key);
    let Some(known) = key.known(desk)? else {
        return Ok(None);
    };
    let (execution, epoch) = (ExecutionId(known.subject), known.epoch.unwrap_or(0));
    let Some(valid) = valid(desk, execution, epoch)? else {
        return Ok(None);
    };
    known.same(&payload::of_reserve(request))?;
    let facts = desk.facts(valid.plan)?;
    Ok(Some(Granted {
        execution,
        project: facts.project.clone(),
        batch: facts.batch.clone(),
        test: test(desk, valid.test)?,
        test_id: TestId(valid.test),
        required: Capabilities::clone(&*desk.label_set(valid.label_set)?),
        attempt: epoch,
        lease: lease::token(&desk.lease_key, &valid.nonce, execution, epoch),
        deadline: valid.deadline,
        timeout: span(valid.timeout_ms),
        server: match valid.squish_server {
            Some(id) => squish_servers::any(desk, id)?,
            None => None,
        },
    }))
}

fn valid(desk: &Desk, execution: ExecutionId, epoch: u32) -> Result<Option<Valid>, StoreError> {
    let found = desk
        .db
        .prepare_cached(
            "SELECT plan, test, label_set, deadline, timeout_ms, nonce, squish_server FROM executions
             WHERE id = ?1 AND epoch = ?2 AND state = 2",
        )?
        .query_row(params![execution.0, epoch], |row| {
            Ok(Valid {
                plan: PlanId(row.get(0)?),
                test: row.get(1)?,
                label_set: row.get(2)?,
                deadline: Timestamp(row.get(3)?),
                timeout_ms: row.get(4)?,
                nonce: row.get(5)?,
                squish_server: row.get(6)?,
            })
        })
        .optional()?;
    Ok(found)
}
