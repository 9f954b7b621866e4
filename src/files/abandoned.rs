//! Uploads whose process was killed: any other process finds their files and removes them.

use futures_util::TryStreamExt as _;
use object_store::{Error, ObjectStoreExt as _};

use super::{
    FileStore, ImportName, StorageError,
    bucket::{Bucket, BucketCheck},
    bucket_fault::BucketFault,
    upload_marker::{UploadMarker, is_abandoned, is_hopeless},
};

/// An upload whose process has not renewed its marker for an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abandoned {
    /// The name of its folder.
    pub name: String,
    /// The import that the store of the service has if the upload got that far: ask before the removal.
    pub import: Option<ImportName>,
    marker: UploadMarker,
    /// When its marker was written, and the time of the check, both in seconds by the clock of the bucket.
    written: i64,
    now: i64,
}

impl FileStore {
    /// Uploads to which nothing was written for an hour. Those in a folder are removed at once, because none of them can have an
    /// import; at the start of a process that is alone, all of them.
    ///
    /// # Errors
    /// If the place of the files cannot be read.
    pub async fn abandoned(&self, is_start: bool) -> Result<Vec<Abandoned>, StorageError> {
        match self {
            Self::Folder(folder) => {
                let sweep = folder.clone();
                let swept = tokio::task::spawn_blocking(move || sweep.sweep(is_start)).await;
                let swept = swept.unwrap_or_else(|error| Err(std::io::Error::other(error)));
                swept.map_err(|error| StorageError::of_disk(&error, &folder.path))?;
                Ok(Vec::new())
            }
            Self::Bucket(bucket) => {
                let check = bucket.check().await?;
                Ok(bucket.abandoned(check).await?)
            }
        }
    }

    /// Ends an abandoned upload: removes its files, or keeps them if the store of the service has its import.
    ///
    /// # Errors
    /// If something cannot be removed; the next clean-up finds it again.
    pub async fn settle(&self, upload: &Abandoned, is_imported: bool) -> Result<(), StorageError> {
        match self {
            Self::Folder(_) => Ok(()),
            Self::Bucket(bucket) if is_imported => {
                Ok(bucket.delete(&bucket.marker(&upload.name)).await?)
            }
            Self::Bucket(bucket) => Ok(bucket.remove_abandoned(upload).await?),
        }
    }
}

impl Bucket {
    /// What was abandoned at the time of a check.
    pub(super) async fn abandoned(
        &self,
        check: BucketCheck,
    ) -> Result<Vec<Abandoned>, BucketFault> {
        let markers = self.objects.list(Some(&self.markers()));
        let markers: Vec<_> = markers
            .try_filter(|it| {
                let written = it.last_modified.timestamp();
                std::future::ready(is_abandoned(written, check.now))
            })
            .try_collect()
            .await
            .map_err(|error| self.fault(&error))?;
        let mut found = Vec::new();
        for object in markers {
            let Some(name) = object.location.filename() else {
                continue;
            };
            let text = match self.objects.get(&object.location).await {
                Ok(read) => read.bytes().await,
                // Another process was faster.
                Err(Error::NotFound { .. }) => continue,
                Err(error) => Err(error),
            };
            let text = text.map_err(|error| self.fault(&error))?;
            let Some(marker) = UploadMarker::from_json(&text) else {
                tracing::warn!(
                    object = %object.location,
                    place = self.place(),
                    "an object among the markers of uploads is none and stays"
                );
                continue;
            };
            found.push(Abandoned {
                name: name.to_owned(),
                import: marker.import.clone(),
                marker,
                written: object.last_modified.timestamp(),
                now: check.now,
            });
        }
        Ok(found)
    }

    async fn remove_abandoned(&self, upload: &Abandoned) -> Result<(), BucketFault> {
        let removed = remove_files(self, &upload.name, &upload.marker).await;
        match removed {
            Err(_) if self.is_settled(&upload.name).await => Ok(()),
            Err(fault) if is_hopeless(upload.written, upload.now) => {
                tracing::warn!(
                    upload = %upload.name,
                    "{fault}: parts of an upload may stay; a lifecycle rule of the bucket removes them"
                );
                self.delete(&self.marker(&upload.name)).await
            }
            removed => removed,
        }
    }

    /// Whether another process has removed everything of an upload.
    async fn is_settled(&self, name: &str) -> bool {
        let marker = self.objects.head(&self.marker(name)).await;
        matches!(marker, Err(Error::NotFound { .. }))
    }
}

/// Removes what an upload stored; its marker goes last, and only if everything else is gone.
pub(super) async fn remove_files(
    bucket: &Bucket,
    name: &str,
    marker: &UploadMarker,
) -> Result<(), BucketFault> {
    let folder = bucket.folder(name);
    let mut failed = None;
    for unfinished in &marker.unfinished {
        let path = folder.clone().join(unfinished.file.as_str());
        match bucket.objects.abort_multipart(&path, &unfinished.id).await {
            Ok(()) | Err(Error::NotFound { .. }) => {}
            // Not every server calls one that has ended unknown: the file shows that this one was completed.
            Err(error) if bucket.objects.head(&path).await.is_err() => {
                failed = Some(bucket.fault(&error));
            }
            Err(_completed) => {}
        }
    }
    let objects = bucket.objects.list(Some(&folder));
    let objects: Vec<_> = objects
        .try_collect()
        .await
        .map_err(|error| bucket.fault(&error))?;
    for object in objects {
        bucket.delete(&object.location).await?;
    }
    match failed {
        Some(fault) => Err(fault),
        None => bucket.delete(&bucket.marker(name)).await,
    }
}
