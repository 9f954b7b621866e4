//! Where a service stores uploads, and its clean-up of what killed processes left there.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::AbortHandle,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    clock,
    files::{Abandoned, FileStore, ImportName, StorageError},
    service::upload_faults::UploadFaults,
    store::{Store, StoreError},
};

/// How often what killed processes left is removed.
const CLEAN_UP: Duration = Duration::from_secs(3600);
/// How many imports are read at once to find one.
const PAGE: u32 = 1_000;

/// Where a service stores uploads.
#[derive(Clone, Debug)]
pub struct ImportStorage {
    /// A folder or a bucket.
    pub files: FileStore,
    /// Most bytes of one upload, all files together.
    pub limit: u64,
}

impl ImportStorage {
    /// The default limit of one upload: 8 GiB.
    pub const LIMIT: u64 = 8 * 1024 * 1024 * 1024;
}

/// Removes what killed processes left of uploads; at the start of a process that is alone, everything of them.
pub(in crate::service) async fn clean_up(
    files: &FileStore,
    store: &dyn Store,
    is_start: bool,
) -> Result<(), StorageError> {
    for upload in files.abandoned(is_start).await? {
        if let Err(error) = settle(files, store, &upload).await {
            tracing::warn!(%error, upload = %upload.name, "an abandoned upload stays for now");
        }
    }
    Ok(())
}

async fn settle(
    files: &FileStore,
    store: &dyn Store,
    upload: &Abandoned,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let is_imported = match &upload.import {
        Some(import) => is_imported(store, import, &upload.name).await?,
        None => false,
    };
    files.settle(upload, is_imported).await?;
    if !is_imported {
        tracing::info!(upload = %upload.name, "removed what an abandoned upload had stored");
    }
    Ok(())
}

/// Whether the store has an import with this folder.
async fn is_imported(
    store: &dyn Store,
    import: &ImportName,
    folder: &str,
) -> Result<bool, StoreError> {
    let mut after = 0;
    loop {
        let (project, batch) = (Some(import.project.clone()), Some(import.batch.clone()));
        let page = store.imports(project, batch, after, PAGE).await?;
        if page.items.iter().any(|it| it.folder == folder) {
            return Ok(true);
        }
        match page.next {
            Some(next) => after = next,
            None => return Ok(false),
        }
    }
}

/// Looks every `period` whether a fault is over, and cleans up every hour.
pub(in crate::service) fn start_upkeep(
    files: FileStore,
    store: Arc<dyn Store>,
    faults: Arc<UploadFaults>,
    period: Duration,
) -> AbortHandle {
    let upkeep = async move {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut cleaned: Instant = clock::timer();
        loop {
            ticks.tick().await;
            faults.check_again(&files, clock::monotonic()).await;
            if cleaned.elapsed() < CLEAN_UP {
                continue;
            }
            cleaned = clock::timer();
            if let Err(error) = clean_up(&files, store.as_ref(), false).await {
                tracing::warn!(%error, "cannot remove what is left of abandoned uploads; the next try is in an hour");
            }
        }
    };
    tokio::spawn(upkeep).abort_handle()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Capabilities,
        store::{
            NewImport, Rules,
            sqlite::{Durability, SqliteStore},
        },
    };

    #[tokio::test]
    async fn import_of_an_abandoned_upload_is_found_by_its_folder() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("store.db");
        let opened = SqliteStore::open(&file, Durability::Normal, Rules::default(), clock::wall());
        let (store, _) = opened.unwrap();
        for folder in ["first", "second"] {
            let import = NewImport {
                project: "p".to_owned(),
                batch: "b".to_owned(),
                is_new_batch: false,
                labels: Capabilities::default(),
                folder: folder.to_owned(),
                files: Vec::new(),
                cases: 0,
                tests: Vec::new(),
                key: None,
                principal: String::new(),
            };
            store.import(import, clock::wall()).await.unwrap();
        }
        for (batch, folder, expected) in [
            ("b", "first", true),
            ("b", "second", true),
            ("b", "third", false),
            ("another", "first", false),
        ] {
            let name = ImportName {
                project: "p".to_owned(),
                batch: batch.to_owned(),
            };
            let found = is_imported(&store, &name, folder).await.unwrap();
            assert_eq!(found, expected, "{batch} {folder}");
        }
        store.close().await.unwrap();
    }
}
