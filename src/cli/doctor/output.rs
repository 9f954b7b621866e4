//! The folder of the results: whether something can be written there, and how much.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::finding::{Finding, Group};

const GROUP: Group = Group::Output;
/// Less than this is told: one execution's output may take a quarter of it.
const LITTLE: u64 = 256 * 1024 * 1024;

/// What was seen of a folder.
#[derive(Debug)]
pub struct Folder {
    /// As it was named.
    pub path: PathBuf,
    /// Whether it is there already.
    pub exists: bool,
    /// Whether something could be made in it, or where it would be made.
    pub writable: io::Result<()>,
    /// Bytes that are free there, where the system tells.
    pub free: Option<u64>,
}

/// Makes a folder in the one that is there, and takes it away again at once.
pub fn look(path: &Path) -> Folder {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = absolute
        .ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(&absolute);
    Folder {
        path: path.to_owned(),
        exists: there == absolute,
        writable: try_out(there),
        free: free(there),
    }
}

fn try_out(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".testplan-doctor-{}", std::process::id()));
    std::fs::create_dir(&probe)?;
    std::fs::remove_dir(&probe)
}

#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let system = rustix::fs::statvfs(folder).ok()?;
    Some(system.f_bavail.saturating_mul(system.f_frsize))
}

/// Elsewhere that is not cheaply known.
#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

/// Whether results would find a place.
pub fn judge(folder: &Folder) -> Finding {
    const ID: &str = "folder";
    let path = folder.path.display();
    if let Err(error) = &folder.writable {
        let text = format!("nothing can be written to {path}: {error}");
        return Finding::problem(
            GROUP,
            ID,
            text,
            "name another folder with --out, or make it yours",
        );
    }
    let is_there = if folder.exists {
        "is"
    } else {
        "can be made and is"
    };
    let Some(free) = folder.free else {
        return Finding::ok(GROUP, ID, format!("{path} {is_there} writable"));
    };
    let text = format!("{path} {is_there} writable, with {} free", size(free));
    if free < LITTLE {
        return Finding::warning(
            GROUP,
            ID,
            text,
            "make room, or name a folder of a larger disk with --out",
        );
    }
    Finding::ok(GROUP, ID, text)
}

fn size(bytes: u64) -> String {
    let mebibytes = bytes / (1024 * 1024);
    match mebibytes {
        0..10_240 => format!("{mebibytes} MiB"),
        _ => format!("{} GiB", mebibytes / 1024),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::finding::State, *};

    #[test]
    fn little_room_is_told() {
        let folder = |writable, free| Folder {
            path: PathBuf::from("out"),
            exists: false,
            writable,
            free,
        };
        let refused = || Err(io::Error::from(io::ErrorKind::PermissionDenied));
        let table = [
            (
                folder(Ok(()), None),
                "ok",
                "out can be made and is writable",
            ),
            (folder(Ok(()), Some(LITTLE)), "ok", "with 256 MiB free"),
            (
                folder(Ok(()), Some(LITTLE - 1)),
                "warning",
                "with 255 MiB free",
            ),
            (folder(Ok(()), Some(40 << 30)), "ok", "with 40 GiB free"),
            (
                folder(refused(), Some(1 << 40)),
                "problem",
                "permission denied",
            ),
        ];
        for (folder, state, says) in table {
            let finding = judge(&folder);
            assert_eq!(finding.state.word(), state, "{finding:?}");
            assert_eq!(
                finding.cure.is_none(),
                finding.state == State::Ok,
                "{finding:?}"
            );
            assert!(finding.text.contains(says), "{finding:?}");
        }
    }
}
