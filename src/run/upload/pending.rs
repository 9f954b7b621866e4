//! Finds out which results are not uploaded yet, from records alone.

use std::collections::BTreeMap;

use crate::model::{
    Capabilities, ExecutionId, Outcome, Record, Test, Timestamp,
    record::{Confirmation, RecordEvent},
};

/// An attempt whose results are still to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PendingUpload {
    pub execution: ExecutionId,
    /// Its test, where the record says.
    pub test: Option<Test>,
    pub worker: String,
    /// Its results folder, relative to the `--out` folder.
    pub folder: String,
    pub project: String,
    pub batch: String,
    /// What its worker offered.
    pub capabilities: Capabilities,
    /// The service may have the results: the worker died during the upload, or got no answer.
    pub unclear: bool,
}

/// How far the upload of an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UploadStanding {
    NotBegun,
    Unclear,
    Done,
}

/// What records say about one attempt.
#[derive(Clone, Debug)]
struct AttemptUpload {
    pending: PendingUpload,
    has_result: bool,
    refused: bool,
    standing: UploadStanding,
}

/// The attempts of any number of record files whose results are not uploaded, in order of their folders. A result that
/// the service did not count is not to be uploaded either.
pub(crate) fn pending_uploads<'a>(
    files: impl IntoIterator<Item = &'a [Record]>,
) -> Vec<PendingUpload> {
    let mut attempts = BTreeMap::new();
    let mut uploads = Vec::new();
    for records in files {
        let mut file = UploadRecordFile::new(&mut attempts);
        for record in records {
            file.read(record);
            uploads.extend(upload_standing(&record.event).map(|upload| (record.at, upload)));
        }
    }
    // An upload and its attempt may be in different files, so uploads are taken in the order in which they happened.
    uploads.sort_by_key(|(at, _): &(Timestamp, _)| *at);
    for (_, (folder, standing)) in uploads {
        if let Some(attempt) = attempts.get_mut(folder)
            && attempt.standing != UploadStanding::Done
        {
            attempt.standing = standing;
        }
    }
    attempts
        .into_values()
        .filter(|it| it.has_result && !it.refused && it.standing != UploadStanding::Done)
        .map(|attempt| PendingUpload {
            unclear: attempt.standing == UploadStanding::Unclear,
            ..attempt.pending
        })
        .collect()
}

/// The folder of an upload, and how far it then is.
fn upload_standing(event: &RecordEvent) -> Option<(&str, UploadStanding)> {
    Some(match event {
        RecordEvent::Uploading { folder, .. }
        | RecordEvent::NotUploaded {
            folder,
            unclear: true,
            ..
        } => (folder, UploadStanding::Unclear),
        RecordEvent::Uploaded { folder, .. } => (folder, UploadStanding::Done),
        RecordEvent::NotUploaded { folder, .. } => (folder, UploadStanding::NotBegun),
        _ => return None,
    })
}

/// A record file while it is read.
struct UploadRecordFile<'a, 'b> {
    /// Of all files, by folder.
    attempts: &'b mut BTreeMap<String, AttemptUpload>,
    /// From the first line, for all workers of the file: project, batch and what they offer.
    began: (String, String, Capabilities),
    tests: BTreeMap<(&'a str, ExecutionId), &'a Test>,
    /// The folder of the attempt that a worker is running, by execution.
    folders: BTreeMap<(&'a str, ExecutionId), &'a str>,
}

impl<'a, 'b> UploadRecordFile<'a, 'b> {
    fn new(attempts: &'b mut BTreeMap<String, AttemptUpload>) -> Self {
        Self {
            attempts,
            began: Default::default(),
            tests: BTreeMap::new(),
            folders: BTreeMap::new(),
        }
    }

    fn read(&mut self, record: &'a Record) {
        let worker = record.worker.as_str();
        match &record.event {
            RecordEvent::Began {
                project,
                batch,
                capabilities,
                ..
            } => self.began = (project.clone(), batch.clone(), capabilities.clone()),
            RecordEvent::Reserved {
                execution, test, ..
            } => {
                self.tests.insert((worker, *execution), test);
                self.folders.remove(&(worker, *execution));
            }
            RecordEvent::Results { execution, folder } => self.begin(worker, *execution, folder),
            RecordEvent::Ended {
                execution, outcome, ..
            } => {
                if let Some(attempt) = self.attempt(worker, *execution) {
                    attempt.has_result = matches!(
                        outcome,
                        Outcome::Completed { .. } | Outcome::ExecutionError { .. }
                    );
                }
            }
            RecordEvent::Confirmed { execution, answer } => {
                if let Some(attempt) = self.attempt(worker, *execution) {
                    attempt.refused = matches!(answer, Confirmation::NotCounted { .. });
                }
            }
            RecordEvent::Uploading { .. }
            | RecordEvent::Uploaded { .. }
            | RecordEvent::NotUploaded { .. }
            | RecordEvent::Planned { .. }
            | RecordEvent::Started { .. }
            | RecordEvent::Released { .. }
            | RecordEvent::Reset { .. }
            | RecordEvent::Starved { .. }
            | RecordEvent::Discovered { .. }
            | RecordEvent::Policy { .. }
            | RecordEvent::CheckedOut(_)
            | RecordEvent::Left { .. } => {}
        }
    }

    fn begin(&mut self, worker: &'a str, execution: ExecutionId, folder: &'a str) {
        self.folders.insert((worker, execution), folder);
        let (project, batch, capabilities) = self.began.clone();
        let pending = PendingUpload {
            execution,
            test: self.tests.get(&(worker, execution)).copied().cloned(),
            worker: worker.to_owned(),
            folder: folder.to_owned(),
            project,
            batch,
            capabilities,
            unclear: false,
        };
        let attempt = AttemptUpload {
            pending,
            has_result: false,
            refused: false,
            standing: UploadStanding::NotBegun,
        };
        self.attempts.insert(folder.to_owned(), attempt);
    }

    fn attempt(&mut self, worker: &str, execution: ExecutionId) -> Option<&mut AttemptUpload> {
        self.attempts
            .get_mut(*self.folders.get(&(worker, execution))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::RECORD_VERSION;

    const IT: ExecutionId = ExecutionId(7);

    fn folder(name: &str) -> String {
        format!("results/{name}")
    }

    fn record(event: RecordEvent) -> Record {
        Record {
            v: RECORD_VERSION,
            at: Timestamp(1),
            worker: "w/1".to_owned(),
            event,
        }
    }

    fn attempt(name: &str, more: Vec<RecordEvent>) -> Vec<Record> {
        let ran = vec![
            RecordEvent::Results {
                execution: IT,
                folder: folder(name),
            },
            RecordEvent::Ended {
                execution: IT,
                outcome: Outcome::Completed { result: None },
                duration_ms: 1,
                cases: Vec::new(),
                not_kept: crate::model::CaseCounts::default(),
                log: None,
                output_tail: String::new(),
            },
        ];
        ran.into_iter().chain(more).map(record).collect()
    }

    fn uploading(name: &str) -> RecordEvent {
        RecordEvent::Uploading {
            execution: IT,
            folder: folder(name),
        }
    }

    fn uploaded(name: &str) -> RecordEvent {
        RecordEvent::Uploaded {
            execution: IT,
            folder: folder(name),
            files: 1,
            bytes: 1,
        }
    }

    fn failed(name: &str, unclear: bool) -> RecordEvent {
        RecordEvent::NotUploaded {
            execution: IT,
            folder: folder(name),
            reason: "no".to_owned(),
            unclear,
        }
    }

    fn found(files: &[Vec<Record>]) -> Vec<(String, bool)> {
        pending_uploads(files.iter().map(Vec::as_slice))
            .into_iter()
            .map(|it| (it.folder, it.unclear))
            .collect()
    }

    #[test]
    fn uploaded_results_are_not_pending_and_unclear_ones_are_marked() {
        let refused = Confirmation::NotCounted {
            reason: "late".to_owned(),
        };
        let refused = RecordEvent::Confirmed {
            execution: IT,
            answer: refused,
        };
        let files = [
            attempt("done", vec![uploading("done"), uploaded("done")]),
            attempt("killed-before", vec![]),
            attempt("killed-during", vec![uploading("killed-during")]),
            attempt(
                "refused",
                vec![uploading("refused"), failed("refused", false)],
            ),
            attempt(
                "no-answer",
                vec![uploading("no-answer"), failed("no-answer", true)],
            ),
            attempt("late", vec![refused]),
        ];
        let expected = [
            ("killed-before", false),
            ("killed-during", true),
            ("no-answer", true),
            ("refused", false),
        ];
        let expected = expected.map(|(name, unclear)| (folder(name), unclear));
        assert_eq!(found(&files), expected);
    }

    #[test]
    fn the_upload_may_be_recorded_in_another_file() {
        let files = [
            vec![record(uploading("a")), record(uploaded("a"))],
            attempt("a", vec![failed("a", false)]),
        ];
        assert_eq!(found(&files), []);
    }

    #[test]
    fn an_attempt_without_a_result_is_not_pending() {
        let mut cancelled = attempt("a", vec![]);
        cancelled.pop();
        assert_eq!(found(&[cancelled]), []);
    }
}
