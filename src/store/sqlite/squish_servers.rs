//! The registered Squish servers: who may have one, and which.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{
    desk::Desk,
    rows::{exactly_one, from_json, ms, one_or_none},
};
use crate::{
    model::{
        Capabilities, Cooling, CoolingReason, ExecutionId, NewSquishServer, ServerTrouble,
        SquishServer, SquishServerChange, SquishServerId, Test, Timestamp,
    },
    store::{
        RefusalCode, StoreError,
        protocol::{limits, refuse},
    },
};

/// Columns of a Squish server as the API tells of it. `?1` is the time: a lease that is over by then is no use of it.
/// `?2` is how long one rests after that.
const COLUMNS: &str = "SELECT s.id, s.enabled, s.host, s.port, l.labels, e.id, t.suite, t.testcase,
      coalesce(s.free_from, x.deadline + ?2), s.rests_until, s.trouble
    FROM squish_servers s JOIN label_sets l ON l.id = s.label_set
      LEFT JOIN executions e ON e.id = s.exec AND e.epoch = s.epoch AND s.free_from IS NULL
        AND e.state = 2 AND e.deadline > ?1
      LEFT JOIN tests t ON t.id = e.test
      LEFT JOIN executions x ON x.id = s.exec AND x.epoch = s.epoch AND s.free_from IS NULL
        AND x.state = 2 AND x.deadline <= ?1";

/// The row of one, its labels still text, as of `now`.
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

/// All that are registered, in order of their numbers; `rest` is how long one rests after an expiry.
pub(super) fn list(
    db: &Connection,
    rest: Duration,
    now: Timestamp,
) -> Result<Vec<SquishServer>, StoreError> {
    let rows: Vec<(SquishServer, String)> = db
        .prepare_cached(&format!("{COLUMNS} WHERE s.deleted = 0 ORDER BY s.id"))?
        .query_map([now.0, ms(rest)], |row| columns(row, now))?
        .collect::<Result<_, _>>()?;
    rows.into_iter().map(labelled).collect()
}

/// One by number, removed or not.
pub(super) fn any(desk: &Desk, id: i64) -> Result<Option<SquishServer>, StoreError> {
    desk.db
        .prepare_cached(&format!("{COLUMNS} WHERE s.id = ?3"))?
        .query_row([desk.now.0, ms(desk.rules.cool_down), id], |row| {
            columns(row, desk.now)
        })
        .optional()?
        .map(labelled)
        .transpose()
}

/// One that is free for a request with these capabilities: of several the one with the fewest labels, so that
/// rarer ones stay free; `avoided` only if there is no other.
pub(super) fn free(
    desk: &mut Desk,
    offered: &Capabilities,
    avoided: Option<i64>,
) -> Result<Option<SquishServer>, StoreError> {
    let candidates: Vec<(i64, i64)> = desk
        .db
        .prepare_cached(
            "SELECT id, label_set FROM squish_servers
             WHERE deleted = 0 AND enabled = 1 AND (exec IS NULL OR free_from <= ?1)
               AND (rests_until IS NULL OR rests_until <= ?1) ORDER BY id",
        )?
        .query_map([desk.now.0], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut best: Option<(bool, usize, i64)> = None;
    for (id, set) in candidates {
        let labels = desk.label_set(set)?;
        let rank = (avoided == Some(id), labels.len(), id);
        let better = best.is_none_or(|best| rank < best);
        if better && labels.covers(offered, desk.rules.label_case) {
            best = Some(rank);
        }
    }
    match best {
        Some((.., id)) => any(desk, id),
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
             WHERE id = ?1 AND deleted = 0 AND enabled = 1 AND (exec IS NULL OR free_from <= ?4)
               AND (rests_until IS NULL OR rests_until <= ?4)",
        )?
        .execute(params![id.0, execution.0, epoch, desk.now.0])?;
    exactly_one(rows, "binding a Squish server")
}

/// Registers one. Host and port name the machine: one that is known already is changed instead, and one that was
/// removed while a lease still uses it comes back as busy as it is. So a repeated request does no harm, and no
/// machine is in the list twice. Whoever registers it says that it is fine: a rest after trouble ends.
pub(super) fn add(desk: &mut Desk, new: &NewSquishServer) -> Result<SquishServer, StoreError> {
    limits::squish_server(new)?;
    let set = desk.intern(&new.labels)?;
    let id: i64 = desk
        .db
        .prepare_cached(
            "INSERT INTO squish_servers (host, port, enabled, label_set) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (host, port) DO UPDATE
               SET enabled = excluded.enabled, label_set = excluded.label_set, deleted = 0,
                 troubles = 0, trouble = NULL, rests_until = NULL
             RETURNING id",
        )?
        .query_row(
            params![new.host(), new.port.to_string(), new.enabled, set],
            |row| row.get(0),
        )?;
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
            .execute(params![new.host(), new.port.to_string(), set])?;
        if !one_or_none(rows, "registering a Squish server")? {
            add(desk, new)?;
        }
    }
    desk.note_change();
    Ok(())
}

/// Changes one. A lease on it keeps it, whatever changes. Whoever enables it, or moves it to another address, says
/// that it is fine: a rest after trouble ends.
pub(super) fn change(
    desk: &mut Desk,
    id: SquishServerId,
    change: &SquishServerChange,
) -> Result<SquishServer, StoreError> {
    limits::squish_server_change(change)?;
    let now = known(desk, id)?;
    let host = change.host.as_ref().unwrap_or(&now.host);
    let port = change
        .port
        .map_or_else(|| now.port.clone(), |port| port.to_string());
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
    let moved = (host, &port) != (&now.host, &now.port);
    let fine = moved || change.enabled == Some(true);
    let rows = desk
        .db
        .prepare_cached(
            "UPDATE squish_servers SET host = ?2, port = ?3, enabled = ?4, label_set = ?5,
               troubles = iif(?6, 0, troubles), trouble = iif(?6, NULL, trouble),
               rests_until = iif(?6, NULL, rests_until)
             WHERE id = ?1 AND deleted = 0",
        )?
        .execute(params![
            id.0,
            host,
            port,
            change.enabled.unwrap_or(now.enabled),
            set,
            fine
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
    let found: Option<(SquishServer, String)> = desk
        .db
        .prepare_cached(&format!("{COLUMNS} WHERE s.id = ?3 AND s.deleted = 0"))?
        .query_row([desk.now.0, ms(desk.rules.cool_down), id.0], |row| {
            columns(row, desk.now)
        })
        .optional()?;
    labelled(found.ok_or_else(|| unknown(id))?)
}

fn unknown(id: SquishServerId) -> StoreError {
    refuse(
        RefusalCode::Unknown,
        format!("there is no Squish server {id}. List them to see their numbers."),
    )
}
