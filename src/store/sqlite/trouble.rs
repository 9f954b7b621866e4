//! Squish servers that gave trouble: they rest, longer each time, until an execution on one ends without.

use rusqlite::{OptionalExtension as _, params};

use super::{
    desk::Desk,
    rows::{exactly_one, one_or_none},
};
use crate::{
    model::{ExecutionId, PlanId, ServerTrouble},
    store::{
        StoreError,
        protocol::{EventKind, trouble},
    },
};

/// A lease whose holder is done with it, and the Squish server that came with it.
pub(super) struct Over<'a> {
    pub(super) plan: PlanId,
    pub(super) execution: ExecutionId,
    pub(super) epoch: u32,
    pub(super) squish_server: Option<i64>,
    pub(super) principal: &'a str,
}

/// Frees the Squish server of a lease, but lets it rest. Nothing happens if another lease has it by now: what was wrong
/// then is wrong no more.
pub(super) fn rest(desk: &Desk, over: &Over<'_>, trouble: ServerTrouble) -> Result<(), StoreError> {
    let Some(squish_server) = over.squish_server else {
        return Ok(());
    };
    let found: Option<(String, u32)> = desk
        .db
        .prepare_cached(
            "SELECT host || ':' || port, troubles FROM squish_servers
             WHERE id = ?1 AND exec = ?2 AND epoch = ?3",
        )?
        .query_row(
            params![squish_server, over.execution.0, over.epoch],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((address, before)) = found else {
        return Ok(());
    };
    let in_a_row = before.saturating_add(1);
    let rest = trouble::rest(desk.rules.trouble_rest, in_a_row);
    let rows = desk
        .db
        .prepare_cached(
            "UPDATE squish_servers SET exec = NULL, epoch = NULL, free_from = NULL,
               troubles = ?4, trouble = ?5, rests_until = ?6
             WHERE id = ?1 AND exec = ?2 AND epoch = ?3",
        )?
        .execute(params![
            squish_server,
            over.execution.0,
            over.epoch,
            in_a_row,
            trouble.word(),
            desk.now.plus(rest).0
        ])?;
    exactly_one(rows, "a Squish server that gave trouble")?;
    let rows = desk
        .db
        .prepare_cached("UPDATE executions SET troubled_server = ?2 WHERE id = ?1 AND epoch = ?3")?
        .execute(params![over.execution.0, squish_server, over.epoch])?;
    exactly_one(rows, "an execution whose Squish server gave trouble")?;
    desk.event(
        over.plan,
        (over.execution, over.epoch),
        EventKind::ServerTrouble,
        over.principal,
        &trouble::told(&address, trouble, rest),
    )
}

/// Frees the Squish server of a lease on which an execution ended without trouble: whatever it gave before is over.
pub(super) fn well(desk: &Desk, over: &Over<'_>) -> Result<(), StoreError> {
    let Some(squish_server) = over.squish_server else {
        return Ok(());
    };
    let rows = desk
        .db
        .prepare_cached(
            "UPDATE squish_servers SET exec = NULL, epoch = NULL, free_from = NULL,
               troubles = 0, trouble = NULL, rests_until = NULL
             WHERE id = ?1 AND exec = ?2 AND epoch = ?3",
        )?
        .execute(params![squish_server, over.execution.0, over.epoch])?;
    one_or_none(rows, "a Squish server that did its work").map(drop)
}

/// The Squish server that an execution should not get if there is another one.
pub(super) fn avoided(desk: &Desk, execution: ExecutionId) -> Result<Option<i64>, StoreError> {
    Ok(desk
        .db
        .prepare_cached("SELECT troubled_server FROM executions WHERE id = ?1")?
        .query_row([execution.0], |row| row.get(0))?)
}
