//! A token file that gets another token while a command runs, as secret managers and rotations do.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::SystemTime,
};

use super::credential_sources::from_file;
use crate::{
    credentials::{CredentialSource, Credentials},
    sync::ignore_poison,
};

/// The file of `--token-file`, and its stamp when it was last read. Clones are the same file.
#[derive(Clone, Debug)]
pub(crate) struct TokenFile {
    path: PathBuf,
    seen: Arc<Mutex<Option<Stamp>>>,
}

/// What differs between two versions of a file. A rewrite within one tick of the file system's clock is found after the token
/// was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// A link or rename puts another file in the place of the old one.
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let data = fs::metadata(path).ok()?;
        Some(Self {
            modified: data.modified().ok(),
            length: data.len(),
            inode: inode(&data),
        })
    }
}

#[cfg(unix)]
fn inode(data: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(data)
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> u64 {
    0
}

impl TokenFile {
    /// Call it before the file is read: what changes in between is read again.
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            seen: Arc::new(Mutex::new(Stamp::of(path))),
        }
    }

    /// `None` while the file is missing, or being written: the token before stays in use.
    fn read(&self) -> Option<Credentials> {
        match from_file(&self.path) {
            Ok(found) => Some(found.credentials),
            Err(error) => {
                tracing::warn!(%error, "the token that was read before stays in use");
                None
            }
        }
    }
}

impl CredentialSource for TokenFile {
    fn changed(&self) -> Option<Credentials> {
        let stamp = Stamp::of(&self.path)?;
        let mut seen = ignore_poison(self.seen.lock());
        if seen.as_ref() == Some(&stamp) {
            return None;
        }
        *seen = Some(stamp);
        drop(seen);
        self.read()
    }

    fn current(&self) -> Option<Credentials> {
        self.read()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn shown(found: Option<Credentials>) -> Option<String> {
        match found? {
            Credentials::Token(token) => Some(token.expose_secret().to_owned()),
            Credentials::Password { .. } => None,
        }
    }

    #[test]
    fn token_is_read_again_only_after_the_file_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let write = |text: &str| crate::fs::write_private(&path, text.as_bytes()).unwrap();
        write("first");
        let file = TokenFile::new(&path);
        assert_eq!(shown(file.changed()), None);
        write("another");
        assert_eq!(shown(file.changed()).as_deref(), Some("another"));
        assert_eq!(shown(file.changed()), None);
        assert_eq!(shown(file.current()).as_deref(), Some("another"));
    }

    #[test]
    fn missing_or_torn_file_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        crate::fs::write_private(&path, b"first").unwrap();
        let file = TokenFile::new(&path);
        crate::fs::write_private(&path, b"").unwrap();
        assert_eq!(shown(file.changed()), None);
        fs::remove_file(&path).unwrap();
        assert_eq!(shown(file.changed()), None);
        assert_eq!(shown(file.current()), None);
        crate::fs::write_private(&path, b"second").unwrap();
        assert_eq!(shown(file.changed()).as_deref(), Some("second"));
    }
}
