//! One file on its way into a bucket: small as one object, large in parts, of which few are in memory.

use bytes::{Bytes, BytesMut};
use object_store::{MultipartId, PutPayload, multipart::PartId, path::Path};
use tokio::task::JoinSet;

use super::{
    bucket::Bucket,
    bucket_fault::{BucketFault, BucketFaultKind},
};

/// How large a part is, in bytes. S3 takes at most 10,000 parts of a file: 78 GiB.
pub(super) const PART: usize = 8 * 1024 * 1024;
/// How many parts are sent at once; one more is being filled.
const AT_ONCE: usize = 2;

type SentPart = (usize, object_store::Result<PartId>);

/// A file on its way.
#[derive(Debug)]
pub(super) struct PartSender {
    bucket: Bucket,
    path: Path,
    /// Set from the first part on.
    id: Option<MultipartId>,
    buffer: BytesMut,
    /// The answers, by the number of the part.
    parts: Vec<Option<PartId>>,
    sending: JoinSet<SentPart>,
}

impl PartSender {
    pub(super) fn new(bucket: Bucket, path: Path) -> Self {
        Self {
            bucket,
            path,
            id: None,
            buffer: BytesMut::new(),
            parts: Vec::new(),
            sending: JoinSet::new(),
        }
    }

    /// Takes as many of the bytes as fit into the part.
    pub(super) fn fill(&mut self, bytes: &mut Bytes) {
        let room = PART - self.buffer.len();
        let taken = bytes.split_to(room.min(bytes.len()));
        // Most files are small; the buffer of a large one must not double beyond the part.
        if self.buffer.len() + taken.len() > PART / 8 {
            self.buffer.reserve(room);
        }
        self.buffer.extend_from_slice(&taken);
    }

    pub(super) fn is_full(&self) -> bool {
        self.buffer.len() == PART
    }

    /// Whether it has a multipart upload.
    pub(super) fn is_begun(&self) -> bool {
        self.id.is_some()
    }

    /// Begins a multipart upload, and returns its id.
    pub(super) async fn begin(&mut self) -> Result<MultipartId, BucketFault> {
        let id = self.bucket.objects.create_multipart(&self.path).await;
        let id = id.map_err(|error| self.bucket.fault(&error))?;
        self.id = Some(id.clone());
        Ok(id)
    }

    /// Sends the part in the background, once fewer than two others are on their way.
    pub(super) async fn send(&mut self) -> Result<(), BucketFault> {
        let Some(id) = self.id.clone() else {
            return Err(self
                .bucket
                .fault_of_kind(BucketFaultKind::Failed, "a part without a multipart upload"));
        };
        while self.sending.len() >= AT_ONCE {
            self.next_sent().await?;
        }
        let number = self.parts.len();
        self.parts.push(None);
        let payload = PutPayload::from(std::mem::take(&mut self.buffer).freeze());
        let (objects, path) = (self.bucket.objects.clone(), self.path.clone());
        self.sending.spawn(async move {
            let sent = objects.put_part(&path, &id, number, payload).await;
            (number, sent)
        });
        Ok(())
    }

    async fn next_sent(&mut self) -> Result<(), BucketFault> {
        let failed = |reason: &str| self.bucket.fault_of_kind(BucketFaultKind::Failed, reason);
        let (number, part) = match self.sending.join_next().await {
            Some(Ok(sent)) => sent,
            Some(Err(error)) => return Err(failed(&error.to_string())),
            None => return Err(failed("a part was lost")),
        };
        self.parts[number] = Some(part.map_err(|error| self.bucket.fault(&error))?);
        Ok(())
    }

    /// Sends the rest, and completes the file.
    pub(super) async fn end(&mut self) -> Result<(), BucketFault> {
        let Some(id) = self.id.clone() else {
            let content = std::mem::take(&mut self.buffer).freeze();
            return self.bucket.put(&self.path, content).await;
        };
        if !self.buffer.is_empty() {
            self.send().await?;
        }
        while !self.sending.is_empty() {
            self.next_sent().await?;
        }
        let parts: Vec<PartId> = self.parts.drain(..).flatten().collect();
        let completed = self
            .bucket
            .objects
            .complete_multipart(&self.path, &id, parts);
        let completed = completed.await;
        completed.map_err(|error| self.bucket.fault(&error))?;
        self.id = None;
        Ok(())
    }

    /// Waits for the parts that are on their way: one that arrives after the end of its upload would stay.
    pub(super) async fn settle(&mut self) {
        while self.sending.join_next().await.is_some() {}
    }
}
