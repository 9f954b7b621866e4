//! The registered Squish servers: who may have one, and which.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{
    desk::Desk,
    rows::{exactly_one, from_json, one_or_none},
};
use crate::{
    model::{Capabilities, ExecutionId, SquishServer, SquishServerId, Timestamp},
    store::{
        NewSquishServer, RefusalCode, SquishServerChange, StoreError,
        protocol::{limits, refuse},
    },
};

/// Columns of a Squish server as the API tells of it. `?1` is the time: a lease that is over by then is no use of it.
const COLUMNS: &str = "SELECT s.id, s.enabled, s.host, s.port, l.labels,
      (SELECT e.id FROM executions e WHERE e.id = s.exec AND e.epoch = s.epoch AND s.free_from IS NULL
         AND e.state = 2 AND e.deadline > ?1)
    FROM squish_servers s JOIN label_sets l ON l.id = s.label_set";

type Columns = (i64, bool, String, String, String, Option<i64>);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
    ))
}

fn squish_server(
    (id, enabled, host, port, labels, busy_with): Columns,
) -> Result<SquishServer, StoreError> {
    Ok(SquishServer {
        id: SquishServerId(id),
        enabled,
        host,
        port,
        labels: from_json(&labels)?,
        busy_with: busy_with.map(ExecutionId),
    })
}

/// All that are registered, in order of their numbers.
pub(super) fn list(db: &Connection, now: Timestamp) -> Result<Vec<SquishServer>, StoreError> {
    let rows: Vec<Columns> = db
        .prepare_cached(&format!("{COLUMNS} WHERE s.deleted = 0 ORDER BY s.id"))?
        .query_map([now.0], columns)?
        .collect::<Result<_, _>>()?;
    rows.into_iter().map(squish_server).collect()
}

/// One by number, removed or not.
pub(super) fn any(desk: &Desk, id: i64) -> Result<Option<SquishServer>, StoreError> {
    desk.db
        .prepare_cached(&format!("{COLUMNS} WHERE s.id = ?2"))?
        .query_row([desk.now.0, id], columns)
        .optional()?
        .map(squish_server)
        .transpose()
}

/// One that is free for a request with these capabilities: of several the one with the fewest labels, so that
/// rarer ones stay free.
pub(super) fn free(
    desk: &mut Desk,
    offered: &Capabilities,
) -> Result<Option<SquishServer>, StoreError> {
    let candidates: Vec<(i64, i64)> = desk
        .db
        .prepare_cached(
            "SELECT id, label_set FROM squish_servers
             WHERE deleted = 0 AND enabled = 1 AND (exec IS NULL OR free_from <= ?1) ORDER BY id",
        )?
        .query_map([desk.now.0], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut best: Option<(usize, i64)> = None;
    for (id, set) in candidates {
        let labels = desk.label_set(set)?;
        let fewer = best.is_none_or(|(count, _)| labels.len() < count);
        if fewer && labels.covers(offered, desk.rules.label_case) {
            best = Some((labels.len(), id));
        }
    }
    match best {
        Some((_, id)) => any(desk, id),
        None => Ok(None),
    }
}

/// Binds a free one to a lease.
pub(super) fn bind(
    desk: &Desk,
    id: SquishServerId,
    execution: ExecutionId,
    epoch: u32,
) -> Result<(), StoreError> {
    let rows = desk
        .db
        .prepare_cached(
            "UPDATE squish_servers SET exec = ?2, epoch = ?3, free_from = NULL
             WHERE id = ?1 AND deleted = 0 AND enabled = 1 AND (exec IS NULL OR free_from <= ?4)",
        )?
        .execute(params![id.0, execution.0, epoch, desk.now.0])?;
    exactly_one(rows, "binding a Squish server")
}

/// Registers one. Host and port name the machine: one that is known already is changed instead, and one that was
/// removed while a lease still uses it comes back as busy as it is. So a repeated request does no harm, and no
/// machine is in the list twice.
pub(super) fn add(desk: &mut Desk, new: &NewSquishServer) -> Result<SquishServer, StoreError> {
    limits::squish_server(new)?;
    let set = desk.intern(&new.labels)?;
    let id: i64 = desk
        .db
        .prepare_cached(
            "INSERT INTO squish_servers (host, port, enabled, label_set) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (host, port) DO UPDATE
               SET enabled = excluded.enabled, label_set = excluded.label_set, deleted = 0
             RETURNING id",
        )?
        .query_row(params![new.host, new.port, new.enabled, set], |row| {
            row.get(0)
        })?;
    desk.note_change();
    known(desk, SquishServerId(id))
}

/// Registers those that are not known yet, and brings the labels of the others up to date.
pub(super) fn register(desk: &mut Desk, list: &[NewSquishServer]) -> Result<(), StoreError> {
    for new in list {
        limits::squish_server(new)?;
    }
    for new in list {
        let set = desk.intern(&new.labels)?;
        let rows = desk
            .db
            .prepare_cached(
                "UPDATE squish_servers SET label_set = ?3 WHERE host = ?1 AND port = ?2 AND deleted = 0",
            )?
            .execute(params![new.host, new.port, set])?;
        if !one_or_none(rows, "registering a Squish server")? {
            add(desk, new)?;
        }
    }
    desk.note_change();
    Ok(())
}

/// Changes one. A lease on it keeps it, whatever changes.
pub(super) fn change(
    desk: &mut Desk,
    id: SquishServerId,
    change: &SquishServerChange,
) -> Result<SquishServer, StoreError> {
    limits::squish_server_change(change)?;
    let now = known(desk, id)?;
    let host = change.host.as_ref().unwrap_or(&now.host);
    let port = change.port.as_ref().unwrap_or(&now.port);
    let other: Option<(i64, bool)> = desk
        .db
        .prepare_cached(
            "SELECT id, deleted FROM squish_servers WHERE host = ?1 AND port = ?2 AND id <> ?3",
        )?
        .query_row(params![host, port, id.0], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if let Some((other, deleted)) = other {
        let hint = if deleted {
            "which was removed. Register it again instead"
        } else {
            "which is registered too. Remove one of them"
        };
        return Err(refuse(
            RefusalCode::Malformed,
            format!("{host}:{port} is Squish server {other}, {hint}."),
        ));
    }
    let set = desk.intern(change.labels.as_ref().unwrap_or(&now.labels))?;
    let rows = desk
        .db
        .prepare_cached(
            "UPDATE squish_servers SET host = ?2, port = ?3, enabled = ?4, label_set = ?5
             WHERE id = ?1 AND deleted = 0",
        )?
        .execute(params![
            id.0,
            host,
            port,
            change.enabled.unwrap_or(now.enabled),
            set
        ])?;
    exactly_one(rows, "changing a Squish server")?;
    desk.note_change();
    known(desk, id)
}

/// Takes one from the list. A lease on it runs on.
pub(super) fn remove(desk: &Desk, id: SquishServerId) -> Result<(), StoreError> {
    let rows = desk
        .db
        .prepare_cached("UPDATE squish_servers SET deleted = 1 WHERE id = ?1 AND deleted = 0")?
        .execute([id.0])?;
    if one_or_none(rows, "removing a Squish server")? {
        Ok(())
    } else {
        Err(unknown(id))
    }
}

fn known(desk: &Desk, id: SquishServerId) -> Result<SquishServer, StoreError> {
    let found: Option<Columns> = desk
        .db
        .prepare_cached(&format!("{COLUMNS} WHERE s.id = ?2 AND s.deleted = 0"))?
        .query_row([desk.now.0, id.0], columns)
        .optional()?;
    squish_server(found.ok_or_else(|| unknown(id))?)
}

fn unknown(id: SquishServerId) -> StoreError {
    refuse(
        RefusalCode::Unknown,
        format!("there is no Squish server {id}. List them to see their numbers."),
    )
}
