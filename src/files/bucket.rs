//! A bucket of S3, and what every access to it has in common.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use object_store::{
    Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload,
    multipart::MultipartStore, path::Path,
};

use super::bucket_fault::{BucketFault, BucketFaultKind};
use crate::random;

/// The folder of the markers.
const MARKERS: &str = ".incoming";
/// The beginning of the name of the object that checks write.
const CHECK: &str = ".testplan-check-";

/// What a store of objects must offer.
pub trait ObjectBackend: ObjectStore + MultipartStore {}

impl<T: ObjectStore + MultipartStore> ObjectBackend for T {}

/// Objects below a prefix of a bucket. Clones are the same.
#[derive(Clone)]
pub struct Bucket {
    pub(super) objects: Arc<dyn ObjectBackend>,
    prefix: Path,
    /// The URL, for people.
    place: Arc<str>,
    /// Whether the server creates an object only if there is none, when it is asked to.
    creates_once: Arc<AtomicBool>,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client below shows its credentials.
        write!(f, "Bucket({})", self.place)
    }
}

/// What a check of a bucket found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketCheck {
    /// Whether the server obeys `If-None-Match`: creates an object only if there is none.
    pub creates_once: bool,
    /// The clock of the bucket, in seconds since 1970.
    pub(super) now: i64,
}

impl Bucket {
    /// Objects below `prefix`.
    ///
    /// # Errors
    /// If the prefix is none of an object.
    pub fn new(
        objects: Arc<dyn ObjectBackend>,
        prefix: &str,
        place: String,
    ) -> Result<Self, object_store::path::Error> {
        Ok(Self {
            objects,
            prefix: Path::parse(prefix)?,
            place: place.into(),
            creates_once: Arc::default(),
        })
    }

    /// The URL, for people.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The prefix of the files of an upload.
    pub(super) fn folder(&self, upload: &str) -> Path {
        self.prefix.clone().join(upload)
    }

    /// The marker of an upload.
    pub(super) fn marker(&self, upload: &str) -> Path {
        self.markers().join(upload)
    }

    /// The prefix of all markers.
    pub(super) fn markers(&self) -> Path {
        self.prefix.clone().join(MARKERS)
    }

    pub(super) fn fault(&self, error: &Error) -> BucketFault {
        BucketFault::of(error, &self.place)
    }

    pub(super) fn fault_of_kind(&self, kind: BucketFaultKind, reason: &str) -> BucketFault {
        BucketFault {
            kind,
            place: self.place.to_string(),
            reason: reason.to_owned(),
        }
    }

    /// Writes an object, whatever was there.
    pub(super) async fn put(&self, path: &Path, content: Bytes) -> Result<(), BucketFault> {
        let written = self.objects.put(path, PutPayload::from(content)).await;
        written.map(drop).map_err(|error| self.fault(&error))
    }

    /// Writes an object if there is none; `false` if there is one. A server that cannot tell overwrites.
    pub(super) async fn create(&self, path: &Path, content: Bytes) -> Result<bool, BucketFault> {
        if !self.creates_once.load(Ordering::Relaxed) {
            return self.put(path, content).await.map(|()| true);
        }
        self.create_once(path, content).await
    }

    async fn create_once(&self, path: &Path, content: Bytes) -> Result<bool, BucketFault> {
        let options = PutOptions::from(PutMode::Create);
        let payload = PutPayload::from(content);
        match self.objects.put_opts(path, payload, options).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(self.fault(&error)),
        }
    }

    /// Removes an object; one that is not there is no error.
    pub(super) async fn delete(&self, path: &Path) -> Result<(), BucketFault> {
        match self.objects.delete(path).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.fault(&error)),
        }
    }

    /// Writes, reads and removes an object below the prefix, and asks to create it a second time.
    ///
    /// # Errors
    /// If one of these fails, with the reason.
    pub async fn check(&self) -> Result<BucketCheck, BucketFault> {
        let name = random::unique_key();
        let path = self.prefix.clone().join(format!("{CHECK}{name}"));
        let content = Bytes::from(name);
        self.put(&path, content.clone()).await?;
        let checked = self.check_object(&path, &content).await;
        let removed = self.delete(&path).await;
        let check = checked?;
        removed?;
        self.creates_once
            .store(check.creates_once, Ordering::Relaxed);
        Ok(check)
    }

    async fn check_object(&self, path: &Path, content: &Bytes) -> Result<BucketCheck, BucketFault> {
        let read = self.objects.get(path).await;
        let read = read.map_err(|error| self.fault(&error))?;
        let now = read.meta.last_modified.timestamp();
        let bytes = read.bytes().await.map_err(|error| self.fault(&error))?;
        if bytes != content {
            return Err(self.fault_of_kind(
                BucketFaultKind::Failed,
                "it returns other bytes than were written",
            ));
        }
        // A server that does not know the condition may refuse it or overwrite the object.
        let creates_once = self.create_once(path, content.clone()).await == Ok(false);
        Ok(BucketCheck { creates_once, now })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use futures_util::TryStreamExt as _;
    use object_store::memory::InMemory;

    use super::*;

    /// A bucket in memory.
    pub(in crate::files) fn in_memory() -> Bucket {
        Bucket::new(
            Arc::new(InMemory::new()),
            "ci/x",
            "s3://memory/ci/x".to_owned(),
        )
        .unwrap()
    }

    /// The names of all objects.
    pub(in crate::files) async fn names(bucket: &Bucket) -> Vec<String> {
        let objects = bucket
            .objects
            .list(None)
            .map_ok(|it| it.location.to_string());
        objects.try_collect().await.unwrap()
    }

    #[tokio::test]
    async fn check_leaves_nothing_and_finds_that_objects_are_created_once() {
        let bucket = in_memory();
        let check = bucket.check().await.unwrap();
        assert!(check.creates_once);
        assert!(check.now > 1_700_000_000, "{check:?}");
        assert_eq!(names(&bucket).await, [""; 0]);
        let marker = bucket.marker("a");
        assert_eq!(marker.as_ref(), "ci/x/.incoming/a");
        assert_eq!(bucket.create(&marker, Bytes::new()).await, Ok(true));
        assert_eq!(bucket.create(&marker, Bytes::new()).await, Ok(false));
        bucket.delete(&marker).await.unwrap();
        bucket.delete(&marker).await.expect("it is gone already");
    }
}
