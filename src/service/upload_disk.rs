//! Whether uploads can be stored: one log line when they cannot, and one when they can again.

use std::{
    io,
    path::Path,
    sync::{Mutex, PoisonError},
};

use crate::fs::{DiskFault, check_room};

/// The state of the disk that uploads are stored on.
#[derive(Debug, Default)]
pub(super) struct UploadDisk(Mutex<Option<DiskFault>>);

impl UploadDisk {
    /// The fault that lasts.
    pub(super) fn fault(&self) -> Option<DiskFault> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Notes that a file in `folder` could not be written.
    pub(super) fn record(&self, error: &io::Error, folder: &Path) -> DiskFault {
        let fault = DiskFault::of(error, folder);
        if self.fault().is_none() {
            tracing::error!(
                %error,
                "{fault}: uploads are answered 503 until that is over; {}",
                fault.advice()
            );
        }
        self.set(Some(fault.clone()));
        fault
    }

    /// Ends a fault that is over.
    pub(super) fn check_again(&self) {
        let Some(fault) = self.fault() else {
            return;
        };
        // The folder is made by the next upload.
        let exists = fault.folder.is_dir();
        let folder = if exists {
            Some(&*fault.folder)
        } else {
            fault.folder.parent()
        };
        if folder.is_some_and(|folder| check_room(folder).is_ok()) {
            tracing::warn!("uploads are accepted again (before: {fault})");
            self.set(None);
        }
    }

    fn set(&self, fault: Option<DiskFault>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn fault_of_uploads_ends_when_there_is_room() {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        let disk = UploadDisk::default();
        disk.check_again();
        let fault = disk.record(&ErrorKind::StorageFull.into(), &data.join("imports"));
        assert!(fault.to_string().contains("no room"), "{fault}");
        disk.check_again();
        assert_eq!(disk.fault(), Some(fault), "its folder cannot be made");
        std::fs::create_dir(&data).unwrap();
        disk.check_again();
        assert_eq!(disk.fault(), None);
    }
}
