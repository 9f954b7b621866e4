//! Why files in a folder cannot be written, in words for people.

use std::{
    fmt,
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write as _},
    path::{self, Path, PathBuf},
};

/// What a disk must take before it counts as writable again, in bytes.
const ROOM: usize = 64 * 1024;
/// The file that takes it.
const ROOM_CHECK: &str = ".testplan-room-check";

/// What is wrong with a disk or the files on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFaultKind {
    /// No room, or a quota is used up.
    Full,
    /// The files or the file system cannot be written.
    ReadOnly,
    /// The folder or a file in it was removed, renamed or unmounted.
    Gone,
    /// The content of a file is not what was written.
    Damaged,
    /// Reading or writing failed for another reason.
    Failed,
}

impl DiskFaultKind {
    /// The kind of an error of the system.
    pub fn of(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Self::ReadOnly,
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::StaleNetworkFileHandle => {
                Self::Gone
            }
            _ => Self::Failed,
        }
    }
}

/// A fault of the disk that a folder is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskFault {
    /// What is wrong.
    pub kind: DiskFaultKind,
    /// Where; empty if it is not known yet.
    pub folder: PathBuf,
}

impl DiskFault {
    /// A fault that `error` shows in `folder`.
    pub fn of(error: &io::Error, folder: &Path) -> Self {
        Self {
            kind: DiskFaultKind::of(error),
            folder: path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
        }
    }

    /// One thing to do.
    pub fn advice(&self) -> &'static str {
        match self.kind {
            DiskFaultKind::Full => "free some space there",
            DiskFaultKind::ReadOnly => "make it writable",
            DiskFaultKind::Gone => {
                "put back the same files, or stop the service and restore a backup"
            }
            DiskFaultKind::Damaged => "stop the service and restore a backup",
            DiskFaultKind::Failed => "check the disk",
        }
    }
}

impl fmt::Display for DiskFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = if self.folder.as_os_str().is_empty() {
            "the data folder".to_owned()
        } else {
            self.folder.display().to_string()
        };
        match self.kind {
            DiskFaultKind::Full => write!(f, "no room on the disk of {folder}"),
            DiskFaultKind::ReadOnly => write!(f, "{folder} is read-only"),
            DiskFaultKind::Gone => write!(f, "the files of the service in {folder} are gone"),
            DiskFaultKind::Damaged => write!(f, "the database in {folder} is damaged"),
            DiskFaultKind::Failed => write!(f, "the disk of {folder} cannot be read or written"),
        }
    }
}

/// Writes and removes a file of 64 KiB in `folder`, and returns why that fails.
pub fn check_room(folder: &Path) -> Result<(), DiskFault> {
    let path = folder.join(ROOM_CHECK);
    let written = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(&path)
        .and_then(|mut file| {
            file.write_all(&vec![0; ROOM])?;
            file.sync_data()
        });
    // The next check overwrites a file that cannot be removed.
    _ = fs::remove_file(&path);
    written.map_err(|error| DiskFault::of(&error, folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writable_folder_has_room_and_keeps_no_file() {
        let folder = tempfile::tempdir().unwrap();
        check_room(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn missing_folder_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let fault = check_room(&folder.path().join("none")).unwrap_err();
        assert_eq!(fault.kind, DiskFaultKind::Gone);
        assert!(fault.to_string().contains("none"), "{fault}");
    }

    #[test]
    fn errors_of_the_system_have_a_kind() {
        for (error, kind) in [
            (ErrorKind::StorageFull, DiskFaultKind::Full),
            (ErrorKind::QuotaExceeded, DiskFaultKind::Full),
            (ErrorKind::ReadOnlyFilesystem, DiskFaultKind::ReadOnly),
            (ErrorKind::PermissionDenied, DiskFaultKind::ReadOnly),
            (ErrorKind::NotFound, DiskFaultKind::Gone),
            (ErrorKind::TimedOut, DiskFaultKind::Failed),
        ] {
            assert_eq!(DiskFaultKind::of(&error.into()), kind);
        }
    }
}
