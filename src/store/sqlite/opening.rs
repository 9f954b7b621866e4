//! Opening a store: lock, comparison with the high-water mark, schema, and the takeover from the service before.

use std::{fs::File, path::Path};

use super::{
    connection::{self, Durability},
    database::Database,
    high_water_mark::{self, Mark, MarkFile},
    loss_check::{self, LossPolicy},
    recovery::{self, Recovery},
};
use crate::{
    model::Timestamp,
    store::{Rules, StoreError},
};

/// A store that is open for writing.
pub(super) struct Opened {
    /// Held as long as the store is open.
    pub(super) lock: File,
    pub(super) database: Database,
    pub(super) recovery: Recovery,
    /// Absent if none is kept.
    pub(super) mark: Option<MarkFile>,
}

pub(super) fn open(
    path: &Path,
    durability: Durability,
    rules: Rules,
    wall: Timestamp,
    policy: LossPolicy,
) -> Result<Opened, StoreError> {
    let lock = connection::lock(path)?;
    // Before anything is written: a missing log can still be put back then.
    refuse_losses(path, policy)?;
    let db = connection::writer(path, durability)?;
    let (database, recovery) = recovery::open(db, rules, wall)?;
    let mark = match policy {
        LossPolicy::Ignore => None,
        LossPolicy::Refuse | LossPolicy::Accept => {
            // A copy of the file alone then says that a service had it open.
            database.empty_log();
            Some(first_mark(path, durability, &database)?)
        }
    };
    Ok(Opened {
        lock,
        database,
        recovery,
        mark,
    })
}

/// Refuses a database from which acknowledged changes are missing, as the policy says.
pub(super) fn refuse_losses(path: &Path, policy: LossPolicy) -> Result<(), StoreError> {
    let database = loss_check::inspect(path)?;
    if policy == LossPolicy::Ignore {
        return Ok(());
    }
    let mark = read_mark(path)?;
    let system = high_water_mark::running_system();
    let Some(loss) = loss_check::compare(&mark, &database, system) else {
        return Ok(());
    };
    let text = loss.text(path);
    if loss.is_allowed {
        tracing::warn!(
            "{text}: durability `normal` does not keep the last changes over a power loss"
        );
    } else if policy == LossPolicy::Accept {
        tracing::warn!("{text}: accepted on request");
    } else {
        return Err(StoreError::Lost(text));
    }
    Ok(())
}

pub(super) fn read_mark(path: &Path) -> Result<high_water_mark::FoundMark, StoreError> {
    high_water_mark::read(path).map_err(|error| {
        let mark = high_water_mark::mark_path(path);
        StoreError::Broken(format!("{} cannot be read: {error}", mark.display()))
    })
}

/// Begins a mark with what the database has now.
fn first_mark(
    path: &Path,
    durability: Durability,
    database: &Database,
) -> Result<MarkFile, StoreError> {
    let mark = Mark {
        store: database.store_id,
        acknowledged: database.acknowledged,
        in_memory_of: match durability {
            Durability::Full => 0,
            // Not 0 where systems have no number: then every loss may be one of power.
            Durability::Normal => high_water_mark::running_system().max(1),
        },
    };
    let broken = |error: &dyn std::fmt::Display| StoreError::Broken(error.to_string());
    high_water_mark::replace(path, mark).map_err(|error| broken(&error))?;
    MarkFile::open(path, mark).map_err(|error| broken(&error))
}
