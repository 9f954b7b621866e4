//! Uploaded files on disk: written to a temporary folder, which is renamed before the import counts.
//!
//! `fs` writes whole files atomically; these are streams, so they are written here, by the same rule.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::{
    fs::{File, OpenOptions},
    io::AsyncWriteExt as _,
};

use crate::{fs::sync_folder, store::KeptFile};

/// Prefix of temporary folders.
const INCOMING: &str = ".incoming-";
/// Longest name of a stored file, in bytes.
const MAX_NAME: usize = 120;

/// Where a service stores uploads.
#[derive(Clone, Debug)]
pub struct ImportStorage {
    /// The folder, with a subfolder per import.
    pub folder: PathBuf,
    /// Whether an upload is on stable storage before the answer.
    pub durable: bool,
    /// Most bytes of one upload, all files together.
    pub limit: u64,
    /// Whether other processes store uploads there too.
    pub is_shared: bool,
}

/// How long nothing is written to an upload before it is taken for one of a killed process, where others may be at work.
const ABANDONED: Duration = Duration::from_secs(3600);

impl ImportStorage {
    /// The default limit of one upload: 8 GiB.
    pub const LIMIT: u64 = 8 * 1024 * 1024 * 1024;

    /// Removes the temporary folders of a process that was killed during an upload.
    pub(in crate::service) fn sweep(&self) -> io::Result<()> {
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let is_incoming = entry.file_name().to_string_lossy().starts_with(INCOMING);
            if is_incoming && !(self.is_shared && is_at_work(&entry.path())) {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Whether something was written to an upload lately. One whose end cannot be told counts as at work.
fn is_at_work(folder: &Path) -> bool {
    let files = std::fs::read_dir(folder).into_iter().flatten();
    let paths = files.filter_map(|file| Some(file.ok()?.path()));
    std::iter::once(folder.to_owned()).chain(paths).any(|path| {
        let written = std::fs::metadata(path).and_then(|data| data.modified());
        written.is_ok_and(|written| written.elapsed().is_ok_and(|age| age < ABANDONED))
    })
}

/// An import while it arrives. Dropping it removes its files, until [`keep`](Self::keep).
#[derive(Debug)]
pub(super) struct IncomingImport {
    place: ImportStorage,
    name: String,
    folder: PathBuf,
    pub(super) files: Vec<KeptFile>,
    is_kept: bool,
}

impl IncomingImport {
    pub(super) async fn begin(place: &ImportStorage) -> io::Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::from)?;
        let name = format!("{:016x}", u64::from_ne_bytes(random));
        let folder = place.folder.join(format!("{INCOMING}{name}"));
        tokio::fs::create_dir_all(&folder).await?;
        Ok(Self {
            place: place.clone(),
            name,
            folder,
            files: Vec::new(),
            is_kept: false,
        })
    }

    /// The final name of its folder.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The current path of a file.
    pub(super) fn path(&self, file: &KeptFile) -> PathBuf {
        self.folder.join(&file.name)
    }

    /// Begins a file. Its name gets a number, so that names are unique on any file system, and has no folder.
    pub(super) async fn file(
        &mut self,
        name: &str,
        content_type: &str,
    ) -> io::Result<IncomingFile> {
        let name = format!("{:03}-{}", self.files.len() + 1, clean(name));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(self.folder.join(&name))
            .await?;
        Ok(IncomingFile {
            file,
            hash: Sha256::new(),
            kept: KeptFile {
                name,
                content_type: content_type.to_owned(),
                bytes: 0,
                sha256: String::new(),
                notes: Vec::new(),
            },
        })
    }

    /// Ends a file.
    pub(super) async fn end(&mut self, mut file: IncomingFile) -> io::Result<()> {
        file.file.flush().await?;
        if self.place.durable {
            file.file.sync_all().await?;
        }
        let digest = file.hash.finalize();
        file.kept.sha256 = format!("{digest:x}");
        self.files.push(file.kept);
        Ok(())
    }

    /// Renames the temporary folder to its final name.
    pub(super) async fn rename(&mut self) -> io::Result<()> {
        let folder = self.place.folder.join(&self.name);
        tokio::fs::rename(&self.folder, &folder).await?;
        self.folder = folder;
        if self.place.durable {
            sync_folder(&self.folder)?;
            sync_folder(&self.place.folder)?;
        }
        Ok(())
    }

    /// Keeps the files when this is dropped; returns the folder.
    pub(super) fn keep(mut self) -> PathBuf {
        self.is_kept = true;
        std::mem::take(&mut self.folder)
    }
}

impl Drop for IncomingImport {
    fn drop(&mut self) {
        if !self.is_kept
            && let Err(error) = std::fs::remove_dir_all(&self.folder)
        {
            tracing::warn!(%error, folder = %self.folder.display(), "cannot remove the files of an incomplete upload");
        }
    }
}

/// A file while it arrives.
#[derive(Debug)]
pub(super) struct IncomingFile {
    file: File,
    hash: Sha256,
    kept: KeptFile,
}

impl IncomingFile {
    pub(super) async fn write(&mut self, bytes: &Bytes) -> io::Result<()> {
        self.hash.update(bytes);
        self.kept.bytes += bytes.len() as u64;
        self.file.write_all(bytes).await
    }
}

/// A name of letters, digits, dots, dashes and underscores. A long name loses its beginning, because its end is the
/// extension.
fn clean(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = base
        .chars()
        .map(|c| match c {
            c if c.is_alphanumeric() => c,
            '.' | '-' | '_' => c,
            _ => '-',
        })
        .collect();
    let start = (name.len().saturating_sub(MAX_NAME)..=name.len())
        .find(|at| name.is_char_boundary(*at))
        .unwrap_or(0);
    name[start..].trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_folders_and_special_characters() {
        for (name, cleaned) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\results.xml", "results.xml"),
            ("a b\0c\n.xml", "a-b-c-.xml"),
            ("..", ""),
        ] {
            assert_eq!(clean(name), cleaned);
        }
        assert!(clean(&"x".repeat(999)).len() <= MAX_NAME);
    }

    #[tokio::test]
    async fn dropped_upload_removes_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let place = ImportStorage {
            folder: folder.path().join("imports"),
            durable: true,
            is_shared: false,
            limit: ImportStorage::LIMIT,
        };
        let count = || std::fs::read_dir(&place.folder).unwrap().count();
        for placed in [false, true] {
            let mut incoming = IncomingImport::begin(&place).await.unwrap();
            let mut file = incoming.file("a.xml", "application/xml").await.unwrap();
            file.write(&Bytes::from_static(b"abc")).await.unwrap();
            incoming.end(file).await.unwrap();
            assert_eq!(
                incoming.files[0].sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            );
            if placed {
                incoming.rename().await.unwrap();
            }
            drop(incoming);
            assert_eq!(count(), 0);
        }
        let mut incoming = IncomingImport::begin(&place).await.unwrap();
        let shared = ImportStorage {
            is_shared: true,
            ..place.clone()
        };
        shared.sweep().unwrap();
        assert_eq!(count(), 1, "another process is at work there");
        let long_ago = std::time::UNIX_EPOCH;
        let folder = File::open(&incoming.folder).await.unwrap();
        folder.into_std().await.set_modified(long_ago).unwrap();
        shared.sweep().unwrap();
        assert_eq!(count(), 0, "nobody wrote there for hours");
        incoming = {
            drop(incoming);
            IncomingImport::begin(&place).await.unwrap()
        };
        place.sweep().unwrap();
        assert_eq!(count(), 0, "as after the death of another process");
        incoming = {
            drop(incoming);
            IncomingImport::begin(&place).await.unwrap()
        };
        incoming.rename().await.unwrap();
        incoming.keep();
        place.sweep().unwrap();
        assert_eq!(count(), 1);
    }
}
