//! Uploads the results of an execution under its lease, after its end is recorded and before its outcome is reported.

use std::{path::PathBuf, time::Duration};

use tokio::sync::Semaphore;

use super::{Worker, active_lease::ActiveLease};
use crate::{
    client::UnclearOutcome,
    model::{Outcome, record::RecordEvent},
    run::{
        attempt::Attempt,
        upload::{self, NotUploaded, UploadTarget, pack},
    },
};

/// How long an upload may still take when the run stops: with the delivery after it, less than a CI leaves. The records
/// say what is left to upload.
const UPLOAD_GRACE: Duration = Duration::from_secs(2);

/// How many results a worker uploads at once.
const UPLOADS_AT_ONCE: usize = 4;

/// Results that are to be uploaded.
#[derive(Debug)]
pub(super) struct ResultsFolder {
    path: PathBuf,
    /// As records name it.
    folder: String,
}

/// A permit for each upload of a worker at the same time.
pub(in crate::run) fn upload_turns() -> Semaphore {
    Semaphore::new(UPLOADS_AT_ONCE)
}

impl Worker {
    /// Records where the results are, if there are any. Returns those that are to be uploaded.
    pub(super) async fn record_results(
        &self,
        lease: &ActiveLease,
        attempt: &Attempt,
    ) -> Option<ResultsFolder> {
        let path = attempt.results.clone()?;
        if matches!(attempt.outcome, Outcome::LeaseLost | Outcome::Cancelled)
            || !pack::has_files(&path)
        {
            return None;
        }
        let relative = path.strip_prefix(&self.settings.out).unwrap_or(&path);
        let folder = relative.to_string_lossy().replace('\\', "/");
        self.record(RecordEvent::Results {
            execution: lease.granted.execution,
            folder: folder.clone(),
        })
        .await;
        let is_wanted = self.settings.upload.is_some();
        is_wanted.then_some(ResultsFolder { path, folder })
    }

    /// Uploads the results while the lease is kept, and records the result of the upload.
    pub(super) async fn upload(&self, lease: &ActiveLease, results: &ResultsFolder) {
        let Some(uploader) = &self.settings.upload else {
            return;
        };
        let granted = &lease.granted;
        let (execution, folder) = (granted.execution, results.folder.clone());
        let doubt = UnclearOutcome::default();
        let uploading = async {
            // The semaphore is never closed.
            let _turn = self.uploads.acquire().await.ok();
            let Some(packed) = uploader.pack(&results.path).await? else {
                return Ok(None);
            };
            let begun = RecordEvent::Uploading {
                execution,
                folder: folder.clone(),
            };
            if !self.record_and_wait(begun).await {
                return Ok(None);
            }
            let to = UploadTarget {
                project: &granted.project,
                batch: &granted.batch,
                key: upload::upload_key(&self.name, &folder),
            };
            let uploaded = uploader.upload(&self.client, &packed, to, &doubt).await;
            uploaded.map(Some)
        };
        let aborted = |reason: String| NotUploaded {
            reason,
            // An upload aborted before its last byte was sent was not received.
            unclear: doubt.is_unclear(),
        };
        let ended = tokio::select! {
            biased;
            reason = lease.kept.watch().lost() => {
                Err(aborted(format!("the lease was lost during the upload: {reason}")))
            }
            ended = self.unless_stopped(UPLOAD_GRACE, uploading) => ended.unwrap_or_else(|| {
                Err(aborted("the run was stopped during the upload".to_owned()))
            }),
        };
        let event = match ended {
            Ok(None) => return,
            Ok(Some(imported)) => RecordEvent::Uploaded {
                execution,
                folder,
                files: imported.files,
                bytes: imported.bytes,
            },
            Err(NotUploaded { reason, unclear }) => RecordEvent::NotUploaded {
                execution,
                folder,
                reason,
                unclear,
            },
        };
        self.record(event).await;
    }
}
