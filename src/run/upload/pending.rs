//! Which results records say are not uploaded yet. Pure: records in, attempts out.

use std::collections::BTreeMap;

use crate::model::{
    Capabilities, ExecutionId, Outcome, Record, Test, Timestamp,
    record::{Confirmation, RecordEvent},
};

/// An attempt whose results are still to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingUpload {
    /// Its execution.
    pub execution: ExecutionId,
    /// Its test, where the record says.
    pub test: Option<Test>,
    /// Its worker.
    pub worker: String,
    /// Its results folder, relative to the `--out` folder.
    pub folder: String,
    /// Project of its plan.
    pub project: String,
    /// Batch of its plan.
    pub batch: String,
    /// What its worker offered.
    pub capabilities: Capabilities,
    /// Nobody knows whether it got in: its worker died over it, or no answer came.
    pub unclear: bool,
}

/// Where an attempt's upload stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Upload {
    #[default]
    NotBegun,
    Unclear,
    Done,
}

/// What a record says of one attempt.
#[derive(Clone, Debug)]
struct Attempt {
    pending: PendingUpload,
    has_result: bool,
    refused: bool,
    upload: Upload,
}

/// What the first line of a record file says for all its workers.
#[derive(Clone, Debug, Default)]
struct Began {
    project: String,
    batch: String,
    capabilities: Capabilities,
}

/// The attempts of any number of record files whose results are not uploaded, in order of their folders. A result that
/// the service refused to count is not to be uploaded either.
pub fn pending<'a>(files: impl IntoIterator<Item = &'a [Record]>) -> Vec<PendingUpload> {
    let mut attempts: BTreeMap<String, Attempt> = BTreeMap::new();
    let mut told: Vec<(Timestamp, &RecordEvent)> = Vec::new();
    for records in files {
        let mut began = Began::default();
        let mut tests: BTreeMap<(&str, ExecutionId), &Test> = BTreeMap::new();
        // The folder of the attempt that a worker is at, by execution.
        let mut at: BTreeMap<(&str, ExecutionId), &str> = BTreeMap::new();
        for record in records {
            let worker = record.worker.as_str();
            match &record.event {
                RecordEvent::Began {
                    project,
                    batch,
                    capabilities,
                    ..
                } => {
                    began = Began {
                        project: project.clone(),
                        batch: batch.clone(),
                        capabilities: capabilities.clone(),
                    };
                }
                RecordEvent::Reserved {
                    execution, test, ..
                } => {
                    tests.insert((worker, *execution), test);
                    at.remove(&(worker, *execution));
                }
                RecordEvent::Results { execution, folder } => {
                    at.insert((worker, *execution), folder);
                    attempts.insert(
                        folder.clone(),
                        Attempt {
                            pending: PendingUpload {
                                execution: *execution,
                                test: tests.get(&(worker, *execution)).copied().cloned(),
                                worker: worker.to_owned(),
                                folder: folder.clone(),
                                project: began.project.clone(),
                                batch: began.batch.clone(),
                                capabilities: began.capabilities.clone(),
                                unclear: false,
                            },
                            has_result: false,
                            refused: false,
                            upload: Upload::NotBegun,
                        },
                    );
                }
                RecordEvent::Ended {
                    execution, outcome, ..
                } => {
                    if let Some(attempt) = of(&mut attempts, &at, worker, *execution) {
                        attempt.has_result = matches!(
                            outcome,
                            Outcome::Completed { .. } | Outcome::ExecutionError { .. }
                        );
                    }
                }
                RecordEvent::Confirmed { execution, answer } => {
                    if let Some(attempt) = of(&mut attempts, &at, worker, *execution) {
                        attempt.refused = matches!(answer, Confirmation::NotCounted { .. });
                    }
                }
                RecordEvent::Uploading { .. }
                | RecordEvent::Uploaded { .. }
                | RecordEvent::NotUploaded { .. } => told.push((record.at, &record.event)),
                RecordEvent::Planned { .. }
                | RecordEvent::Started { .. }
                | RecordEvent::Released { .. }
                | RecordEvent::Reset { .. }
                | RecordEvent::Starved { .. }
                | RecordEvent::Discovered { .. }
                | RecordEvent::CheckedOut(_)
                | RecordEvent::Left { .. } => {}
            }
        }
    }
    // Of several files, in the order in which it happened.
    told.sort_by_key(|(at, _)| *at);
    for (_, event) in told {
        let (folder, upload) = match event {
            RecordEvent::Uploading { folder, .. }
            | RecordEvent::NotUploaded {
                folder,
                unclear: true,
                ..
            } => (folder, Upload::Unclear),
            RecordEvent::Uploaded { folder, .. } => (folder, Upload::Done),
            RecordEvent::NotUploaded { folder, .. } => (folder, Upload::NotBegun),
            _ => continue,
        };
        if let Some(attempt) = attempts.get_mut(folder)
            && attempt.upload != Upload::Done
        {
            attempt.upload = upload;
        }
    }
    attempts
        .into_values()
        .filter(|attempt| attempt.has_result && !attempt.refused && attempt.upload != Upload::Done)
        .map(|attempt| PendingUpload {
            unclear: attempt.upload == Upload::Unclear,
            ..attempt.pending
        })
        .collect()
}

fn of<'a>(
    attempts: &'a mut BTreeMap<String, Attempt>,
    at: &BTreeMap<(&str, ExecutionId), &str>,
    worker: &str,
    execution: ExecutionId,
) -> Option<&'a mut Attempt> {
    attempts.get_mut(*at.get(&(worker, execution))?)
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
        pending(files.iter().map(Vec::as_slice))
            .into_iter()
            .map(|it| (it.folder, it.unclear))
            .collect()
    }

    #[test]
    fn what_is_uploaded_is_not_uploaded_again_and_what_is_unclear_is_told_apart() {
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
    fn another_file_may_tell_of_the_upload() {
        let files = [
            vec![record(uploading("a")), record(uploaded("a"))],
            attempt("a", vec![failed("a", false)]),
        ];
        assert_eq!(found(&files), []);
    }

    #[test]
    fn an_attempt_without_a_result_has_nothing_to_upload() {
        let mut cancelled = attempt("a", vec![]);
        cancelled.pop();
        assert_eq!(found(&[cancelled]), []);
    }
}
