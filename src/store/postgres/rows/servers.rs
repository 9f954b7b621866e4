//! Statements about Squish servers. A GUI test takes seconds at least, so these go to the database one by one.

use std::time::Duration;

use tokio_postgres::{Row, types::Type};

use super::PostgresRows;
use crate::{
    model::{
        Cooling, CoolingReason, ExecutionId, NewSquishServer, ServerTrouble, SquishServer,
        SquishServerId, Test, Timestamp,
    },
    store::{
        StoreError,
        postgres::client::{Client, get, get_u32, int, text, typed},
        rows::{FreeServer, NewServerRow, ServerBinding, ServerReads, ServerRows},
        values::{from_json, ms},
    },
};

/// Columns of a Squish server. `$1` is the time: a lease that is over by then does not make a server busy. `$2` is the
/// cool-down after such a lease.
const COLUMNS: &str = "SELECT s.id, s.enabled, s.host, s.port, l.labels, e.id, t.suite, t.testcase,
      coalesce(s.free_from, x.deadline + $2), s.rests_until, s.trouble, s.deleted, s.note
    FROM squish_servers s JOIN label_sets l ON l.id = s.label_set
      LEFT JOIN executions e ON e.id = s.exec AND e.epoch = s.epoch AND s.free_from IS NULL
        AND e.state = 2 AND e.deadline > $1
      LEFT JOIN tests t ON t.id = e.test
      LEFT JOIN executions x ON x.id = s.exec AND x.epoch = s.epoch AND s.free_from IS NULL
        AND x.state = 2 AND x.deadline <= $1";

/// A server, and whether it is removed.
fn server(row: &Row, now: Timestamp) -> Result<(SquishServer, bool), StoreError> {
    let busy_test = get::<Option<String>>(row, 6)?.zip(get(row, 7)?);
    let after_an_expiry = get::<Option<i64>>(row, 8)?.map(|until| Cooling {
        until: Timestamp(until),
        because: CoolingReason::Expired,
    });
    let trouble = get::<Option<&str>>(row, 10)?.and_then(ServerTrouble::of_word);
    let after_trouble = get::<Option<i64>>(row, 9)?
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
        id: SquishServerId(get(row, 0)?),
        enabled: get(row, 1)?,
        host: get(row, 2)?,
        port: get(row, 3)?,
        labels: from_json(get(row, 4)?)?,
        busy_with: get::<Option<i64>>(row, 5)?.map(ExecutionId),
        busy_test: busy_test.map(|(suite, testcase)| Test { suite, testcase }),
        cooling,
        note: get(row, 12)?,
    };
    Ok((server, get(row, 11)?))
}

impl ServerReads for Client {
    fn servers(
        &mut self,
        cool_down: Duration,
        now: Timestamp,
    ) -> Result<Vec<SquishServer>, StoreError> {
        self.read_all(
            &format!("{COLUMNS} WHERE NOT s.deleted ORDER BY s.id"),
            &[int(&now.0), int(&ms(cool_down))],
            |row| server(row, now).map(|(server, _)| server),
        )
    }
}

impl PostgresRows {
    /// The connection, with all Squish servers locked and everything before written.
    fn registry(&mut self) -> Result<&mut Client, StoreError> {
        self.lock_servers()?;
        self.written()
    }

    /// Whether this lease still has its server.
    pub(super) fn has_server(&mut self, binding: ServerBinding) -> Result<bool, StoreError> {
        Ok(self.bound_server(binding)?.is_some())
    }

    fn change_bound(
        &mut self,
        what: &str,
        binding: ServerBinding,
        change: &str,
    ) -> Result<bool, StoreError> {
        self.registry()?.change_if(
            what,
            &format!(
                "UPDATE squish_servers SET {change} WHERE id = $1 AND exec = $2 AND epoch = $3"
            ),
            &[
                int(&binding.squish_server),
                int(&binding.execution.0),
                int(&i64::from(binding.epoch)),
            ],
        )
    }
}

impl ServerRows for PostgresRows {
    fn server(
        &mut self,
        id: i64,
        cool_down: Duration,
        now: Timestamp,
    ) -> Result<Option<(SquishServer, bool)>, StoreError> {
        self.registry()?.read_if(
            &format!("{COLUMNS} WHERE s.id = $3"),
            &[int(&now.0), int(&ms(cool_down)), int(&id)],
            |row| server(row, now),
        )
    }

    fn free_servers(&mut self, now: Timestamp) -> Result<Vec<FreeServer>, StoreError> {
        self.registry()?.read_all(
            "SELECT id, label_set FROM squish_servers
             WHERE NOT deleted AND enabled AND (exec IS NULL OR free_from <= $1)
               AND (rests_until IS NULL OR rests_until <= $1) ORDER BY id",
            &[int(&now.0)],
            |row| {
                Ok(FreeServer {
                    id: get(row, 0)?,
                    label_set: get(row, 1)?,
                })
            },
        )
    }

    fn bind_server(&mut self, binding: ServerBinding, now: Timestamp) -> Result<(), StoreError> {
        self.registry()?.change_one(
            "binding a Squish server",
            "UPDATE squish_servers SET exec = $2, epoch = $3, free_from = NULL
             WHERE id = $1 AND NOT deleted AND enabled AND (exec IS NULL OR free_from <= $4)
               AND (rests_until IS NULL OR rests_until <= $4)",
            &[
                int(&binding.squish_server),
                int(&binding.execution.0),
                int(&i64::from(binding.epoch)),
                int(&now.0),
            ],
        )
    }

    fn cool_server_down(
        &mut self,
        binding: ServerBinding,
        free_from: Timestamp,
    ) -> Result<(), StoreError> {
        self.registry()?.change_one(
            "the Squish server of an expired lease",
            "UPDATE squish_servers SET free_from = $4
             WHERE id = $1 AND exec = $2 AND epoch = $3 AND free_from IS NULL",
            &[
                int(&binding.squish_server),
                int(&binding.execution.0),
                int(&i64::from(binding.epoch)),
                int(&free_from.0),
            ],
        )
    }

    fn rebind_server(&mut self, binding: ServerBinding) -> Result<bool, StoreError> {
        self.change_bound("rebinding a Squish server", binding, "free_from = NULL")
    }

    fn free_server(&mut self, binding: ServerBinding, is_healthy: bool) -> Result<(), StoreError> {
        let change = if is_healthy {
            "exec = NULL, epoch = NULL, free_from = NULL, troubles = 0, trouble = NULL, rests_until = NULL"
        } else {
            "exec = NULL, epoch = NULL, free_from = NULL"
        };
        self.change_bound("freeing a Squish server", binding, change)
            .map(drop)
    }

    fn bound_server(
        &mut self,
        binding: ServerBinding,
    ) -> Result<Option<(String, u32)>, StoreError> {
        self.registry()?.read_if(
            "SELECT host || ':' || port, troubles FROM squish_servers
             WHERE id = $1 AND exec = $2 AND epoch = $3",
            &[
                int(&binding.squish_server),
                int(&binding.execution.0),
                int(&i64::from(binding.epoch)),
            ],
            |row| Ok((get(row, 0)?, get_u32(row, 1)?)),
        )
    }

    fn rest_server(
        &mut self,
        binding: ServerBinding,
        (trouble, in_a_row): (ServerTrouble, u32),
        rests_until: Timestamp,
    ) -> Result<(), StoreError> {
        self.registry()?.change_one(
            "a Squish server that gave trouble",
            "UPDATE squish_servers SET exec = NULL, epoch = NULL, free_from = NULL,
               troubles = $4, trouble = $5, rests_until = $6
             WHERE id = $1 AND exec = $2 AND epoch = $3",
            &[
                int(&binding.squish_server),
                int(&binding.execution.0),
                int(&i64::from(binding.epoch)),
                int(&i64::from(in_a_row)),
                text(&trouble.word()),
                int(&rests_until.0),
            ],
        )
    }

    fn register_server(
        &mut self,
        new: &NewSquishServer,
        label_set: i64,
    ) -> Result<SquishServerId, StoreError> {
        self.registry()?.read_one(
            "INSERT INTO squish_servers (host, port, enabled, label_set) VALUES ($1, $2, $3, $4)
             ON CONFLICT (host, port) DO UPDATE
               SET enabled = excluded.enabled, label_set = excluded.label_set, deleted = FALSE, note = '',
                 troubles = 0, trouble = NULL, rests_until = NULL
             RETURNING id",
            &[
                text(&new.host()),
                text(&new.port.to_string()),
                typed(&new.enabled, Type::BOOL),
                int(&label_set),
            ],
            |row| Ok(SquishServerId(get(row, 0)?)),
        )
    }

    fn relabel_server(
        &mut self,
        new: &NewSquishServer,
        label_set: i64,
    ) -> Result<bool, StoreError> {
        self.registry()?.change_if(
            "registering a Squish server",
            "UPDATE squish_servers SET label_set = $3 WHERE host = $1 AND port = $2 AND NOT deleted",
            &[
                text(&new.host()),
                text(&new.port.to_string()),
                int(&label_set),
            ],
        )
    }

    fn server_with_address(
        &mut self,
        host: &str,
        port: &str,
        other_than: SquishServerId,
    ) -> Result<Option<(i64, bool)>, StoreError> {
        self.registry()?.read_if(
            "SELECT id, deleted FROM squish_servers WHERE host = $1 AND port = $2 AND id <> $3",
            &[text(&host), text(&port), int(&other_than.0)],
            |row| Ok((get(row, 0)?, get(row, 1)?)),
        )
    }

    fn update_server(&mut self, row: &NewServerRow<'_>) -> Result<(), StoreError> {
        self.registry()?.change_one(
            "changing a Squish server",
            "UPDATE squish_servers SET host = $2, port = $3, enabled = $4, label_set = $5,
               troubles = CASE WHEN $6 THEN 0 ELSE troubles END,
               trouble = CASE WHEN $6 THEN NULL ELSE trouble END,
               rests_until = CASE WHEN $6 THEN NULL ELSE rests_until END, note = coalesce($7, note)
             WHERE id = $1 AND NOT deleted",
            &[
                int(&row.id.0),
                text(&row.host),
                text(&row.port),
                typed(&row.enabled, Type::BOOL),
                int(&row.label_set),
                typed(&row.ends_cool_down, Type::BOOL),
                text(&row.note),
            ],
        )
    }

    fn remove_server(&mut self, id: SquishServerId) -> Result<bool, StoreError> {
        self.registry()?.change_if(
            "removing a Squish server",
            "UPDATE squish_servers SET deleted = TRUE WHERE id = $1 AND NOT deleted",
            &[int(&id.0)],
        )
    }
}
