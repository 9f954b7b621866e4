//! Uploads the results that workers did not upload, each attempt once, and records the outcome of each.

use std::{
    fs::{File, OpenOptions},
    path::Path,
};

use super::upload_labels::worker_labels;
use crate::{
    ci::Ci,
    client::{Client, Imported, ServiceKind, UnclearOutcome},
    failure::Failure,
    model::{ExecutionId, Label, Record, record::RecordEvent},
    report_files::read_records,
    run::{
        recorder::{Recorder, record},
        upload::{
            self, NotUploaded, UploadTarget, Uploader,
            pending::{PendingUpload, pending_uploads},
        },
    },
};

/// An upload of everything that the records of an `--out` folder say is not uploaded yet.
#[derive(Debug)]
pub(crate) struct RecordsUpload<'a> {
    pub(crate) out: &'a Path,
    pub(crate) client: &'a Client,
    /// Labels of every upload. They replace those of the worker and the CI with the same key.
    pub(crate) labels: &'a [Label],
    pub(crate) ci: &'a Ci,
    /// Whether to upload what Test Center may already have.
    pub(crate) even_if_unclear: bool,
    /// The name of this process for its record.
    pub(crate) name: String,
}

/// What became of one attempt's results.
#[derive(Debug)]
pub(crate) enum UploadResult {
    Uploaded(Imported),
    NotUploaded(NotUploaded),
}

/// One attempt whose results were not uploaded.
#[derive(Debug)]
pub(crate) struct UploadedAttempt<'a> {
    pub(crate) attempt: &'a PendingUpload,
    pub(crate) result: UploadResult,
}

impl UploadedAttempt<'_> {
    /// The test, or its execution if the record does not name it.
    pub(crate) fn test(&self) -> String {
        let test = self.attempt.test.as_ref();
        test.map_or_else(
            || format!("execution {}", self.attempt.execution),
            ToString::to_string,
        )
    }
}

impl RecordsUpload<'_> {
    /// Uploads the results of every attempt that has some left, and passes what became of each to `uploaded`.
    pub(crate) async fn upload(
        self,
        mut uploaded: impl FnMut(UploadedAttempt<'_>),
    ) -> Result<(), Failure> {
        let records = self.out.join("records");
        let mut files = Vec::new();
        read_records(&records, &mut files)?;
        // Read again under the lock: two of these at once would upload everything twice.
        let _lock = lock(&records)?;
        files.clear();
        read_records(&records, &mut files)?;
        let pending = pending_uploads(files.iter().map(|file| file.records.as_slice()));
        if pending.is_empty() {
            return Ok(());
        }
        let name = format!("{}-upload", self.name);
        let mut recording = RecordedUploads {
            recorder: Recorder::create(&records, &name).map_err(Failure::infrastructure)?,
            name,
            request: self,
        };
        let began = files.iter().flat_map(|file| &file.records);
        let mut began = began.filter(|record| matches!(record.event, RecordEvent::Began { .. }));
        if let Some(began) = began.next() {
            let mut event = began.event.clone();
            // That of the worker's machine.
            if let RecordEvent::Began { clock_ahead_ms, .. } = &mut event {
                *clock_ahead_ms = None;
            }
            recording.write(event)?;
        }
        for attempt in &pending {
            let result = recording.upload(attempt).await?;
            uploaded(UploadedAttempt { attempt, result });
        }
        recording.write(RecordEvent::Left {
            reason: "uploaded what was left".to_owned(),
            status: None,
        })
    }
}

/// Holds the records for this process until dropped.
fn lock(records: &Path) -> Result<File, Failure> {
    let path = records.join(".upload.lock");
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .and_then(|file| file.try_lock().map(|()| file).map_err(Into::into));
    lock.map_err(|error| {
        Failure::infrastructure_text(format_args!("{}: {error}", path.display()))
            .help("another `testplan upload --records` is running on this folder: let it end")
    })
}

struct RecordedUploads<'a> {
    request: RecordsUpload<'a>,
    name: String,
    recorder: Recorder,
}

impl RecordedUploads<'_> {
    /// Uploads one attempt's results and records the outcome. An error is one of this machine.
    async fn upload(&mut self, attempt: &PendingUpload) -> Result<UploadResult, Failure> {
        let client = self.request.client;
        if attempt.unclear && !self.request.even_if_unclear {
            if client.service_kind() == ServiceKind::Unknown {
                // A wrong address or token is an error of its own.
                client.squish_servers().await?;
            }
            // testplan's own service knows an upload by its key; Test Center would store it twice.
            if !client.is_testplan() {
                return Ok(UploadResult::NotUploaded(NotUploaded {
                    reason: "it may have been accepted before, but its answer was lost: look into Test Center, and if it \
                             is not there pass --even-if-unclear"
                        .to_owned(),
                    unclear: true,
                }));
            }
        }
        let uploader = Uploader {
            labels: self.labels_of(attempt)?,
        };
        let packed = match uploader.pack(&self.request.out.join(&attempt.folder)).await {
            Ok(Some(packed)) => packed,
            Ok(None) => {
                return Ok(UploadResult::NotUploaded(NotUploaded {
                    reason: format!("{} is empty", attempt.folder),
                    unclear: false,
                }));
            }
            Err(error) => return Ok(UploadResult::NotUploaded(error)),
        };
        let (execution, folder): (ExecutionId, _) = (attempt.execution, attempt.folder.clone());
        self.write(RecordEvent::Uploading {
            execution,
            folder: folder.clone(),
        })?;
        let to = UploadTarget {
            project: &attempt.project,
            batch: &attempt.batch,
            key: upload::upload_key(&attempt.worker, &attempt.folder),
        };
        let doubt = UnclearOutcome::default();
        match uploader.upload(client, &packed, to, &doubt).await {
            Ok(imported) => {
                self.write(RecordEvent::Uploaded {
                    execution,
                    folder,
                    files: imported.files,
                    bytes: imported.bytes,
                })?;
                Ok(UploadResult::Uploaded(imported))
            }
            Err(error) => {
                self.write(RecordEvent::NotUploaded {
                    execution,
                    folder,
                    reason: error.reason.clone(),
                    // An earlier upload whose answer was lost may still have been accepted.
                    unclear: error.unclear || attempt.unclear,
                })?;
                Ok(UploadResult::NotUploaded(error))
            }
        }
    }

    fn labels_of(&self, attempt: &PendingUpload) -> Result<Vec<Label>, Failure> {
        let own = self.request.labels;
        let mut labels = worker_labels(&attempt.capabilities, self.request.ci)?;
        labels.retain(|label| !own.iter().any(|it| it.key() == label.key()));
        Ok([own.to_vec(), labels].concat())
    }

    fn write(&mut self, event: RecordEvent) -> Result<(), Failure> {
        let record: Record = record(self.name.clone(), event);
        self.recorder
            .write(&record)
            .map_err(Failure::infrastructure)
    }
}
