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

/// The lease that the same request got before, while it is valid.
pub(super) fn replay(desk: &mut Desk, request: &Reserve) -> Result<Option<Granted>, StoreError> {
    let Some(key) = &request.key else {
        return Ok(None);
    };
    let key = Key::new(Use::Reserve, &request.principal, key);
    let Some(known) = key.known(desk)? else {
        return Ok(None);
    };
    type Row = (i64, i64, i64, i64, [u8; 16], i64, Option<i64>);
    let row: Option<Row> = desk
        .db
        .prepare_cached(
            "SELECT test, label_set, deadline, timeout_ms, nonce, plan, squish_server FROM executions
             WHERE id = ?1 AND epoch = ?2 AND state = 2",
        )?
        .query_row(params![known.subject, known.epoch], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
                row.get(6)?,
            ))
        })
        .optional()?;
    let (Some((test_id, set, deadline, timeout, nonce, plan, server)), Some(epoch)) =
        (row, known.epoch)
    else {
        return Ok(None);
    };
    known.same(&payload::of_reserve(request))?;
    let facts = desk.facts(PlanId(plan))?;
    let id = ExecutionId(known.subject);
    Ok(Some(Granted {
        execution: id,
        project: facts.project.clone(),
        batch: facts.batch.clone(),
        test: test(desk, test_id)?,
        test_id: TestId(test_id),
        required: Capabilities::clone(&*desk.label_set(set)?),
        attempt: epoch,
        lease: lease::token(&desk.lease_key, &nonce, id, epoch),
        deadline: Timestamp(deadline),
        timeout: span(timeout),
        server: match server {
            Some(id) => squish_servers::any(desk, id)?,
            None => None,
        },
    }))
}
