//! Whether uploads can be stored: one log line when they cannot, and one when they can again.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    files::{FileStore, StorageError, StorageFault},
    fs::{DiskFault, check_room},
};

/// How often a bucket with a fault is tried.
const BUCKET_PAUSE: Duration = Duration::from_secs(10);

/// The state of the place that uploads are stored in.
#[derive(Debug, Default)]
pub(super) struct UploadFaults(Mutex<Option<LastingFault>>);

#[derive(Debug)]
struct LastingFault {
    fault: StorageFault,
    /// When it was tried last.
    tried: Option<Instant>,
}

impl UploadFaults {
    /// The fault of the disk that lasts. One of a bucket does not count: it is the same for all replicas, so another one is
    /// no better, and everything but uploads works.
    pub(super) fn disk_fault(&self) -> Option<DiskFault> {
        match self.lock().as_ref().map(|lasting| &lasting.fault) {
            Some(StorageFault::Disk(fault)) => Some(fault.clone()),
            _ => None,
        }
    }

    /// Notes that a file could not be stored or read.
    pub(super) fn record(&self, error: StorageError) -> StorageFault {
        let StorageError { fault, cause } = error;
        if fault.is_of_one_upload() {
            tracing::warn!("{fault}");
            return fault;
        }
        let mut lasting = self.lock();
        if lasting.is_none() {
            tracing::error!(
                error = %cause,
                "{fault}: uploads are answered 503 until that is over; {}",
                fault.advice()
            );
        }
        *lasting = Some(LastingFault {
            fault: fault.clone(),
            tried: None,
        });
        fault
    }

    /// Ends a fault that is over.
    pub(super) async fn check_again(&self, files: &FileStore, now: Instant) {
        let Some(fault) = self.due(now) else {
            return;
        };
        let is_over = match (&fault, files) {
            (StorageFault::Disk(fault), _) => {
                let fault = fault.clone();
                let checked = tokio::task::spawn_blocking(move || has_room(&fault)).await;
                // After a panic the fault lasts until the next time.
                checked.unwrap_or(false)
            }
            (StorageFault::Bucket(_), FileStore::Bucket(bucket)) => bucket.check().await.is_ok(),
            (StorageFault::Bucket(_), FileStore::Folder(_)) => true,
        };
        if is_over {
            tracing::warn!("uploads are accepted again (before: {fault})");
            *self.lock() = None;
        }
    }

    /// The fault that is to be tried now.
    fn due(&self, now: Instant) -> Option<StorageFault> {
        let mut lasting = self.lock();
        let lasting = lasting.as_mut()?;
        let is_bucket = matches!(lasting.fault, StorageFault::Bucket(_));
        let is_early = lasting
            .tried
            .is_some_and(|tried| now.saturating_duration_since(tried) < BUCKET_PAUSE);
        if is_bucket && is_early {
            return None;
        }
        lasting.tried = Some(now);
        Some(lasting.fault.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<LastingFault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn has_room(fault: &DiskFault) -> bool {
    // The folder is made by the next upload.
    let folder = if fault.folder.is_dir() {
        Some(&*fault.folder)
    } else {
        fault.folder.parent()
    };
    folder.is_some_and(|folder: &Path| check_room(folder).is_ok())
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;
    use crate::{clock, files::FolderStore};

    #[tokio::test]
    async fn fault_of_uploads_ends_when_there_is_room() {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        let path = data.join("imports");
        let files = FileStore::Folder(FolderStore {
            path: path.clone(),
            durable: false,
            is_shared: false,
        });
        let faults = UploadFaults::default();
        let now = clock::monotonic();
        faults.check_again(&files, now).await;
        let error = StorageError {
            fault: StorageFault::Disk(DiskFault::of(&ErrorKind::StorageFull.into(), &path)),
            cause: "full".to_owned(),
        };
        let fault = faults.record(error);
        assert!(fault.to_string().contains("no room"), "{fault}");
        faults.check_again(&files, now).await;
        let lasting = faults.disk_fault().map(StorageFault::Disk);
        assert_eq!(lasting, Some(fault), "its folder cannot be made");
        std::fs::create_dir(&data).unwrap();
        faults.check_again(&files, now).await;
        assert_eq!(faults.disk_fault(), None);
    }
}
