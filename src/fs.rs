//! Files are written whole or not at all: to a temporary neighbour first, then renamed.

mod disk_fault;
mod name;
mod private_folder;

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

pub use disk_fault::{DiskFault, DiskFaultKind, check_room};
pub use name::safe_name;
pub(crate) use private_folder::private_folder;

/// Why a file was not written. The file that was there before is as it was.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {step}: {cause}", path.display())]
pub struct WriteError {
    /// The file that was to be written.
    pub path: PathBuf,
    /// What failed on the way.
    step: &'static str,
    /// What the system says.
    #[source]
    cause: io::Error,
}

/// Writes a file whole or not at all, making its parent folders. Survives a crash of the process, not one of the
/// machine: reports can be made again.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write(path, bytes, Care::NONE)
}

/// Like [`write_atomic`] for a file that `fill` writes step by step; if it fails, the file stays as it was.
pub fn write_atomic_with<E: From<WriteError>>(
    path: &Path,
    fill: impl FnOnce(&mut fs::File) -> Result<(), E>,
) -> Result<(), E> {
    replace(path, Care::NONE, fill)
}

/// Like [`write_atomic`], and on stable storage when it returns.
pub fn write_durable(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write(path, bytes, Care::DURABLE)
}

/// Like [`write_durable`], and readable by its owner alone from its first byte on, where the system knows owners.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write(path, bytes, Care::PRIVATE_DURABLE)
}

/// Appends to a file that others write to as well, with one call, making it if it is not there.
pub fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(bytes)
}

/// Like [`write_atomic`], and readable by its owner alone, as [`write_private`].
pub fn write_private_atomic(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write(path, bytes, Care::PRIVATE)
}

#[derive(Clone, Copy)]
struct Care {
    durable: bool,
    private: bool,
}

impl Care {
    const NONE: Self = Self {
        durable: false,
        private: false,
    };
    const DURABLE: Self = Self {
        durable: true,
        ..Self::NONE
    };
    const PRIVATE: Self = Self {
        private: true,
        ..Self::NONE
    };
    const PRIVATE_DURABLE: Self = Self {
        durable: true,
        private: true,
    };
}

fn write(path: &Path, bytes: &[u8], care: Care) -> Result<(), WriteError> {
    replace(path, care, |file| {
        file.write_all(bytes)
            .map_err(failed(path, "its temporary neighbour cannot be written"))
    })
}

fn failed(path: &Path, step: &'static str) -> impl Fn(io::Error) -> WriteError {
    move |cause| WriteError {
        path: path.to_owned(),
        step,
        cause,
    }
}

fn replace<E: From<WriteError>>(
    path: &Path,
    care: Care,
    fill: impl FnOnce(&mut fs::File) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |step| failed(path, step);
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(failed("its folder cannot be made"))?;
    // Beside the target, for a rename does not cross file systems; its own name, for two processes may write one file.
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random)
        .map_err(io::Error::from)
        .map_err(failed("no random numbers for a temporary name"))?;
    let temporary = folder.join(format!(".testplan-{:016x}.tmp", u64::from_ne_bytes(random)));
    let unwritten = failed("its temporary neighbour cannot be written");
    let written = make(&temporary, care)
        .map_err(&unwritten)
        .map_err(E::from)
        .and_then(|mut file| {
            fill(&mut file)?;
            Ok(settle(&mut file, care).map_err(&unwritten)?)
        })
        .and_then(|()| Ok(fs::rename(&temporary, path).map_err(failed("it cannot be replaced"))?));
    if written.is_err() {
        // The first error is the one to tell; a neighbour that cannot be removed does no harm.
        _ = fs::remove_file(&temporary);
        return written;
    }
    if care.durable {
        sync_folder(folder).map_err(failed("its folder cannot be brought to stable storage"))?;
    }
    Ok(())
}

fn make(path: &Path, care: Care) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    if care.private {
        for_owner_alone(&mut options);
    }
    options.open(path)
}

fn settle(file: &mut fs::File, care: Care) -> io::Result<()> {
    if care.durable {
        file.sync_all()
    } else {
        file.flush()
    }
}

#[cfg(unix)]
fn for_owner_alone(options: &mut OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

/// Other systems give a file the rights of its folder.
#[cfg(not(unix))]
fn for_owner_alone(_: &mut OpenOptions) {}

/// Brings what was put into a folder, or renamed there, to stable storage.
#[cfg(unix)]
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Other systems do not open folders as files, and keep renames in their journal.
#[cfg(not(unix))]
pub fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn writes_and_replaces_and_leaves_no_neighbour() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/report.xml");
        write_atomic(&path, b"one").unwrap();
        write_durable(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(listing(path.parent().unwrap()), ["report.xml"]);
    }

    #[test]
    fn a_failed_write_leaves_what_was_there_and_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir_all(path.join("inside")).unwrap();
        let error = write_atomic(&path, b"x").unwrap_err().to_string();
        assert!(
            error.starts_with(&format!(
                "cannot write {}: it cannot be replaced: ",
                path.display()
            )),
            "{error}"
        );
        assert_eq!(listing(folder.path()), ["taken"]);
        assert_eq!(listing(&path), ["inside"]);

        let file = folder.path().join("file");
        write_atomic(&file, b"x").unwrap();
        let error = write_atomic(&file.join("below"), b"x")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("below: its folder cannot be made: "),
            "{error}"
        );
    }

    #[test]
    fn a_file_that_cannot_be_made_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.xml");
        write_atomic(&path, b"old").unwrap();
        let unmade = write_atomic_with(&path, |file| {
            file.write_all(b"half").unwrap();
            Err(WriteError {
                path: "records".into(),
                step: "read",
                cause: io::ErrorKind::NotFound.into(),
            })
        });
        assert_eq!(unmade.unwrap_err().step, "read");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(listing(folder.path()), ["report.xml"]);
        write_atomic_with::<WriteError>(&path, |file| {
            file.write_all(b"new").unwrap();
            Ok(())
        })
        .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[cfg(unix)]
    #[test]
    fn takes_the_longest_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("n".repeat(255));
        write_atomic(&path, b"x").unwrap();
        assert_eq!(fs::read(path).unwrap(), b"x");
    }

    #[cfg(unix)]
    #[test]
    fn a_private_file_is_its_owners_even_where_an_open_one_was() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for write in [write_private, write_private_atomic] {
            write_atomic(&path, b"open").unwrap();
            write(&path, b"secret").unwrap();
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            assert_eq!(fs::read(&path).unwrap(), b"secret");
        }
    }
}
