//! Uploaded files on disk: written to a temporary folder, which is renamed before the import counts.
//!
//! `fs` writes whole files atomically; these are streams, so they are written here, by the same rule.

use std::{io, path::PathBuf};

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
}

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
            if entry.file_name().to_string_lossy().starts_with(INCOMING) {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
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
