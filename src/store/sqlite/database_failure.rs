//! Errors of SQLite in words for people: no SQL and no names of tables, which only the log of level debug has.

use std::path::{Path, PathBuf};

use rusqlite::{Error, ErrorCode};

use crate::{
    fs::{DiskFault, DiskFaultKind},
    store::StoreError,
};

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        tracing::debug!(%error, "the database failed");
        match disk_fault(&error) {
            Some(kind) => Self::Disk(DiskFault {
                kind,
                folder: PathBuf::new(),
            }),
            None => Self::Broken(in_words(&error)),
        }
    }
}

/// Adds the folder of the database to an error that does not know it.
pub(super) fn located(error: StoreError, folder: &Path) -> StoreError {
    match error {
        StoreError::Disk(fault) if fault.folder.as_os_str().is_empty() => {
            StoreError::Disk(DiskFault {
                folder: folder.to_owned(),
                ..fault
            })
        }
        other => other,
    }
}

/// The folder of a database file.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// What is wrong with the disk, if the disk is the cause.
fn disk_fault(error: &Error) -> Option<DiskFaultKind> {
    Some(match error.sqlite_error_code()? {
        ErrorCode::DiskFull => DiskFaultKind::Full,
        ErrorCode::ReadOnly => DiskFaultKind::ReadOnly,
        ErrorCode::CannotOpen => DiskFaultKind::Gone,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => DiskFaultKind::Damaged,
        ErrorCode::SystemIoFailure => DiskFaultKind::Failed,
        _ => return None,
    })
}

/// The cause in words, with SQLite's number for reports of bugs.
pub(super) fn in_words(error: &Error) -> String {
    let Some(failure) = error.sqlite_error() else {
        return "BUG: the database holds a value that this version cannot read".to_owned();
    };
    let number = failure.extended_code;
    let words = match failure.code {
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed => "another program keeps the database locked",
        ErrorCode::OutOfMemory => "there is not enough memory",
        ErrorCode::PermissionDenied | ErrorCode::ReadOnly => "the database cannot be written",
        ErrorCode::CannotOpen => "the database cannot be opened",
        ErrorCode::DiskFull => "there is no room on the disk",
        ErrorCode::SystemIoFailure => "the disk cannot be read or written",
        ErrorCode::DatabaseCorrupt => "the database is damaged",
        ErrorCode::NotADatabase => "the file is not a database",
        ErrorCode::TooBig => "a value is too large for the database",
        ErrorCode::ConstraintViolation => "BUG: the database refused inconsistent values",
        _ => "BUG: the database refused a request",
    };
    format!("{words} (SQLite error {number})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: i32) -> Error {
        let text = "near \"SELECT\": no such table: executions".to_owned();
        Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some(text))
    }

    #[test]
    fn texts_have_no_sql() {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE executions (id UNIQUE NOT NULL)")
            .unwrap();
        let refused = [
            db.execute("INSERT INTO executions VALUES (NULL)", [])
                .unwrap_err(),
            db.execute("SELECT * FORM executions", []).unwrap_err(),
            db.query_row("SELECT id FROM executions", [], |row| row.get::<_, i64>(0))
                .unwrap_err(),
        ];
        let all = refused.into_iter().chain((1..=26).map(failure));
        for error in all {
            let text = StoreError::from(error).to_string();
            for word in ["SELECT", "FORM", "executions", "constraint", "table"] {
                assert!(!text.contains(word), "{text}");
            }
        }
    }

    #[test]
    fn full_disk_is_told_from_a_bug() {
        let full = StoreError::from(failure(13));
        let text = located(full, Path::new("data")).to_string();
        assert_eq!(text, "no room on the disk of data");
        assert!(matches!(
            StoreError::from(failure(1)),
            StoreError::Broken(_)
        ));
    }
}
