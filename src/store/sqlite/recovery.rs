//! Opening a database for writing: takes over the clock and extends leases by the downtime of the service.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{database::Database, high_water_mark::StoreId};
use crate::{
    model::Timestamp,
    store::{
        Rules, StoreError,
        protocol::Compensation,
        steps::{Memory, expiry},
        values::{number, random},
    },
};

/// A wall clock that is further behind the service's was set back since; less is the drift of two clocks.
const CORRECTION: Duration = Duration::from_secs(5);

/// What opening an existing database found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The clock of the service must not start before this. Earlier than the one before if the wall clock was ahead then.
    pub high_water: Timestamp,
    /// How long no service ran on the file; zero for a new one.
    pub downtime: Duration,
    /// How many leases were extended by the downtime.
    pub extended_leases: u64,
}

/// Takes the database over from the service that wrote it last.
pub(super) fn open(
    db: Connection,
    rules: Rules,
    wall: Timestamp,
) -> Result<(Database, Recovery), StoreError> {
    let known: Option<([u8; 32], i64, Option<StoreId>, i64)> = db
        .query_row(
            "SELECT lease_key, alive_at, store_id, acknowledged FROM service",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )
        .optional()?;
    let (lease_key, alive_at, store_id, acknowledged) = match known {
        Some((key, at, store, count)) => (key, Timestamp(at), store, number(count)),
        None => (random()?, wall, None, 0),
    };
    let store_id = store_id.map_or_else(random, Ok)?;
    let ahead = alive_at.since(wall);
    let was_corrected = ahead > CORRECTION;
    // Otherwise the service's clock would be wrong for ever.
    let now = if was_corrected {
        wall
    } else {
        wall.max(alive_at)
    };
    let downtime = now.since(alive_at);
    // The statement below brings the stored time to `now`.
    let memory = Memory::new(rules, lease_key, now);
    let mut database = Database::new(db, memory, store_id, acknowledged);
    database.db.execute_batch("BEGIN IMMEDIATE")?;
    if was_corrected {
        expiry::move_back(&mut database.context(), ahead)?;
    }
    let since = alive_at.min(now);
    let extended_leases =
        expiry::extend_leases(&mut database.context(), since, |timeout, before| {
            Compensation::of_restart(downtime, timeout, before)
        })?;
    database.db.execute(
        "INSERT INTO service (id, lease_key, alive_at, store_id, in_use) VALUES (1, ?1, ?2, ?3, 1)
         ON CONFLICT (id) DO UPDATE SET alive_at = excluded.alive_at, store_id = excluded.store_id, in_use = 1",
        params![lease_key, now.0, store_id],
    )?;
    database.db.execute_batch("COMMIT")?;
    let recovery = Recovery {
        high_water: now,
        downtime,
        extended_leases,
    };
    Ok((database, recovery))
}
