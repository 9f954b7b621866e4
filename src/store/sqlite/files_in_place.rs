//! Whether the open files of the database are still those with its name.
//!
//! A process can go on writing to files that were deleted or renamed. SQLite does not notice that with a write-ahead log.

use std::{
    fs::{self, Metadata},
    path::{Path, PathBuf},
};

/// The database file and its log, as they were opened.
#[derive(Debug)]
pub(super) struct FilesInPlace(Vec<(PathBuf, FileIdentity)>);

impl FilesInPlace {
    /// The files of the open database at `path`. A file that does not exist is not watched.
    pub(super) fn of(path: &Path) -> Self {
        let log = side_file(path, "-wal");
        let files = [path.to_owned(), log].into_iter();
        Self(
            files
                .filter_map(|path| Some((FileIdentity::of(&path)?, path)))
                .map(|(identity, path)| (path, identity))
                .collect(),
        )
    }

    pub(super) fn are_in_place(&self) -> bool {
        self.0
            .iter()
            .all(|(path, identity)| FileIdentity::of(path) == Some(*identity))
    }
}

/// The path with something appended to its name.
pub(super) fn side_file(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Device and number of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileIdentity(u64, u64);

impl FileIdentity {
    fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|found| Self::known(&found))
    }

    #[cfg(unix)]
    fn known(found: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self(found.dev(), found.ino())
    }

    /// Other systems do not delete or rename open files of SQLite.
    #[cfg(not(unix))]
    fn known(_: &Metadata) -> Self {
        Self(0, 0)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::fs::write_atomic;

    #[test]
    fn renamed_and_replaced_files_are_noticed() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("store.db");
        let log = side_file(&path, "-wal");
        for file in [&path, &log] {
            write_atomic(file, b"1").unwrap();
        }
        let files = FilesInPlace::of(&path);
        assert!(files.are_in_place());
        let away = place.path().join("away");
        fs::rename(&log, &away).unwrap();
        assert!(!files.are_in_place());
        write_atomic(&log, b"1").unwrap();
        assert!(!files.are_in_place(), "another file of that name");
        fs::rename(&away, &log).unwrap();
        assert!(files.are_in_place());
    }
}
