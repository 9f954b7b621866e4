//! Statements about Squish servers.

use std::time::Duration;

use rusqlite::{Connection, Row, params};

use crate::{
    model::{
        Capabilities, Cooling, CoolingReason, ExecutionId, NewSquishServer, ServerTrouble,
        SquishServer, SquishServerId, Test, Timestamp,
    },
    store::{
        StoreError,
        rows::{FreeServer, NewServerRow, ServerBinding, ServerReads, ServerRows},
        sqlite::statements::Statements as _,
        values::{from_json, ms},
    },
};

/// Columns of a Squish server. `?1` is the time: a lease that is over by then does not make a server busy. `?2` is the
/// cool-down after such a lease.
const COLUMNS: &str = "SELECT s.id, s.enabled, s.host, s.port, l.labels, e.id, t.suite, t.testcase,
      coalesce(s.free_from, x.deadline + ?2), s.rests_until, s.trouble, s.deleted, s.note
    FROM squish_servers s JOIN label_sets l ON l.id = s.label_set
      LEFT JOIN executions e ON e.id = s.exec AND e.epoch = s.epoch AND s.free_from IS NULL
        AND e.state = 2 AND e.deadline > ?1
      LEFT JOIN tests t ON t.id = e.test
      LEFT JOIN executions x ON x.id = s.exec AND x.epoch = s.epoch AND s.free_from IS NULL
        AND x.state = 2 AND x.deadline <= ?1";

/// A server and whether it is removed, its labels still as text.
type TextRow = (SquishServer, String, bool);

fn columns(row: &Row<'_>, now: Timestamp) -> rusqlite::Result<TextRow> {
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
        note: row.get(12)?,
    };
    Ok((server, row.get(4)?, row.get(11)?))
}

fn labelled((server, labels, is_removed): TextRow) -> Result<(SquishServer, bool), StoreError> {
    let server = SquishServer {
        labels: from_json(&labels)?,
        ..server
    };
    Ok((server, is_removed))
}

impl ServerReads for Connection {
    fn servers(
        &mut self,
        cool_down: Duration,
        now: Timestamp,
    ) -> Result<Vec<SquishServer>, StoreError> {
        let rows = self.read_all(
            &format!("{COLUMNS} WHERE s.deleted = 0 ORDER BY s.id"),
            [now.0, ms(cool_down)],
            |row| columns(row, now),
        )?;
        let servers = rows.into_iter().map(labelled);
        servers.map(|row| row.map(|(server, _)| server)).collect()
    }
}

impl ServerRows for Connection {
    fn server(
        &mut self,
        id: i64,
        cool_down: Duration,
        now: Timestamp,
    ) -> Result<Option<(SquishServer, bool)>, StoreError> {
        let row = self.read_if(
            &format!("{COLUMNS} WHERE s.id = ?3"),
            [now.0, ms(cool_down), id],
            |row| columns(row, now),
        )?;
        row.map(labelled).transpose()
    }

    fn free_servers(&mut self, now: Timestamp) -> Result<Vec<FreeServer>, StoreError> {
        self.read_all(
            "SELECT id, label_set FROM squish_servers
             WHERE deleted = 0 AND enabled = 1 AND (exec IS NULL OR free_from <= ?1)
               AND (rests_until IS NULL OR rests_until <= ?1) ORDER BY id",
            [now.0],
            |row| {
                Ok(FreeServer {
                    id: row.get(0)?,
                    label_set: row.get(1)?,
                })
            },
        )
    }

    fn bind_server(&mut self, binding: ServerBinding, now: Timestamp) -> Result<(), StoreError> {
        self.change_one(
            "binding a Squish server",
            "UPDATE squish_servers SET exec = ?2, epoch = ?3, free_from = NULL
             WHERE id = ?1 AND deleted = 0 AND enabled = 1 AND (exec IS NULL OR free_from <= ?4)
               AND (rests_until IS NULL OR rests_until <= ?4)",
            params![
                binding.squish_server,
                binding.execution.0,
                binding.epoch,
                now.0
            ],
        )
    }

    fn cool_server_down(
        &mut self,
        binding: ServerBinding,
        free_from: Timestamp,
    ) -> Result<(), StoreError> {
        self.change_one(
            "the Squish server of an expired lease",
            "UPDATE squish_servers SET free_from = ?4
             WHERE id = ?1 AND exec = ?2 AND epoch = ?3 AND free_from IS NULL",
            params![
                binding.squish_server,
                binding.execution.0,
                binding.epoch,
                free_from.0
            ],
        )
    }

    fn rebind_server(&mut self, binding: ServerBinding) -> Result<bool, StoreError> {
        self.change_if(
            "rebinding a Squish server",
            "UPDATE squish_servers SET free_from = NULL WHERE id = ?1 AND exec = ?2 AND epoch = ?3",
            params![binding.squish_server, binding.execution.0, binding.epoch],
        )
    }

    fn free_server(&mut self, binding: ServerBinding, is_healthy: bool) -> Result<(), StoreError> {
        let sql = if is_healthy {
            "UPDATE squish_servers SET exec = NULL, epoch = NULL, free_from = NULL,
               troubles = 0, trouble = NULL, rests_until = NULL
             WHERE id = ?1 AND exec = ?2 AND epoch = ?3"
        } else {
            "UPDATE squish_servers SET exec = NULL, epoch = NULL, free_from = NULL
             WHERE id = ?1 AND exec = ?2 AND epoch = ?3"
        };
        let values = params![binding.squish_server, binding.execution.0, binding.epoch];
        self.change_if("freeing a Squish server", sql, values)
            .map(drop)
    }

    fn bound_server(
        &mut self,
        binding: ServerBinding,
    ) -> Result<Option<(String, u32)>, StoreError> {
        self.read_if(
            "SELECT host || ':' || port, troubles FROM squish_servers
             WHERE id = ?1 AND exec = ?2 AND epoch = ?3",
            params![binding.squish_server, binding.execution.0, binding.epoch],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    fn rest_server(
        &mut self,
        binding: ServerBinding,
        (trouble, in_a_row): (ServerTrouble, u32),
        rests_until: Timestamp,
    ) -> Result<(), StoreError> {
        self.change_one(
            "a Squish server that gave trouble",
            "UPDATE squish_servers SET exec = NULL, epoch = NULL, free_from = NULL,
               troubles = ?4, trouble = ?5, rests_until = ?6
             WHERE id = ?1 AND exec = ?2 AND epoch = ?3",
            params![
                binding.squish_server,
                binding.execution.0,
                binding.epoch,
                in_a_row,
                trouble.word(),
                rests_until.0
            ],
        )
    }

    fn register_server(
        &mut self,
        new: &NewSquishServer,
        label_set: i64,
    ) -> Result<SquishServerId, StoreError> {
        let id = self.read_one(
            "INSERT INTO squish_servers (host, port, enabled, label_set) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (host, port) DO UPDATE
               SET enabled = excluded.enabled, label_set = excluded.label_set, deleted = 0, note = '',
                 troubles = 0, trouble = NULL, rests_until = NULL
             RETURNING id",
            params![new.host(), new.port.to_string(), new.enabled, label_set],
            |row| row.get(0),
        )?;
        Ok(SquishServerId(id))
    }

    fn relabel_server(
        &mut self,
        new: &NewSquishServer,
        label_set: i64,
    ) -> Result<bool, StoreError> {
        self.change_if(
            "registering a Squish server",
            "UPDATE squish_servers SET label_set = ?3 WHERE host = ?1 AND port = ?2 AND deleted = 0",
            params![new.host(), new.port.to_string(), label_set],
        )
    }

    fn server_with_address(
        &mut self,
        host: &str,
        port: &str,
        other_than: SquishServerId,
    ) -> Result<Option<(i64, bool)>, StoreError> {
        self.read_if(
            "SELECT id, deleted FROM squish_servers WHERE host = ?1 AND port = ?2 AND id <> ?3",
            params![host, port, other_than.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    fn update_server(&mut self, row: &NewServerRow<'_>) -> Result<(), StoreError> {
        self.change_one(
            "changing a Squish server",
            "UPDATE squish_servers SET host = ?2, port = ?3, enabled = ?4, label_set = ?5,
               troubles = iif(?6, 0, troubles), trouble = iif(?6, NULL, trouble),
               rests_until = iif(?6, NULL, rests_until), note = coalesce(?7, note)
             WHERE id = ?1 AND deleted = 0",
            params![
                row.id.0,
                row.host,
                row.port,
                row.enabled,
                row.label_set,
                row.ends_cool_down,
                row.note
            ],
        )
    }

    fn remove_server(&mut self, id: SquishServerId) -> Result<bool, StoreError> {
        self.change_if(
            "removing a Squish server",
            "UPDATE squish_servers SET deleted = 1 WHERE id = ?1 AND deleted = 0",
            [id.0],
        )
    }
}
