//! The schema of the database and its migrations.

use super::client::{Client, get, int};
use crate::store::StoreError;

/// Each script migrates the schema by one version.
const MIGRATIONS: &[&str] = &[include_str!("migrations/1_plans_and_executions.sql")];

/// The oldest PostgreSQL that is supported, as `server_version_num` counts.
const OLDEST_SERVER: i64 = 140_000;

/// Locks that a transaction takes beside those of plans, whose keys are the numbers of the plans.
pub(super) const CATALOGUE: i64 = -1;
pub(super) const SERVERS: i64 = -2;
const SCHEMA: i64 = -3;

/// Brings the schema up to this version; refuses a newer one. Replicas that start together do this one after the other.
pub(super) fn migrate(client: &mut Client) -> Result<(), StoreError> {
    let server: i64 = client.read_one(
        "SELECT current_setting('server_version_num')::bigint",
        &[],
        |row| get(row, 0),
    )?;
    if server < OLDEST_SERVER {
        return Err(StoreError::Broken(format!(
            "the server is PostgreSQL {}, and testplan needs 14 or newer: upgrade the server",
            server / 10_000
        )));
    }
    client.run("BEGIN")?;
    client.rows("SELECT pg_advisory_xact_lock($1)", &[int(&SCHEMA)])?;
    client.run("CREATE TABLE IF NOT EXISTS testplan_schema (version BIGINT NOT NULL)")?;
    let found: Option<i64> = client.read_if("SELECT version FROM testplan_schema", &[], |row| {
        get(row, 0)
    })?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let version = found.unwrap_or(0);
    if version > known {
        client.run("ROLLBACK")?;
        return Err(StoreError::Broken(format!(
            "a newer testplan changed the database (its schema has version {version}, this testplan knows {known}): \
             use the newer testplan"
        )));
    }
    for script in MIGRATIONS
        .iter()
        .skip(usize::try_from(version).unwrap_or(0))
    {
        client.run(script)?;
    }
    if found.is_none() {
        client.change(
            "INSERT INTO testplan_schema (version) VALUES ($1)",
            &[int(&known)],
        )?;
    } else if version < known {
        client.change("UPDATE testplan_schema SET version = $1", &[int(&known)])?;
    }
    client.run("COMMIT")
}
