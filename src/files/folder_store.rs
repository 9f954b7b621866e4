//! Uploaded files in a folder: written to a temporary one, which is renamed before the import counts.
//!
//! `fs` writes whole files atomically; these are streams, so they are written here, by the same rule.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    fs::{File, OpenOptions},
    io::AsyncWriteExt as _,
};

use crate::{fs::sync_folder, random};

/// Prefix of temporary folders.
const INCOMING: &str = ".incoming-";
/// An upload to which nothing was written for this long is one of a killed process.
const ABANDONED: Duration = Duration::from_secs(3600);

/// A folder for uploads.
#[derive(Clone, Debug)]
pub struct FolderStore {
    /// The folder, with a subfolder per import.
    pub path: PathBuf,
    /// Whether an upload is on stable storage before the answer.
    pub durable: bool,
    /// Whether other processes store uploads there too.
    pub is_shared: bool,
}

impl FolderStore {
    /// Removes the temporary folders of a process that was killed during an upload: those that nothing was written to for an
    /// hour; at the start of the only process all.
    pub(super) fn sweep(&self, is_start: bool) -> io::Result<()> {
        let entries = match std::fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let is_incoming = entry.file_name().to_string_lossy().starts_with(INCOMING);
            let is_alone = is_start && !self.is_shared;
            if is_incoming && (is_alone || !is_in_progress(&entry.path())) {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Whether something was written to an upload lately. One that cannot be read counts as abandoned.
fn is_in_progress(folder: &Path) -> bool {
    let files = std::fs::read_dir(folder).into_iter().flatten();
    let paths = files.filter_map(|file| Some(file.ok()?.path()));
    std::iter::once(folder.to_owned()).chain(paths).any(|path| {
        let written = std::fs::metadata(path).and_then(|data| data.modified());
        written.is_ok_and(|written| written.elapsed().is_ok_and(|age| age < ABANDONED))
    })
}

/// An upload while it arrives. Dropping it removes its files, until [`seal`](Self::seal).
#[derive(Debug)]
pub(super) struct FolderUpload {
    pub(super) store: FolderStore,
    pub(super) name: String,
    pub(super) folder: PathBuf,
    file: Option<File>,
    is_kept: bool,
}

impl FolderUpload {
    pub(super) async fn begin(store: &FolderStore) -> io::Result<Self> {
        let name = random::hex(2)?;
        let folder = store.path.join(format!("{INCOMING}{name}"));
        tokio::fs::create_dir_all(&folder).await?;
        Ok(Self {
            store: store.clone(),
            name,
            folder,
            file: None,
            is_kept: false,
        })
    }

    pub(super) async fn file(&mut self, name: &str) -> io::Result<()> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(self.folder.join(name))
            .await?;
        self.file = Some(file);
        Ok(())
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(bytes).await,
            None => Ok(()),
        }
    }

    pub(super) async fn end(&mut self) -> io::Result<()> {
        if let Some(mut file) = self.file.take() {
            file.flush().await?;
            if self.store.durable {
                file.sync_all().await?;
            }
        }
        Ok(())
    }

    /// Renames the temporary folder to its final name. From now on it stays.
    pub(super) async fn seal(&mut self) -> io::Result<()> {
        let folder = self.store.path.join(&self.name);
        tokio::fs::rename(&self.folder, &folder).await?;
        self.folder = folder;
        if self.store.durable {
            sync_folder(&self.folder)?;
            sync_folder(&self.store.path)?;
        }
        self.is_kept = true;
        Ok(())
    }

    pub(super) async fn remove(self) -> io::Result<()> {
        tokio::fs::remove_dir_all(&self.folder).await
    }
}

impl Drop for FolderUpload {
    fn drop(&mut self) {
        if !self.is_kept
            && let Err(error) = std::fs::remove_dir_all(&self.folder)
        {
            tracing::warn!(%error, folder = %self.folder.display(), "cannot remove the files of an incomplete upload");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sweep_leaves_uploads_of_others_that_are_at_work_and_sealed_ones() {
        let place = tempfile::tempdir().unwrap();
        let own = FolderStore {
            path: place.path().join("imports"),
            durable: true,
            is_shared: false,
        };
        let shared = FolderStore {
            is_shared: true,
            ..own.clone()
        };
        let count = || std::fs::read_dir(&own.path).unwrap().count();
        own.sweep(true)
            .expect("the folder is made by the first upload");
        let incoming = FolderUpload::begin(&own).await.unwrap();
        shared.sweep(true).unwrap();
        assert_eq!(count(), 1, "another process writes there");
        own.sweep(false).unwrap();
        assert_eq!(count(), 1, "this process writes there");
        let folder = File::open(&incoming.folder).await.unwrap();
        let folder = folder.into_std().await;
        folder.set_modified(std::time::UNIX_EPOCH).unwrap();
        shared.sweep(false).unwrap();
        assert_eq!(count(), 0, "no process wrote there for hours");
        drop(incoming);
        let incoming = FolderUpload::begin(&own).await.unwrap();
        own.sweep(true).unwrap();
        assert_eq!(count(), 0, "as after the death of another process");
        drop(incoming);
        let mut incoming = FolderUpload::begin(&own).await.unwrap();
        incoming.seal().await.unwrap();
        drop(incoming);
        own.sweep(true).unwrap();
        assert_eq!(count(), 1);
    }
}
