//! Why files cannot be stored or read, in words for people.

use std::{fmt, io, path::Path};

use super::bucket_fault::{BucketFault, BucketFaultKind};
use crate::fs::DiskFault;

/// What is wrong with the place of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageFault {
    /// With the disk of a folder.
    Disk(DiskFault),
    /// With a bucket, or the way to it.
    Bucket(BucketFault),
}

impl StorageFault {
    /// One thing to do.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Disk(fault) => fault.advice(),
            Self::Bucket(fault) => fault.kind.advice(),
        }
    }
}

impl StorageFault {
    /// Whether other uploads are not concerned.
    pub fn is_of_one_upload(&self) -> bool {
        matches!(self, Self::Bucket(fault) if fault.kind == BucketFaultKind::Removed)
    }
}

impl fmt::Display for StorageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(fault) => fault.fmt(f),
            Self::Bucket(fault) => fault.fmt(f),
        }
    }
}

/// A failed access to files.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub struct StorageError {
    /// What is wrong.
    pub fault: StorageFault,
    /// What the system or the server says.
    pub cause: String,
}

impl StorageError {
    /// What an error of the system in a folder means.
    pub(super) fn of_disk(error: &io::Error, folder: &Path) -> Self {
        Self {
            fault: StorageFault::Disk(DiskFault::of(error, folder)),
            cause: error.to_string(),
        }
    }
}

impl From<BucketFault> for StorageError {
    fn from(fault: BucketFault) -> Self {
        Self {
            cause: fault.reason.clone(),
            fault: StorageFault::Bucket(fault),
        }
    }
}
