//! A consistent copy of a database, made while a service may run on it.

use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use super::{
    connection,
    database_failure::{folder_of, located},
    files_in_place::side_file,
    high_water_mark::{self, Mark, mark_path},
    loss_check::{self, DatabaseState, FoundDatabase},
    opening::read_mark,
};
use crate::{fs::sync_folder, store::StoreError};

/// What a backup wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The copy.
    pub database: PathBuf,
    /// Its high-water mark.
    pub mark: PathBuf,
    /// The size of the copy.
    pub bytes: u64,
    /// How many changes that were acknowledged are in it.
    pub acknowledged: u64,
}

/// Copies the database at `from` to `to`, with a mark of its own. Nothing is overwritten.
///
/// # Errors
///
/// [`StoreError::Lost`] if acknowledged changes are missing from the database; [`StoreError::Broken`] and
/// [`StoreError::Disk`] if it cannot be read or the copy cannot be written.
pub fn back_up(from: &Path, to: &Path) -> Result<Backup, StoreError> {
    // Before the database: the mark of a running service rises.
    let mark = read_mark(from)?;
    let database = loss_check::inspect(from)?;
    let FoundDatabase::Present(state) = database else {
        return Err(broken(from, "there is no database"));
    };
    let system = high_water_mark::running_system();
    if let Some(loss) = loss_check::compare(&mark, &database, system) {
        return Err(StoreError::Lost(loss.text(from)));
    }
    if state.store.is_none() {
        let what = "an earlier version wrote it. Start `testplan serve` of this version on it once";
        return Err(broken(from, what));
    }
    for taken in [to, &mark_path(to)] {
        if taken.exists() {
            return Err(broken(taken, "it exists already. Choose a new folder"));
        }
    }
    let partial = side_file(to, ".partial");
    reserve(&partial)?;
    let copied = copy(from, &partial).and_then(|state| {
        fs::rename(&partial, to)
            .and_then(|()| sync_folder(folder_of(to)))
            .map_err(|error| broken(to, &format!("the copy cannot be renamed: {error}")))?;
        Ok(state)
    });
    if copied.is_err() {
        // The error of the copy says more.
        _ = fs::remove_file(&partial);
    }
    let state = copied?;
    let mark = Mark {
        store: state.store.unwrap_or_default(),
        acknowledged: state.acknowledged,
        in_memory_of: 0,
    };
    high_water_mark::replace(to, mark).map_err(|error| StoreError::Broken(error.to_string()))?;
    Ok(Backup {
        database: to.to_owned(),
        mark: mark_path(to),
        bytes: fs::metadata(to).map_or(0, |found| found.len()),
        acknowledged: state.acknowledged,
    })
}

/// Creates the file that the copy goes to, so that two backups do not write one.
fn reserve(partial: &Path) -> Result<(), StoreError> {
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(partial);
    made.map(drop).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => broken(
            partial,
            "another backup writes it, or was killed. Remove the file if none runs",
        ),
        _ => broken(partial, &format!("cannot be created: {error}")),
    })
}

/// Copies one snapshot to `to`, marks it as not in use, and brings it to stable storage.
fn copy(from: &Path, to: &Path) -> Result<DatabaseState, StoreError> {
    let name = to
        .to_str()
        .ok_or_else(|| broken(to, "the name of the folder is not UTF-8"))?;
    let at_source = |error: rusqlite::Error| located(error.into(), folder_of(from));
    let at_target = |error: rusqlite::Error| located(error.into(), folder_of(to));
    let source = connection::reader(from).map_err(at_source)?;
    // What fails here is nearly always the target: a full disk.
    source
        .execute("VACUUM INTO ?1", [name])
        .map_err(at_target)?;
    let target = Connection::open(to).map_err(at_target)?;
    target
        .execute_batch("UPDATE service SET in_use = 0")
        .map_err(at_target)?;
    let state = loss_check::state(&target).map_err(at_target)?;
    target.close().map_err(|(_, error)| at_target(error))?;
    File::open(to)
        .and_then(|file| file.sync_all())
        .map_err(|error| {
            broken(
                to,
                &format!("it cannot be brought to stable storage: {error}"),
            )
        })?;
    Ok(state)
}

fn broken(path: &Path, what: &str) -> StoreError {
    connection::broken(path, what)
}
