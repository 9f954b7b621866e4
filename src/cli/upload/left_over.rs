//! `testplan upload --records`: what workers left behind, each attempt once, written down as it goes.

use std::{
    fs::{File, OpenOptions},
    path::Path,
};

use serde_json::{Value, json};

use super::{Upload, as_json, labels, tell_notes};
use crate::{
    ci::Ci,
    cli::{connect, reporting::read_records, screen::Screen, working},
    client::{Client, Doubt},
    config::environment::Environment,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    model::{Record, record::RecordEvent},
    report::sanitise::console_line,
    run::{
        recorder::{Recorder, record},
        upload::{
            self, Destination, NotUploaded, Uploader,
            pending::{PendingUpload, pending},
        },
    },
};

/// Most bytes of a name or reason in a line.
const LONGEST: usize = 300;

/// Uploads what the records of an `--out` folder say is not uploaded yet.
pub(super) async fn upload(
    command: &Upload,
    out: &Path,
    ci: &Ci,
    environment: &Environment,
    screen: &Screen,
) -> CommandResult {
    let records = out.join("records");
    let mut files = Vec::new();
    read_records(&records, &mut files)?;
    // Before anything is looked at: two of these at once would upload everything twice.
    let _alone = alone(&records)?;
    files.clear();
    read_records(&records, &mut files)?;
    let pending = pending(files.iter().map(|file| file.records.as_slice()));
    let client = connect::client(&command.service, environment, screen)?;
    let mut done = Done::default();
    if !pending.is_empty() {
        let name = format!("{}-upload", working::process_name(environment)?);
        let began = files
            .iter()
            .flat_map(|file| &file.records)
            .find(|record| matches!(record.event, RecordEvent::Began { .. }));
        let mut uploads = Uploads {
            command,
            out,
            ci,
            screen,
            client: &client,
            name: name.clone(),
            recorder: Recorder::create(&records, &name).map_err(Failure::infrastructure)?,
        };
        if let Some(began) = began {
            let mut event = began.event.clone();
            // That of the worker's machine.
            if let RecordEvent::Began { clock_ahead_ms, .. } = &mut event {
                *clock_ahead_ms = None;
            }
            uploads.write(event)?;
        }
        for attempt in pending {
            uploads.one(&attempt, &mut done).await?;
        }
        uploads.write(RecordEvent::Left {
            reason: "uploaded what was left".to_owned(),
            status: None,
        })?;
    }
    let (count, left) = (done.uploaded.len(), done.left.len());
    screen.data(
        command.format,
        || match (count, left) {
            (0, 0) => "nothing to upload: the records say that everything got in\n".to_owned(),
            (count, 0) => format!("uploaded the results of {count} attempts\n"),
            (count, left) => {
                format!(
                    "uploaded the results of {count} attempts; those of {left} did not get in\n"
                )
            }
        },
        || json!({ "schema": 1, "uploads": done.uploaded, "not_uploaded": done.left }),
    );
    Ok(if left == 0 {
        Conclusion::Passed
    } else {
        Conclusion::Infrastructure
    })
}

/// Holds the records for this process until dropped.
fn alone(records: &Path) -> Result<File, Failure> {
    let path = records.join(".upload.lock");
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .and_then(|file| file.try_lock().map(|()| file).map_err(Into::into));
    lock.map_err(|error| {
        Failure::infrastructure(anyhow::anyhow!("{}: {error}", path.display()))
            .help("another `testplan upload --records` is at work on this folder: let it end")
    })
}

#[derive(Default)]
struct Done {
    uploaded: Vec<Value>,
    left: Vec<Value>,
}

struct Uploads<'a> {
    command: &'a Upload,
    out: &'a Path,
    ci: &'a Ci,
    screen: &'a Screen,
    client: &'a Client,
    name: String,
    recorder: Recorder,
}

impl Uploads<'_> {
    async fn one(&mut self, attempt: &PendingUpload, done: &mut Done) -> Result<(), Failure> {
        let test = attempt.test.as_ref().map_or_else(
            || format!("execution {}", attempt.execution),
            ToString::to_string,
        );
        let test = console_line(&test, LONGEST);
        match self.send(attempt).await? {
            Ok(uploaded) => {
                self.screen.info(format_args!("uploaded: {test}"));
                done.uploaded.push(uploaded);
            }
            Err(NotUploaded { reason, unclear }) => {
                let reason = console_line(&reason, LONGEST);
                self.screen
                    .always(format_args!("not uploaded: {test}: {reason}"));
                done.left.push(json!({
                    "execution": attempt.execution,
                    "folder": attempt.folder,
                    "reason": reason,
                    "unclear": unclear,
                }));
            }
        }
        Ok(())
    }

    /// Uploads one attempt's results and writes down what came of it. An outer error is one of this machine.
    async fn send(
        &mut self,
        attempt: &PendingUpload,
    ) -> Result<Result<Value, NotUploaded>, Failure> {
        // Our own service knows an upload by its key; Test Center might have it twice.
        let knows = self.client.is_ours() == Some(true);
        if attempt.unclear && !knows && !self.command.even_if_unclear {
            if self.client.is_ours().is_none() {
                // A wrong address or token is told like any other.
                self.client.squish_servers().await?;
                return Box::pin(self.send(attempt)).await;
            }
            return Ok(Err(NotUploaded {
                reason: "it may have got in before, its answer is lost: look into Test Center, and if it is not there pass \
                         --even-if-unclear"
                    .to_owned(),
                unclear: true,
            }));
        }
        let mut all = labels(&attempt.capabilities, self.ci)?;
        all.retain(|label| !self.command.labels.iter().any(|it| it.key() == label.key()));
        let uploader = Uploader {
            labels: [self.command.labels.clone(), all].concat(),
        };
        let packed = match uploader.pack(&self.out.join(&attempt.folder)).await {
            Ok(Some(packed)) => packed,
            Ok(None) => {
                return Ok(Err(NotUploaded {
                    reason: format!("{} is empty", attempt.folder),
                    unclear: false,
                }));
            }
            Err(trouble) => return Ok(Err(trouble)),
        };
        let (execution, folder) = (attempt.execution, attempt.folder.clone());
        self.write(RecordEvent::Uploading {
            execution,
            folder: folder.clone(),
        })?;
        let to = Destination {
            project: &attempt.project,
            batch: &attempt.batch,
            key: upload::key(&attempt.worker, &attempt.folder),
        };
        match uploader
            .upload(self.client, &packed, to, &Doubt::default())
            .await
        {
            Ok(imported) => {
                self.write(RecordEvent::Uploaded {
                    execution,
                    folder,
                    files: imported.files,
                    bytes: imported.bytes,
                })?;
                tell_notes(&imported, self.screen);
                let mut told = as_json(&attempt.project, &attempt.batch, &imported);
                told["execution"] = json!(execution);
                Ok(Ok(told))
            }
            Err(trouble) => {
                self.write(RecordEvent::NotUploaded {
                    execution,
                    folder,
                    reason: trouble.reason.clone(),
                    // What may have got in before may still have.
                    unclear: trouble.unclear || attempt.unclear,
                })?;
                Ok(Err(trouble))
            }
        }
    }

    fn write(&mut self, event: RecordEvent) -> Result<(), Failure> {
        let record: Record = record(self.name.clone(), event);
        self.recorder
            .write(&record)
            .map_err(Failure::infrastructure)
    }
}
