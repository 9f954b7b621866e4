//! Whether a database has every change that was acknowledged: compared with its high-water mark before anything is written.

use std::{fs, io, path::Path};

use rusqlite::{Connection, OptionalExtension as _};

use super::{
    connection,
    files_in_place::side_file,
    high_water_mark::{FoundMark, Mark, StoreId},
};
use crate::store::{StoreError, values::number};

/// What to do when acknowledged changes are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LossPolicy {
    /// Refuse to open the database.
    #[default]
    Refuse,
    /// Go on without them and log what is missing.
    Accept,
    /// Keep no mark, and compare with none: for a database that lives as long as one command.
    Ignore,
}

/// What was found in place of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FoundDatabase {
    /// No file, or an empty one.
    Missing {
        /// Whether a write-ahead log with content is there.
        has_log: bool,
    },
    Present(DatabaseState),
}

/// What a database says about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DatabaseState {
    /// Absent if an earlier version wrote it.
    pub(super) store: Option<StoreId>,
    pub(super) acknowledged: u64,
    /// Whether a service had it open when this was written.
    pub(super) in_use: bool,
    /// Whether a write-ahead log with content is beside it.
    pub(super) has_log: bool,
}

/// What is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Loss {
    /// How many acknowledged changes; `None` if that is unknown.
    pub(super) changes: Option<u64>,
    /// Why that is known, as the rest of a sentence.
    pub(super) why: String,
    /// Whether a power loss explains it, as `Durability::Normal` allows.
    pub(super) is_allowed: bool,
}

/// Compares a mark with the database beside it. `system` is the running one.
pub(super) fn compare(mark: &FoundMark, database: &FoundDatabase, system: u64) -> Option<Loss> {
    let lost = |changes, why: &str| {
        Some(Loss {
            changes,
            why: why.to_owned(),
            is_allowed: false,
        })
    };
    match (mark, database) {
        (FoundMark::None, FoundDatabase::Missing { has_log: false }) => None,
        (FoundMark::None, FoundDatabase::Missing { has_log: true }) => lost(
            None,
            "it is missing or empty, but its write-ahead log is there",
        ),
        (FoundMark::None, FoundDatabase::Present(found)) => {
            if found.in_use && !found.has_log {
                return lost(
                    None,
                    "it was copied while a service ran, without its write-ahead log",
                );
            }
            None
        }
        (FoundMark::Damaged, _) => lost(None, "its high-water mark is damaged"),
        (FoundMark::Mark(mark), FoundDatabase::Missing { .. }) => match mark.acknowledged {
            0 => None,
            all => lost(
                Some(all),
                "it is missing or empty, but its high-water mark is there",
            ),
        },
        (FoundMark::Mark(mark), FoundDatabase::Present(found)) => behind(mark, found, system),
    }
}

fn behind(mark: &Mark, found: &DatabaseState, system: u64) -> Option<Loss> {
    if found.store != Some(mark.store) {
        return Some(Loss {
            changes: None,
            why: "it is another database than the one that its high-water mark belongs to"
                .to_owned(),
            is_allowed: false,
        });
    }
    let changes = mark.acknowledged.checked_sub(found.acknowledged)?;
    (changes > 0).then(|| Loss {
        changes: Some(changes),
        why: format!(
            "it has {} of {}; {}",
            found.acknowledged,
            mark.acknowledged,
            if found.has_log {
                "its write-ahead log is damaged, or an older copy was put in its place"
            } else {
                "its write-ahead log is missing, or an older copy was put in its place"
            }
        ),
        // After a power loss another system runs.
        is_allowed: mark.in_memory_of != 0 && mark.in_memory_of != system,
    })
}

impl Loss {
    /// What is missing, as a sentence.
    pub(super) fn text(&self, path: &Path) -> String {
        let path = path.display();
        let why = &self.why;
        match self.changes {
            Some(1) => format!("{path}: 1 acknowledged change is lost ({why})"),
            Some(changes) => format!("{path}: {changes} acknowledged changes are lost ({why})"),
            None => format!("{path}: how many acknowledged changes are lost is unknown ({why})"),
        }
    }
}

/// Reads the state of a database, and checks that it is whole, without changing a file.
pub(super) fn inspect(path: &Path) -> Result<FoundDatabase, StoreError> {
    let log = fs::metadata(side_file(path, "-wal"));
    let has_log = log.is_ok_and(|log| log.len() > 0);
    match fs::metadata(path) {
        Ok(found) if found.len() > 0 => {}
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(connection::broken(path, &error.to_string()));
        }
        _ => return Ok(FoundDatabase::Missing { has_log }),
    }
    let state = connection::reader(path)
        .map_err(|error| connection::describe(&error))
        .and_then(|db| {
            connection::check(&db)?;
            let version = version(&db).map_err(|error| connection::describe(&error))?;
            connection::missing_scripts(version as usize)?;
            state(&db).map_err(|error| connection::describe(&error))
        })
        .map_err(|what| connection::broken(path, &what))?;
    Ok(FoundDatabase::Present(DatabaseState { has_log, ..state }))
}

pub(super) fn version(db: &Connection) -> rusqlite::Result<u32> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// What a database says about itself; an earlier version says nothing.
pub(super) fn state(db: &Connection) -> rusqlite::Result<DatabaseState> {
    if version(db)? < connection::FIRST_WITH_IDENTITY {
        return Ok(DatabaseState::default());
    }
    let found = db
        .query_row(
            "SELECT store_id, acknowledged, in_use FROM service",
            [],
            |row| {
                Ok(DatabaseState {
                    store: row.get(0)?,
                    acknowledged: number(row.get(1)?),
                    in_use: row.get(2)?,
                    has_log: false,
                })
            },
        )
        .optional()?;
    Ok(found.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: Mark = Mark {
        store: [1; 16],
        acknowledged: 10,
        in_memory_of: 0,
    };
    const STATE: DatabaseState = DatabaseState {
        store: Some([1; 16]),
        acknowledged: 10,
        in_use: true,
        has_log: true,
    };

    fn loss(mark: Mark, state: DatabaseState) -> Option<Loss> {
        compare(&FoundMark::Mark(mark), &FoundDatabase::Present(state), 5)
    }

    #[test]
    fn database_behind_its_mark_lost_the_difference() {
        assert_eq!(loss(MARK, STATE), None);
        let with = |acknowledged| DatabaseState {
            acknowledged,
            ..STATE
        };
        assert_eq!(loss(MARK, with(11)), None, "the mark may be behind");
        assert_eq!(loss(MARK, with(7)).unwrap().changes, Some(3));
        let earlier = DatabaseState::default();
        let unknown = loss(MARK, earlier).unwrap();
        assert_eq!(unknown.changes, None);
    }

    #[test]
    fn missing_database_lost_all() {
        let missing = FoundDatabase::Missing { has_log: false };
        let only_log = FoundDatabase::Missing { has_log: true };
        let loss = |mark| compare(&mark, &missing, 5);
        assert_eq!(loss(FoundMark::None), None);
        let unknown = compare(&FoundMark::None, &only_log, 5).unwrap();
        assert_eq!(unknown.changes, None);
        assert_eq!(loss(FoundMark::Mark(MARK)).unwrap().changes, Some(10));
        assert_eq!(loss(FoundMark::Damaged).unwrap().changes, None);
        let empty = Mark {
            acknowledged: 0,
            ..MARK
        };
        assert_eq!(loss(FoundMark::Mark(empty)), None);
    }

    #[test]
    fn copy_without_mark_and_log_is_noticed_if_a_service_had_it_open() {
        for (in_use, has_log, is_lost) in [
            (true, false, true),
            (true, true, false),
            (false, false, false),
        ] {
            let state = DatabaseState {
                in_use,
                has_log,
                ..STATE
            };
            let loss = compare(&FoundMark::None, &FoundDatabase::Present(state), 5);
            assert_eq!(loss.is_some(), is_lost, "{state:?}");
        }
    }

    #[test]
    fn power_loss_may_undo_changes_that_were_in_memory_only() {
        let state = DatabaseState {
            acknowledged: 7,
            ..STATE
        };
        for (in_memory_of, is_allowed) in [(0, false), (5, false), (4, true)] {
            let mark = Mark {
                in_memory_of,
                ..MARK
            };
            let loss = loss(mark, state).unwrap();
            assert_eq!(loss.is_allowed, is_allowed, "{in_memory_of}");
        }
    }
}
