//! An upload into a bucket: a task of its own, which cleans up when the upload ends early.
//!
//! 1. The marker is written.
//! 2. Files are sent. Before the first part of a large one is, the marker names its multipart upload.
//! 3. The upload is sealed: the marker names the import that the store of the service may have from now on.
//! 4. Its files are kept or removed, and then the marker is.
//!
//! A process that is killed leaves the marker, and by it everything else is found ([`super::abandoned`]).

use std::time::Duration;

use bytes::Bytes;
use object_store::{Error, ObjectStoreExt as _};
use tokio::{
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval},
};

use super::{
    abandoned::remove_files,
    bucket::Bucket,
    bucket_fault::{BucketFault, BucketFaultKind},
    part_sender::PartSender,
    upload_marker::{ImportName, UnfinishedFile, UploadMarker},
};
use crate::random;

/// How often the marker is written again while the upload is in progress.
const RENEWAL: Duration = Duration::from_secs(300);
/// How many chunks of a file may wait for the task.
const WAITING_CHUNKS: usize = 4;

type Done = oneshot::Sender<()>;

/// What an upload does next.
#[derive(Debug)]
enum Step {
    Begin(String),
    Write(Bytes),
    End(Done),
    Seal(ImportName, Done),
    Keep(Done),
    Remove(Done),
}

/// How an upload ends.
#[derive(Debug)]
enum Ending {
    Kept(Done),
    Removed(Option<Done>),
    /// Whether the store has the import is not known: the marker stays.
    Unclear,
}

/// An upload in progress. If it is dropped before it is sealed, its files are removed.
#[derive(Debug)]
pub(super) struct BucketUpload {
    pub(super) bucket: Bucket,
    pub(super) name: String,
    steps: mpsc::Sender<Step>,
    failure: oneshot::Receiver<BucketFault>,
    /// Why the task ended, once that is known.
    ended: Option<BucketFault>,
}

impl BucketUpload {
    /// Begins an upload: writes its marker.
    pub(super) async fn begin(bucket: &Bucket) -> Result<Self, BucketFault> {
        let marker = Bytes::from(UploadMarker::default().to_json());
        let name = loop {
            let name = random::hex(2).map_err(|error| {
                bucket.fault_of_kind(BucketFaultKind::Failed, &error.to_string())
            })?;
            if bucket.create(&bucket.marker(&name), marker.clone()).await? {
                break name;
            }
        };
        let (steps, receiver) = mpsc::channel(WAITING_CHUNKS);
        let (failed, failure) = oneshot::channel();
        let task = UploadTask {
            bucket: bucket.clone(),
            name: name.clone(),
            marker: UploadMarker::default(),
            file: None,
        };
        tokio::spawn(task.run(receiver, failed));
        Ok(Self {
            bucket: bucket.clone(),
            name,
            steps,
            failure,
            ended: None,
        })
    }

    /// Begins a file.
    pub(super) async fn file(&mut self, name: String) -> Result<(), BucketFault> {
        self.step(Step::Begin(name)).await
    }

    /// Adds bytes to the file.
    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<(), BucketFault> {
        self.step(Step::Write(bytes)).await
    }

    /// Ends the file: it is complete in the bucket.
    pub(super) async fn end(&mut self) -> Result<(), BucketFault> {
        self.answered(Step::End).await
    }

    /// Notes that the store of the service may have the import from now on. If this is dropped then, the files stay, and
    /// the clean-up asks the store.
    pub(super) async fn seal(&mut self, import: ImportName) -> Result<(), BucketFault> {
        self.answered(|done| Step::Seal(import, done)).await
    }

    /// The store has the import.
    pub(super) async fn keep(mut self) -> Result<(), BucketFault> {
        self.answered(Step::Keep).await
    }

    /// The store does not have the import.
    pub(super) async fn remove(mut self) -> Result<(), BucketFault> {
        self.answered(Step::Remove).await
    }

    async fn step(&mut self, step: Step) -> Result<(), BucketFault> {
        if self.steps.send(step).await.is_ok() {
            return Ok(());
        }
        Err(self.failed().await)
    }

    async fn answered(&mut self, step: impl FnOnce(Done) -> Step) -> Result<(), BucketFault> {
        let (done, answer) = oneshot::channel();
        self.step(step(done)).await?;
        match answer.await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.failed().await),
        }
    }

    /// Why the task ended.
    async fn failed(&mut self) -> BucketFault {
        if let Some(fault) = &self.ended {
            return fault.clone();
        }
        let fault = (&mut self.failure).await.unwrap_or_else(|_| {
            self.bucket
                .fault_of_kind(BucketFaultKind::Failed, "the upload ended early")
        });
        self.ended = Some(fault.clone());
        fault
    }
}

/// What the task of an upload works on.
#[derive(Debug)]
struct UploadTask {
    bucket: Bucket,
    name: String,
    marker: UploadMarker,
    file: Option<(String, PartSender)>,
}

impl UploadTask {
    async fn run(mut self, mut steps: mpsc::Receiver<Step>, failed: oneshot::Sender<BucketFault>) {
        let ended = self.follow(&mut steps).await;
        let (ending, failed) = match ended {
            Ok(ending) => (ending, Some(failed)),
            Err(fault) => {
                let ending = if self.marker.import.is_some() {
                    Ending::Unclear
                } else {
                    Ending::Removed(None)
                };
                // Its receiver may be gone.
                _ = failed.send(fault);
                (ending, None)
            }
        };
        drop(steps);
        let (cleaned, done) = match ending {
            Ending::Kept(done) => (
                self.bucket.delete(&self.bucket.marker(&self.name)).await,
                Some(done),
            ),
            Ending::Removed(done) => (self.remove().await, done),
            Ending::Unclear => return,
        };
        match (cleaned, done, failed) {
            (Ok(()), Some(done), _) => _ = done.send(()),
            (Ok(()), None, _) => {}
            (Err(fault), _, failed) => {
                tracing::warn!(
                    upload = %self.name,
                    "{fault}: the files of an upload stay until the clean-up an hour later"
                );
                _ = failed.map(|failed| failed.send(fault));
            }
        }
    }

    /// Takes step after step.
    async fn follow(&mut self, steps: &mut mpsc::Receiver<Step>) -> Result<Ending, BucketFault> {
        let mut renewal = interval(RENEWAL);
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is at once.
        renewal.tick().await;
        loop {
            let step = tokio::select! {
                step = steps.recv() => step,
                _ = renewal.tick() => {
                    self.write_marker().await?;
                    continue;
                }
            };
            match step {
                Some(Step::Begin(name)) => {
                    let path = self.bucket.folder(&self.name).join(name.as_str());
                    self.file = Some((name, PartSender::new(self.bucket.clone(), path)));
                }
                Some(Step::Write(bytes)) => self.write(bytes).await?,
                Some(Step::End(done)) => {
                    self.end().await?;
                    // The client may have disconnected.
                    _ = done.send(());
                }
                Some(Step::Seal(import, done)) => {
                    self.seal(import).await?;
                    _ = done.send(());
                }
                Some(Step::Keep(done)) => return Ok(Ending::Kept(done)),
                Some(Step::Remove(done)) => return Ok(Ending::Removed(Some(done))),
                None if self.marker.import.is_some() => return Ok(Ending::Unclear),
                None => return Ok(Ending::Removed(None)),
            }
        }
    }

    async fn write(&mut self, mut bytes: Bytes) -> Result<(), BucketFault> {
        let Some((name, mut file)) = self.file.take() else {
            return Ok(());
        };
        let mut written = Ok(());
        while written.is_ok() && !bytes.is_empty() {
            file.fill(&mut bytes);
            if file.is_full() {
                written = self.send_part(&name, &mut file).await;
            }
        }
        self.file = Some((name, file));
        written
    }

    async fn send_part(&mut self, name: &str, file: &mut PartSender) -> Result<(), BucketFault> {
        if !file.is_begun() {
            let id = file.begin().await?;
            self.marker.unfinished.push(UnfinishedFile {
                file: name.to_owned(),
                id,
            });
            self.write_marker().await?;
        }
        file.send().await
    }

    async fn end(&mut self) -> Result<(), BucketFault> {
        if let Some((_, file)) = &mut self.file {
            file.end().await?;
        }
        let ended = self.file.take();
        self.marker
            .unfinished
            .retain(|it| ended.as_ref().is_none_or(|(name, _)| it.file != *name));
        Ok(())
    }

    /// The marker is read first: a process that slept for hours finds that others have removed its files.
    async fn seal(&mut self, import: ImportName) -> Result<(), BucketFault> {
        match self
            .bucket
            .objects
            .head(&self.bucket.marker(&self.name))
            .await
        {
            Ok(_) => {}
            Err(Error::NotFound { .. }) => {
                return Err(self.bucket.fault_of_kind(
                    BucketFaultKind::Removed,
                    "it looked abandoned, because its marker was not renewed for an hour",
                ));
            }
            Err(error) => return Err(self.bucket.fault(&error)),
        }
        self.marker.import = Some(import);
        let written = self.write_marker().await;
        if written.is_err() {
            // The store was not asked yet.
            self.marker.import = None;
        }
        written
    }

    async fn write_marker(&self) -> Result<(), BucketFault> {
        let text = self.marker.to_json();
        let marker = self.bucket.marker(&self.name);
        self.bucket.put(&marker, text.into()).await
    }

    async fn remove(&mut self) -> Result<(), BucketFault> {
        if let Some((_, file)) = &mut self.file {
            file.settle().await;
        }
        remove_files(&self.bucket, &self.name, &self.marker).await
    }
}
