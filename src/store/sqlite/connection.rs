//! Opening the database file: its lock, pragmas, integrity check and schema migrations.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, config::DbConfig};

use super::{database_failure::in_words, files_in_place::side_file};
use crate::store::StoreError;

/// What an answered request survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Power loss: it is on stable storage.
    #[default]
    Full,
    /// The end of the process. A power loss may undo the last moments, but never corrupts or double-counts.
    Normal,
}

/// Before 3.51.3 a reset of the write-ahead log could corrupt the file.
const OLDEST_SQLITE: i32 = 3_051_003;

/// Each script migrates the schema by one version; `user_version` counts them.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/1_plans_and_executions.sql"),
    include_str!("migrations/2_imports.sql"),
    include_str!("migrations/3_server_trouble.sql"),
    include_str!("migrations/4_test_lists.sql"),
    include_str!("migrations/5_versioned_digests.sql"),
    include_str!("migrations/6_batches.sql"),
    include_str!("migrations/7_batch_order.sql"),
    include_str!("migrations/8_start_failures.sql"),
    include_str!("migrations/9_compensation.sql"),
    include_str!("migrations/10_store_identity.sql"),
    include_str!("migrations/11_pages.sql"),
    include_str!("migrations/12_test_runs.sql"),
    include_str!("migrations/13_actions.sql"),
];

/// Databases of this version and later have a name and count acknowledged changes.
pub(super) const FIRST_WITH_IDENTITY: u32 = 10;

const DAMAGED: &str =
    "it is damaged; how many acknowledged changes are lost is unknown. Restore a backup";
const NO_DATABASE: &str =
    "it is damaged, or not a database of testplan. Restore a backup, or name another data folder";

/// Locks the database for this process until the returned file is dropped.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let side = side_file(path, ".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&side)
        .map_err(|error| broken(path, &format!("cannot create {}: {error}", side.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(broken(
            path,
            "another testplan service has it open. Stop that one, or choose another data directory",
        )),
        Err(TryLockError::Error(error)) => Err(broken(
            path,
            &format!(
                "cannot lock {}: {error}. Network file systems are not supported",
                side.display()
            ),
        )),
    }
}

/// The one connection that writes, to a database that [`check`] found whole.
pub(super) fn writer(path: &Path, durability: Durability) -> Result<Connection, StoreError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(broken(
            path,
            &format!(
                "SQLite {} can corrupt it; 3.51.3 is needed",
                rusqlite::version()
            ),
        ));
    }
    let mut db = Connection::open(path).map_err(|error| broken(path, &describe(&error)))?;
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    // Half the usual page size: a change touches five or six pages, each is logged whole, and rows are short.
    // fullfsync only has an effect on macOS, which needs it to reach stable storage.
    db.execute_batch(&format!(
        "PRAGMA page_size = 2048;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = {synchronous};
         PRAGMA fullfsync = {};
         PRAGMA foreign_keys = ON;
         PRAGMA wal_autocheckpoint = 2000;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA cache_size = -65536;",
        durability == Durability::Full,
    ))
    .and_then(|()| common(&db))
    .map_err(|error| broken(path, &describe(&error)))?;
    migrate(&mut db).map_err(|what| broken(path, &what))?;
    Ok(db)
}

/// A read-only connection. Only the writer checkpoints.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    common(&db)?;
    // Otherwise closing the last connection would move the log into the file, which then no longer fits another log.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(db)
}

fn common(db: &Connection) -> rusqlite::Result<()> {
    db.set_prepared_statement_cache_capacity(64);
    // Otherwise SQLite plans a statement again when its parameters change, which took a third of the time.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.execute_batch(
        "PRAGMA busy_timeout = 5000;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY;",
    )
}

/// Whether a database is whole.
pub(super) fn check(db: &Connection) -> Result<(), String> {
    let found: Option<String> = db
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .optional()
        .map_err(|error| describe(&error))?;
    match found.as_deref() {
        Some("ok") => Ok(()),
        other => {
            tracing::debug!(found = other, "the integrity check failed");
            Err(DAMAGED.to_owned())
        }
    }
}

/// Why a database cannot be opened.
pub(super) fn describe(error: &rusqlite::Error) -> String {
    tracing::debug!(%error, "the database cannot be opened");
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => DAMAGED.to_owned(),
        Some(ErrorCode::NotADatabase) => NO_DATABASE.to_owned(),
        _ => in_words(error),
    }
}

/// The scripts that bring a schema up to date; an error if a newer testplan wrote it.
pub(super) fn missing_scripts(version: usize) -> Result<&'static [&'static str], String> {
    MIGRATIONS.get(version..).ok_or_else(|| {
        format!(
            "a newer testplan wrote it (schema {version}, this one knows {}). Use that version or a newer one",
            MIGRATIONS.len()
        )
    })
}

fn migrate(db: &mut Connection) -> Result<(), String> {
    let text = |error: rusqlite::Error| describe(&error);
    let tx = db.transaction().map_err(text)?;
    let version: usize = tx
        .query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0))
        .map_err(text)?
        .try_into()
        .map_err(|_| "its version is not a number".to_owned())?;
    for script in missing_scripts(version)? {
        tx.execute_batch(script).map_err(text)?;
    }
    tx.execute_batch(&format!("PRAGMA user_version = {}", MIGRATIONS.len()))
        .map_err(text)?;
    tx.commit().map_err(text)
}

pub(super) fn broken(path: &Path, what: &str) -> StoreError {
    StoreError::Broken(format!("{}: {what}", path.display()))
}
