//! Observes the folder for results: whether it is writable, and how much space is free.

use std::{
    io,
    path::{Path, PathBuf},
};

#[derive(Debug)]
pub(crate) struct OutFolder {
    pub(crate) path: PathBuf,
    pub(crate) exists: bool,
    /// Whether a folder could be made in it, or in the folder that would hold it.
    pub(crate) writable: io::Result<()>,
    /// Free bytes, if the system says.
    pub(crate) free: Option<u64>,
}

/// Makes a folder there and removes it at once.
pub(super) fn observe(path: PathBuf) -> OutFolder {
    let absolute = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
    let existing = absolute
        .ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(&absolute);
    OutFolder {
        exists: existing == absolute,
        writable: try_to_write(existing),
        free: free(existing),
        path,
    }
}

fn try_to_write(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".testplan-doctor-{}", std::process::id()));
    std::fs::create_dir(&probe)?;
    std::fs::remove_dir(&probe)
}

#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let system = rustix::fs::statvfs(folder).ok()?;
    Some(system.f_bavail.saturating_mul(system.f_frsize))
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}
