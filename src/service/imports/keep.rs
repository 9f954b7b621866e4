//! Keeps uploaded files on disk: in a folder that is put in place whole, before the import counts.
//!
//! Written here and not by `fs`, because they are streams; but by the same rule, to a temporary neighbour first.

use std::{io, path::PathBuf};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::{
    fs::{File, OpenOptions},
    io::AsyncWriteExt as _,
};

use crate::{fs::sync_folder, store::KeptFile};

/// How the folders of imports that were not put in place begin.
const INCOMING: &str = ".incoming-";
/// Longest name of a file that is kept, in bytes.
const LONGEST_NAME: usize = 120;

/// Where a service keeps what is uploaded.
#[derive(Clone, Debug)]
pub struct ImportPlace {
    /// The folder; one below it per import.
    pub folder: PathBuf,
    /// Whether an upload is on stable storage before it is answered.
    pub durable: bool,
    /// Most bytes of one upload, all its files together.
    pub limit: u64,
}

impl ImportPlace {
    /// Most bytes of one upload when nobody says otherwise: 8 GiB.
    pub const LIMIT: u64 = 8 * 1024 * 1024 * 1024;

    /// Removes what a process left that was killed while it took an upload.
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

/// An import while it arrives. Dropped before it is put in place, it leaves nothing.
#[derive(Debug)]
pub(super) struct Incoming {
    place: ImportPlace,
    name: String,
    folder: PathBuf,
    pub(super) files: Vec<KeptFile>,
    is_kept: bool,
}

impl Incoming {
    pub(super) async fn begin(place: &ImportPlace) -> io::Result<Self> {
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

    /// The name of its folder, once it is in place.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where a file is until then.
    pub(super) fn path(&self, file: &KeptFile) -> PathBuf {
        self.folder.join(&file.name)
    }

    /// Begins a file. Its name is numbered, so that no two are the same on any file system, and has no folder.
    pub(super) async fn file(&mut self, name: &str, content_type: &str) -> io::Result<Arriving> {
        let name = format!("{:03}-{}", self.files.len() + 1, clean(name));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(self.folder.join(&name))
            .await?;
        Ok(Arriving {
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
    pub(super) async fn end(&mut self, mut arriving: Arriving) -> io::Result<()> {
        arriving.file.flush().await?;
        if self.place.durable {
            arriving.file.sync_all().await?;
        }
        let digest = arriving.hash.finalize();
        arriving.kept.sha256 = format!("{digest:x}");
        self.files.push(arriving.kept);
        Ok(())
    }

    /// Puts the folder in place.
    pub(super) async fn put_in_place(&mut self) -> io::Result<()> {
        let placed = self.place.folder.join(&self.name);
        tokio::fs::rename(&self.folder, &placed).await?;
        self.folder = placed;
        if self.place.durable {
            sync_folder(&self.folder)?;
            sync_folder(&self.place.folder)?;
        }
        Ok(())
    }

    /// Lets go of it: from here on it stays, whoever goes away. Gives the folder.
    pub(super) fn keep(mut self) -> PathBuf {
        self.is_kept = true;
        std::mem::take(&mut self.folder)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.is_kept
            && let Err(error) = std::fs::remove_dir_all(&self.folder)
        {
            tracing::warn!(%error, folder = %self.folder.display(), "an upload that was not taken could not be removed");
        }
    }
}

/// A file while it arrives.
#[derive(Debug)]
pub(super) struct Arriving {
    file: File,
    hash: Sha256,
    kept: KeptFile,
}

impl Arriving {
    pub(super) async fn write(&mut self, bytes: &Bytes) -> io::Result<()> {
        self.hash.update(bytes);
        self.kept.bytes += bytes.len() as u64;
        self.file.write_all(bytes).await
    }
}

/// Letters, digits, dots, dashes and underscores; the end stays, because it says what the file is.
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
    let start = (name.len().saturating_sub(LONGEST_NAME)..=name.len())
        .find(|at| name.is_char_boundary(*at))
        .unwrap_or(0);
    name[start..].trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_folder_and_nothing_odd() {
        for (name, cleaned) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\results.xml", "results.xml"),
            ("a b\0c\n.xml", "a-b-c-.xml"),
            ("..", ""),
        ] {
            assert_eq!(clean(name), cleaned);
        }
        assert!(clean(&"x".repeat(999)).len() <= LONGEST_NAME);
    }

    #[tokio::test]
    async fn what_is_not_known_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let place = ImportPlace {
            folder: folder.path().join("imports"),
            durable: true,
            limit: ImportPlace::LIMIT,
        };
        let count = || std::fs::read_dir(&place.folder).unwrap().count();
        for placed in [false, true] {
            let mut incoming = Incoming::begin(&place).await.unwrap();
            let mut file = incoming.file("a.xml", "application/xml").await.unwrap();
            file.write(&Bytes::from_static(b"abc")).await.unwrap();
            incoming.end(file).await.unwrap();
            assert_eq!(
                incoming.files[0].sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            );
            if placed {
                incoming.put_in_place().await.unwrap();
            }
            drop(incoming);
            assert_eq!(count(), 0);
        }
        let mut incoming = Incoming::begin(&place).await.unwrap();
        place.sweep().unwrap();
        assert_eq!(count(), 0, "as if another process had died over it");
        incoming = {
            drop(incoming);
            Incoming::begin(&place).await.unwrap()
        };
        incoming.put_in_place().await.unwrap();
        incoming.keep();
        place.sweep().unwrap();
        assert_eq!(count(), 1);
    }
}
