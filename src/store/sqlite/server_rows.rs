//! The registered Squish servers: which one a reservation gets, and changes of the registry.

use std::time::Duration;

use rusqlite::{Connection, Row, params};

use super::{
    column_values::{from_json, ms},
    statements::Statements as _,
    write_context::WriteContext,
};
use crate::{
    model::{
        Capabilities, Cooling, CoolingReason, ExecutionId, NewSquishServer, ServerTrouble,
        SquishServer, SquishServerChange, SquishServerId, Test, Timestamp,
    },
    store::{
        RefusalCode, StoreError,
        protocol::{refuse, request_limits},
    },
};

/// Columns of a Squish server. `?1` is the time: a lease that is over by then does not make a server busy. `?2` is the
/// cool-down after such a lease.
const COLUMNS: &str = "SELECT s.id, s.enabled, s.host, s.port, l.labels, e.id, t.suite, t.testcase,
      coalesce(s.free_from, x.deadline + ?2), s.rests_until, s.trouble
    FROM squish_servers s JOIN label_sets l ON l.id = s.label_set
      LEFT JOIN executions e ON e.id = s.exec AND e.epoch = s.epoch AND s.free_from IS NULL
        AND e.state = 2 AND e.deadline > ?1
      LEFT JOIN tests t ON t.id = e.test
      LEFT JOIN executions x ON x.id = s.exec AND x.epoch = s.epoch AND s.free_from IS NULL
        AND x.state = 2 AND x.deadline <= ?1";

/// A row as of `now`, its labels still as text.
fn columns(row: &Row<'_>, now: Timestamp) -> rusqlite::Result<(SquishServer, String)> {
    let busy_test: Option<(String, String)> = row.get::<_, Option<String>>(6)?.zip(row.get(7)?);
    let after_an_expiry = row.get::<_, Option<i64>>(8)?.map(|until| Cooling {
        until: Timestamp(until),
        because: CoolingReason::Expired,
    });
    let word = row.get::<_, Option<String>>(10)?;
    let trouble = word.as_deref().and_then(ServerTrouble::of_word);
    let after_trouble = row
        .get::<_, Option<i64>>(9)?
        .zip(trouble)
        .map(|(until, trouble)| Cooling {
            until: Timestamp(until),
            because: trouble.into(),
        });
    let cooling = [after_an_expiry, after_trouble]
        .into_iter()
        .flatten()
        .filter(|cooling| cooling.until > now)
        .max_by_key(|cooling| cooling.until);
    let server = SquishServer {
        id: SquishServerId(row.get(0)?),
        enabled: row.get(1)?,
        host: row.get(2)?,
        port: row.get(3)?,
        labels: Capabilities::default(),
        busy_with: row.get::<_, Option<i64>>(5)?.map(ExecutionId),
        busy_test: busy_test.map(|(suite, testcase)| Test { suite, testcase }),
        cooling,
    };
    Ok((server, row.get(4)?))
}

fn labelled((server, labels): (SquishServer, String)) -> Result<SquishServer, StoreError> {
    Ok(SquishServer {
        labels: from_json(&labels)?,
        ..server
    })
}

/// All registered servers in order of their numbers; `cool_down` follows an expired lease.
pub(super) fn list(
    db: &Connection,
    cool_down: Duration,
    now: Timestamp,
) -> Result<Vec<SquishServer>, StoreError> {
    let rows = db.read_all(
        &format!("{COLUMNS} WHERE s.deleted = 0 ORDER BY s.id"),
        [now.0, ms(cool_down)],
        |row| columns(row, now),
    )?;
    rows.into_iter().map(labelled).collect()
}

/// A server by number, removed or not.
pub(super) fn any(context: &WriteContext, id: i64) -> Result<Option<SquishServer>, StoreError> {
    find(context, "s.id = ?3", id)
}

fn registered(context: &WriteContext, id: SquishServerId) -> Result<SquishServer, StoreError> {
    find(context, "s.id = ?3 AND s.deleted = 0", id.0)?.ok_or_else(|| unknown(id))
}

fn find(
    context: &WriteContext,
    condition: &str,
    id: i64,
) -> Result<Option<SquishServer>, StoreError> {
    let now = context.now;
    let row = context.db.read_if(
        &format!("{COLUMNS} WHERE {condition}"),
        [now.0, ms(context.rules.cool_down), id],
        |row| columns(row, now),
    )?;
    row.map(labelled).transpose()
}

/// A free server that fits a request: of several the one with the fewest labels, so that servers with rare labels stay
/// free; `avoided` only if there is no other.
pub(super) fn free(
    context: &mut WriteContext,
    offered: &Capabilities,
    avoided: Option<i64>,
) -> Result<Option<SquishServer>, StoreError> {
    let candidates: Vec<(i64, i64)> = context.db.read_all(
        "SELECT id, label_set FROM squish_servers
         WHERE deleted = 0 AND enabled = 1 AND (exec IS NULL OR free_from <= ?1)
           AND (rests_until IS NULL OR rests_until <= ?1) ORDER BY id",
        [context.now.0],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let mut best: Option<(bool, usize, i64)> = None;
    for (id, set) in candidates {
        let labels = context.labels(set)?;
        let rank = (avoided == Some(id), labels.len(), id);
        let is_better = best.is_none_or(|best| rank < best);
        if is_better && labels.covers(offered, context.rules.label_case) {
            best = Some(rank);
        }
    }
    match best {
        Some((.., id)) => any(context, id),
        None => Ok(None),
    }
}

/// Registers a server. Host and port name the machine: a registered one is changed instead, and one that was removed
/// while a lease still uses it comes back with that lease. So a repeated request does no harm, and no machine is listed
/// twice. Registering it again also ends a cool-down after trouble.
pub(super) fn add(
    context: &mut WriteContext,
    new: &NewSquishServer,
) -> Result<SquishServer, StoreError> {
    request_limits::squish_server(new)?;
    let set = context.intern_labels(&new.labels)?;
    let id: i64 = context.db.read_one(
        "INSERT INTO squish_servers (host, port, enabled, label_set) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (host, port) DO UPDATE
           SET enabled = excluded.enabled, label_set = excluded.label_set, deleted = 0,
             troubles = 0, trouble = NULL, rests_until = NULL
         RETURNING id",
        params![new.host(), new.port.to_string(), new.enabled, set],
        |row| row.get(0),
    )?;
    context.note_free_server();
    registered(context, SquishServerId(id))
}

/// Registers the servers that are new, and updates the labels of the others.
pub(super) fn register(
    context: &mut WriteContext,
    list: &[NewSquishServer],
) -> Result<(), StoreError> {
    for new in list {
        request_limits::squish_server(new)?;
    }
    for new in list {
        let set = context.intern_labels(&new.labels)?;
        let is_known = context.db.change_if(
            "registering a Squish server",
            "UPDATE squish_servers SET label_set = ?3 WHERE host = ?1 AND port = ?2 AND deleted = 0",
            params![new.host(), new.port.to_string(), set],
        )?;
        if is_known {
            context.note_free_server();
        } else {
            add(context, new)?;
        }
    }
    Ok(())
}

/// Changes a server. A lease on it keeps it. Enabling it or moving it to another address ends a cool-down after trouble.
pub(super) fn change(
    context: &mut WriteContext,
    id: SquishServerId,
    change: &SquishServerChange,
) -> Result<SquishServer, StoreError> {
    request_limits::squish_server_change(change)?;
    let before = registered(context, id)?;
    let host = change.host.as_ref().unwrap_or(&before.host);
    let port = change
        .port
        .map_or_else(|| before.port.clone(), |port| port.to_string());
    let other: Option<(i64, bool)> = context.db.read_if(
        "SELECT id, deleted FROM squish_servers WHERE host = ?1 AND port = ?2 AND id <> ?3",
        params![host, port, id.0],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
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
    let set = context.intern_labels(change.labels.as_ref().unwrap_or(&before.labels))?;
    let is_moved = (host, &port) != (&before.host, &before.port);
    let ends_cool_down = is_moved || change.enabled == Some(true);
    context.db.change_one(
        "changing a Squish server",
        "UPDATE squish_servers SET host = ?2, port = ?3, enabled = ?4, label_set = ?5,
           troubles = iif(?6, 0, troubles), trouble = iif(?6, NULL, trouble),
           rests_until = iif(?6, NULL, rests_until)
         WHERE id = ?1 AND deleted = 0",
        params![
            id.0,
            host,
            port,
            change.enabled.unwrap_or(before.enabled),
            set,
            ends_cool_down
        ],
    )?;
    context.note_free_server();
    registered(context, id)
}

/// Removes a server. A lease on it stays valid.
pub(super) fn remove(context: &WriteContext, id: SquishServerId) -> Result<(), StoreError> {
    let is_removed = context.db.change_if(
        "removing a Squish server",
        "UPDATE squish_servers SET deleted = 1 WHERE id = ?1 AND deleted = 0",
        [id.0],
    )?;
    if is_removed { Ok(()) } else { Err(unknown(id)) }
}

fn unknown(id: SquishServerId) -> StoreError {
    refuse(
        RefusalCode::Unknown,
        format!("there is no Squish server {id}. List them to see their numbers."),
    )
}
