//! What workers wrote down, read while they write.

use std::{
    fs,
    path::{Path, PathBuf},
};

use testplan::model::record::{Record, RecordEvent};

use super::until;

/// The records below a folder.
pub(crate) struct Records(PathBuf);

impl Records {
    pub(crate) fn below(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// All that are there; a line being written is left out.
    pub(crate) fn all(&self) -> Vec<Record> {
        let mut records = Vec::new();
        for path in files_below(&self.0) {
            if path.extension().is_some_and(|it| it == "ndjson") {
                let text = fs::read_to_string(&path).unwrap_or_default();
                records.extend(
                    text.lines()
                        .filter_map(|line| serde_json::from_str(line).ok()),
                );
            }
        }
        records
    }

    /// What the picker finds in them, one by one.
    pub(crate) fn pick<T>(&self, pick: impl Fn(&RecordEvent) -> Option<T>) -> Vec<T> {
        self.all()
            .iter()
            .filter_map(|record| pick(&record.event))
            .collect()
    }

    /// Waits until an event is there.
    #[track_caller]
    pub(crate) fn wait_for<T>(&self, what: &str, pick: impl Fn(&RecordEvent) -> Option<T>) -> T {
        until(what, || self.pick(&pick).into_iter().next())
    }
}

/// Every file below a folder, in order; none if there is no folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return found;
    };
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files_below(&entry.path())),
            _ => found.push(entry.path()),
        }
    }
    found.sort();
    found
}
