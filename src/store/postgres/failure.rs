//! Errors of PostgreSQL in words for people: no SQL and no names of tables, which only the log of level debug has.

use std::path::PathBuf;

use tokio_postgres::{Error, error::SqlState};

use crate::{
    fs::{DiskFault, DiskFaultKind},
    store::StoreError,
};

/// An error as the store reports it.
pub(super) fn in_words(error: &Error) -> StoreError {
    tracing::debug!(?error, "PostgreSQL failed");
    let Some(state) = error.code() else {
        // The text of the outer error says nothing: "db error", "error connecting to server".
        let cause =
            std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
        return StoreError::Broken(format!("PostgreSQL cannot be reached: {cause}"));
    };
    let disk = |kind| {
        StoreError::Disk(DiskFault {
            kind,
            folder: PathBuf::from("PostgreSQL"),
        })
    };
    let words = match *state {
        SqlState::DISK_FULL => return disk(DiskFaultKind::Full),
        SqlState::IO_ERROR => return disk(DiskFaultKind::Failed),
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => {
            return disk(DiskFaultKind::Damaged);
        }
        SqlState::READ_ONLY_SQL_TRANSACTION => {
            "the server takes no changes: it is a standby, or set to read-only. Name the primary server"
        }
        SqlState::TOO_MANY_CONNECTIONS => {
            "it has no connection left. Raise max_connections, or lower the number of replicas"
        }
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "it refuses the user or the password. Check PGUSER and PGPASSWORD, or pg_hba.conf of the server"
        }
        SqlState::INVALID_CATALOG_NAME => "the database does not exist. Create it with createdb",
        SqlState::INSUFFICIENT_PRIVILEGE => {
            "the user may not do that. Make the user the owner of the database"
        }
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => "it shuts down",
        SqlState::CANNOT_CONNECT_NOW => "it is starting up or shutting down",
        SqlState::QUERY_CANCELED => "a statement took too long",
        SqlState::LOCK_NOT_AVAILABLE => "another replica keeps a plan locked",
        SqlState::T_R_DEADLOCK_DETECTED => "BUG: two replicas wait for each other",
        _ => "BUG: it refused a request",
    };
    StoreError::Broken(format!("PostgreSQL: {words} (SQLSTATE {})", state.code()))
}

/// Whether the same request can be tried again alone: the error may belong to another request of its group.
pub(super) fn may_be_of_another(error: &StoreError) -> bool {
    matches!(error, StoreError::Broken(text) if text.contains("BUG"))
}
