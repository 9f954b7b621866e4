//! The schema of the database and its migrations.

use tokio_postgres::types::Type;

use super::client::{Client, Transaction, get, int, typed};
use crate::store::StoreError;

/// Each script migrates the schema by one version.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/1_plans_and_executions.sql"),
    include_str!("migrations/2_usable_from.sql"),
    include_str!("migrations/3_pages.sql"),
    include_str!("migrations/4_test_runs.sql"),
    include_str!("migrations/5_actions.sql"),
];

/// From this version on the database says which older versions may use it.
const SAYS_USABLE_FROM: i64 = 2;

/// The oldest PostgreSQL that is supported, as `server_version_num` counts.
const OLDEST_SERVER: i64 = 140_000;

/// Locks that a transaction takes beside those of plans, whose keys are the numbers of the plans.
pub(super) const CATALOGUE: i64 = -1;
pub(super) const SERVERS: i64 = -2;
const SCHEMA: i64 = -3;
/// Saying that a replica lives, which must not wait for the start of a plan.
pub(super) const PRESENCE: i64 = -4;

/// The table that tells a schema of testplan from one of another program.
const MARK: &str = "testplan_schema";

/// Brings the schema up to this version; refuses a newer one that this version may not use. Replicas that start together do
/// this one after the other.
pub(super) fn migrate(client: &mut Client) -> Result<(), StoreError> {
    client.begin_with(Transaction::Catalogue, "", &[])?;
    match migrate_in_transaction(client) {
        Ok(()) => client.run("COMMIT"),
        Err(error) => {
            // The first error says more.
            _ = client.run("ROLLBACK");
            Err(error)
        }
    }
}

/// The same in the transaction that is open.
pub(super) fn migrate_in_transaction(client: &mut Client) -> Result<(), StoreError> {
    let server: i64 = client.read_one(
        "SELECT current_setting('server_version_num')::bigint",
        &[],
        |row| get(row, 0),
    )?;
    if server < OLDEST_SERVER {
        return Err(StoreError::Broken(too_old(client.place(), server)));
    }
    // For this schema alone: a move from another database holds it for minutes.
    client.rows(
        "SELECT pg_advisory_xact_lock($1::bigint::int, hashtext(current_schema()))",
        &[int(&SCHEMA)],
    )?;
    check_ours(client)?;
    client.run("CREATE TABLE IF NOT EXISTS testplan_schema (version BIGINT NOT NULL)")?;
    let found: Option<i64> = client.read_if("SELECT version FROM testplan_schema", &[], |row| {
        get(row, 0)
    })?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let version = found.unwrap_or(0);
    if version > known {
        if known < usable_from(client, version)? {
            return Err(StoreError::Broken(too_new(client.place(), version, known)));
        }
        tracing::info!(
            "a newer testplan changed {} (its schema has version {version}, this testplan knows {known} and may use it)",
            client.place()
        );
        return Ok(());
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
    Ok(())
}

/// The oldest version of the schema whose replicas may use a database of this version.
fn usable_from(client: &mut Client, version: i64) -> Result<i64, StoreError> {
    if version < SAYS_USABLE_FROM {
        return Ok(version);
    }
    client.read_one("SELECT usable_from FROM testplan_schema", &[], |row| {
        get(row, 0)
    })
}

fn too_old(place: &str, server: i64) -> String {
    format!(
        "{place}: the server is PostgreSQL {}, and testplan needs 14 or newer; upgrade the server",
        server / 10_000
    )
}

fn too_new(place: &str, version: i64, known: i64) -> String {
    format!(
        "{place}: a newer testplan changed the database (its schema has version {version}, this testplan knows {known}); \
         use the newer testplan"
    )
}

/// Refuses a database in which tables of another program have the names of ours.
fn check_ours(client: &mut Client) -> Result<(), StoreError> {
    let made = MIGRATIONS.iter().flat_map(|it| tables(it));
    let ours: Vec<&str> = made.chain([MARK]).collect();
    let found: Vec<String> = client.read_all(
        "SELECT relname::text FROM pg_catalog.pg_class \
         WHERE relnamespace = current_schema()::regnamespace AND relname = ANY($1) ORDER BY relname",
        &[typed(&ours, Type::TEXT_ARRAY)],
        |row| get(row, 0),
    )?;
    // The column tells our table from one that has its name.
    let marks: i64 = client.read_one(
        "SELECT count(*) FROM pg_catalog.pg_attribute \
         WHERE attrelid = to_regclass(quote_ident(current_schema()) || '.testplan_schema') AND attname = 'version'",
        &[],
        |row| get(row, 0),
    )?;
    match foreign_schema(&found, marks > 0) {
        Some(why) => Err(StoreError::Broken(format!("{}: {why}", client.place()))),
        None => Ok(()),
    }
}

/// Why a schema that has the tables `found` with names of ours is not one of testplan, with one thing to do; `marked` if
/// testplan made it.
fn foreign_schema(found: &[String], marked: bool) -> Option<String> {
    if marked {
        // Those of later migrations may be missing, all of them may not.
        return found.iter().all(|it| it == MARK).then(|| {
            "the tables of testplan are missing, only the version of its schema is there; restore a backup, or use an \
             empty database"
                .to_owned()
        });
    }
    let named = match found {
        [] => return None,
        [first] => first.clone(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    };
    Some(format!(
        "another program has tables there with the names that testplan uses ({named}); give testplan a database of its own, \
         for example by `createdb testplan`"
    ))
}

/// The tables that a script makes.
fn tables(script: &str) -> impl Iterator<Item = &str> {
    script.lines().filter_map(|line| {
        let name = line.strip_prefix("CREATE TABLE ")?;
        name.split([' ', '(']).next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::transfer::tables::TABLES;

    #[test]
    fn tables_of_a_script_are_found() {
        let found: Vec<_> = MIGRATIONS.iter().flat_map(|it| tables(it)).collect();
        for name in ["plans", "executions", "events", "imports"] {
            assert!(found.contains(&name), "{found:?}");
        }
    }

    /// A table that a migration adds must be moved too, if it is no affair of replicas.
    #[test]
    fn every_table_is_moved_or_made_anew() {
        let mut found: Vec<_> = MIGRATIONS.iter().flat_map(|it| tables(it)).collect();
        let moved = TABLES.iter().map(|it| it.name);
        let mut expected: Vec<_> = moved.chain(["service", "replicas", "numbers"]).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn tables_of_another_program_are_foreign() {
        let found = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        assert_eq!(foreign_schema(&[], false), None);
        assert_eq!(
            foreign_schema(&found(&["events", "plans", MARK]), true),
            None
        );
        let one = foreign_schema(&found(&["plans"]), false).unwrap();
        assert!(one.contains("(plans)") && one.contains("createdb"), "{one}");
        let two = foreign_schema(&found(&["events", MARK]), false).unwrap();
        assert!(two.contains("(events and 1 more)"), "{two}");
        let none = foreign_schema(&found(&[MARK]), true).unwrap();
        assert!(none.contains("restore a backup"), "{none}");
    }

    #[test]
    fn versions_that_do_not_fit_are_named() {
        let old = too_old("PostgreSQL at db:5432", 130_012);
        assert!(
            old.contains("PostgreSQL 13, and testplan needs 14"),
            "{old}"
        );
        let new = too_new("PostgreSQL at db:5432", 9, 1);
        assert!(
            new.contains("version 9") && new.contains("newer testplan"),
            "{new}"
        );
    }
}
