//! The files of one upload while they arrive, whatever they are stored in.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{
    FileStore, ImportName, StorageError,
    bucket_reader::{BucketReader, ReadFault},
    bucket_upload::BucketUpload,
    file_name,
    folder_store::FolderUpload,
};

/// A file that arrived completely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrivedFile {
    /// The name in the folder of the upload.
    pub name: String,
    /// How many there are.
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
}

/// An upload while it arrives. Dropping it removes its files, until it is sealed.
#[derive(Debug)]
pub struct IncomingFiles {
    upload: Upload,
    /// How many files it has so far.
    count: usize,
    arriving: ArrivedFile,
    hash: Sha256,
    fault: ReadFault,
}

#[derive(Debug)]
enum Upload {
    Folder(FolderUpload),
    Bucket(BucketUpload),
}

impl IncomingFiles {
    /// Begins an upload with a name of its own.
    ///
    /// # Errors
    /// If the place of the files cannot be written; so do all methods here.
    pub async fn begin(store: &FileStore) -> Result<Self, StorageError> {
        let upload = match store {
            FileStore::Folder(folder) => {
                let begun = FolderUpload::begin(folder).await;
                let begun = begun.map_err(|error| StorageError::of_disk(&error, &folder.path));
                Upload::Folder(begun?)
            }
            FileStore::Bucket(bucket) => Upload::Bucket(BucketUpload::begin(bucket).await?),
        };
        Ok(Self {
            upload,
            count: 0,
            arriving: ArrivedFile {
                name: String::new(),
                bytes: 0,
                sha256: String::new(),
            },
            hash: Sha256::new(),
            fault: ReadFault::default(),
        })
    }

    /// The name of its folder.
    pub fn name(&self) -> &str {
        match &self.upload {
            Upload::Folder(upload) => &upload.name,
            Upload::Bucket(upload) => &upload.name,
        }
    }

    /// Begins a file.
    pub async fn file(&mut self, name: &str) -> Result<(), StorageError> {
        self.count += 1;
        self.hash = Sha256::new();
        let name = file_name::numbered(self.count, name);
        self.arriving = ArrivedFile {
            name: name.clone(),
            bytes: 0,
            sha256: String::new(),
        };
        match &mut self.upload {
            Upload::Folder(upload) => on_disk(upload.file(&name).await, upload),
            Upload::Bucket(upload) => Ok(upload.file(name).await?),
        }
    }

    /// Adds bytes to the file.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), StorageError> {
        self.hash.update(&bytes);
        self.arriving.bytes += bytes.len() as u64;
        match &mut self.upload {
            Upload::Folder(upload) => on_disk(upload.write(&bytes).await, upload),
            Upload::Bucket(upload) => Ok(upload.write(bytes).await?),
        }
    }

    /// Ends the file.
    pub async fn end(&mut self) -> Result<ArrivedFile, StorageError> {
        match &mut self.upload {
            Upload::Folder(upload) => on_disk(upload.end().await, upload)?,
            Upload::Bucket(upload) => upload.end().await?,
        }
        let digest = self.hash.finalize_reset();
        let file = &mut self.arriving;
        file.sha256 = format!("{digest:x}");
        Ok(file.clone())
    }

    /// Reads a file that has ended. Only for threads that may block.
    pub fn reader(&self, file: &str, length: u64) -> Result<StoredReader, StorageError> {
        match &self.upload {
            Upload::Folder(upload) => match File::open(upload.folder.join(file)) {
                Ok(file) => Ok(StoredReader(Reader::Disk(file))),
                Err(error) => Err(StorageError::of_disk(&error, &upload.store.path)),
            },
            Upload::Bucket(upload) => {
                let bucket = upload.bucket.clone();
                let path = bucket.folder(&upload.name).join(file);
                let reader = BucketReader::new(bucket, path, length, self.fault.clone());
                Ok(StoredReader(Reader::Bucket(reader)))
            }
        }
    }

    /// Why the last reading failed, if the place of the files is to blame.
    pub fn read_fault(&self) -> Option<StorageError> {
        self.fault.take().map(StorageError::from)
    }

    /// Completes the upload: the store of the service may have the import from now on, so the files stay until one of the
    /// methods of [`SealedFiles`] is called.
    pub async fn seal(mut self, import: ImportName) -> Result<SealedFiles, StorageError> {
        match &mut self.upload {
            Upload::Folder(upload) => on_disk(upload.seal().await, upload)?,
            Upload::Bucket(upload) => upload.seal(import).await?,
        }
        Ok(SealedFiles(self.upload))
    }
}

fn on_disk(done: io::Result<()>, upload: &FolderUpload) -> Result<(), StorageError> {
    done.map_err(|error| StorageError::of_disk(&error, &upload.store.path))
}

/// A complete upload. Dropping it leaves the files, and any process clears it up later.
#[derive(Debug)]
pub struct SealedFiles(Upload);

impl SealedFiles {
    /// The store has the import.
    ///
    /// # Errors
    /// If the marker cannot be removed; the files are kept nevertheless.
    pub async fn keep(self) -> Result<(), StorageError> {
        match self.0 {
            Upload::Folder(_) => Ok(()),
            Upload::Bucket(upload) => Ok(upload.keep().await?),
        }
    }

    /// The store does not have the import.
    ///
    /// # Errors
    /// If the files cannot be removed.
    pub async fn remove(self) -> Result<(), StorageError> {
        match self.0 {
            Upload::Folder(upload) => {
                let folder = upload.store.path.clone();
                let removed = upload.remove().await;
                removed.map_err(|error| StorageError::of_disk(&error, &folder))
            }
            Upload::Bucket(upload) => Ok(upload.remove().await?),
        }
    }
}

/// The content of a stored file.
#[derive(Debug)]
pub struct StoredReader(Reader);

#[derive(Debug)]
enum Reader {
    Disk(File),
    Bucket(BucketReader),
}

impl Read for StoredReader {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Reader::Disk(file) => file.read(target),
            Reader::Bucket(object) => object.read(target),
        }
    }
}

impl Seek for StoredReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.0 {
            Reader::Disk(file) => file.seek(to),
            Reader::Bucket(object) => object.seek(to),
        }
    }
}
