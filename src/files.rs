//! Where a service keeps uploaded files: a folder, or a bucket of S3.
//!
//! An upload arrives in a place of its own ([`IncomingFiles`]), is sealed, and is kept once the store of the service has its
//! import. What ends before that is removed: at once, or, if the process was killed, by any process an hour later
//! ([`FileStore::abandoned`]).

mod abandoned;
mod bucket;
mod bucket_fault;
mod bucket_reader;
mod bucket_settings;
mod bucket_upload;
mod file_name;
mod folder_store;
mod incoming_files;
mod location;
mod part_sender;
mod storage_error;
mod upload_marker;

pub use abandoned::Abandoned;
pub use bucket::{Bucket, BucketCheck, ObjectBackend};
pub use bucket_fault::{BucketFault, BucketFaultKind};
pub use folder_store::FolderStore;
pub use incoming_files::{ArrivedFile, IncomingFiles, SealedFiles, StoredReader};
pub use location::{BucketUrl, FilesLocation, LocationError};
pub use storage_error::{StorageError, StorageFault};
pub use upload_marker::ImportName;

/// Where a service keeps uploaded files.
#[derive(Clone, Debug)]
pub enum FileStore {
    /// A folder, with a subfolder for each import.
    Folder(FolderStore),
    /// A bucket, with a common prefix of names for each import.
    Bucket(Bucket),
}
