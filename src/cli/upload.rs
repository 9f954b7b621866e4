//! `testplan upload`: send result files to Test Center, or to a service of ours.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{
    args::{ConfigArgs, OutputFormat, ServiceArgs},
    context::Context,
    screen::Screen,
    worker_name,
};
use crate::{
    ci::Ci,
    client::{Client, Import, Imported, UploadFile, UploadFileKind},
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    model::Label,
    report::sanitise::console_line,
    result_upload::{
        from_records::{RecordsUpload, UploadResult},
        upload_labels::with_ci_labels,
    },
    run::upload::{
        NotUploaded,
        pack::{self, Packed},
    },
    signal::Signals,
};

/// Longest name or reason in a line, in bytes.
const LONGEST: usize = 300;

/// Uploads result files: each FILE as it is, and each FOLDER with everything in it, zipped if it holds more than result
/// files.
///
/// Test Center takes Squish XML, JUnit and other xUnit (.xml), zipped results folders (.zip), the results of HTML
/// reports (.js), and Coco's .csmes and .csexe.
#[derive(Args, Debug)]
pub(crate) struct UploadArgs {
    /// Upload these files and folders.
    #[arg(value_name = "FILE|FOLDER", required_unless_present = "records")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    service: ServiceArgs,
    /// Upload to this project, and create it if it is new [default: the project of testplan.yml, else Test Center's `default`].
    #[arg(long, value_name = "NAME", conflicts_with = "records")]
    project: Option<String>,
    /// Upload to this batch, and create it if it is new [default: a new one].
    #[arg(long, value_name = "NAME", conflicts_with = "records")]
    batch: Option<String>,
    /// Label the results with this; repeat for more.
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<Label>,
    /// Leave out the labels from the CI: `.git.revision`, `.git.branch` and `.reference.url`.
    #[arg(long)]
    no_ci_labels: bool,
    /// Upload the results that the records in this `--out` folder list as not uploaded, to their plan's project and batch,
    /// labelled with the capabilities of their worker, and record it there.
    #[arg(long, value_name = "OUT", conflicts_with = "paths")]
    records: Option<PathBuf>,
    /// With --records, upload also results whose earlier upload got no answer. Test Center may then have them twice.
    #[arg(long, requires = "records")]
    even_if_unclear: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

/// `testplan upload`.
pub(crate) async fn run(command: UploadArgs, context: &Context) -> CommandResult {
    let ci = if command.no_ci_labels {
        Ci::default()
    } else {
        context.ci().clone()
    };
    let mut signals = Signals::listen().map_err(Failure::infrastructure)?;
    let uploading = async {
        match &command.records {
            Some(out) => upload_left_over(&command, out, &ci, context).await,
            None => upload_named(&command, &ci, context).await,
        }
    };
    signals.or_interrupted(uploading).await
}

/// Uploads the named files and folders, as one import.
async fn upload_named(command: &UploadArgs, ci: &Ci, context: &Context) -> CommandResult {
    let packed = pack(&command.paths)?;
    let project = match &command.project {
        Some(project) => Some(project.clone()),
        None => (command.config.load(context)?).and_then(|config| config.file.project),
    };
    let import = Import {
        project: project.unwrap_or_default(),
        batch: command.batch.clone().unwrap_or_default(),
        labels: with_ci_labels(command.labels.clone(), ci),
        files: packed.iter().flat_map(|it| it.files.clone()).collect(),
        key: None,
    };
    let client = command.service.connect(context)?;
    let imported = client.import(&import).await?;
    warn_notes(&imported, &context.screen);
    context.screen.data(
        command.format,
        || text(&client, &import, &imported),
        || json!({ "schema": 1, "uploads": [as_json(&import.project, &import.batch, &imported)], "not_uploaded": [] }),
    );
    Ok(Conclusion::Passed)
}

/// Uploads what the records of an `--out` folder say is not uploaded yet.
async fn upload_left_over(
    command: &UploadArgs,
    out: &Path,
    ci: &Ci,
    context: &Context,
) -> CommandResult {
    let screen = &context.screen;
    let client = command.service.connect(context)?;
    let upload = RecordsUpload {
        out,
        client: &client,
        labels: &command.labels,
        ci,
        even_if_unclear: command.even_if_unclear,
        name: worker_name::unique(context)?,
    };
    let (mut uploaded, mut not_uploaded) = (Vec::new(), Vec::new());
    upload
        .upload(|attempt| {
            let test = console_line(&attempt.test(), LONGEST);
            let pending = attempt.attempt;
            match attempt.result {
                UploadResult::Uploaded(imported) => {
                    warn_notes(&imported, screen);
                    screen.info(format_args!("uploaded: {test}"));
                    let mut json = as_json(&pending.project, &pending.batch, &imported);
                    json["execution"] = json!(pending.execution);
                    uploaded.push(json);
                }
                UploadResult::NotUploaded(NotUploaded { reason, unclear }) => {
                    let reason = console_line(&reason, LONGEST);
                    screen.always(format_args!("not uploaded: {test}: {reason}"));
                    not_uploaded.push(json!({
                        "execution": pending.execution,
                        "folder": pending.folder,
                        "reason": reason,
                        "unclear": unclear,
                    }));
                }
            }
        })
        .await?;
    let is_complete = not_uploaded.is_empty();
    screen.data(
        command.format,
        || match (uploaded.len(), not_uploaded.len()) {
            (0, 0) => {
                "nothing to upload: according to the records everything is uploaded\n".to_owned()
            }
            (count, 0) => format!("uploaded the results of {count} attempts\n"),
            (count, left) => {
                format!(
                    "uploaded the results of {count} attempts; those of {left} were not accepted\n"
                )
            }
        },
        || json!({ "schema": 1, "uploads": uploaded, "not_uploaded": not_uploaded }),
    );
    Ok(if is_complete {
        Conclusion::Passed
    } else {
        Conclusion::Infrastructure
    })
}

/// Packs each path. A file of an unknown kind or an empty folder is an error.
fn pack(paths: &[PathBuf]) -> Result<Vec<Packed>, Failure> {
    paths.iter().map(|path| pack_one(path)).collect()
}

fn pack_one(path: &Path) -> Result<Packed, Failure> {
    if path.is_dir() {
        // A name such as `.` says nothing about what is in it.
        let folder = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        return pack::folder(&folder)
            .map_err(Failure::usage)?
            .ok_or_else(|| {
                Failure::usage_text(format_args!("there is no file in {}", path.display()))
                    .help("name the folder that the test tool wrote its results to")
            });
    }
    let kind = UploadFileKind::of(path).map_err(|error| {
        Failure::usage(error)
            .help("name result files, or the folder that they are in with all else")
    })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(Packed::files(vec![UploadFile {
        path: path.to_owned(),
        name: name.into_owned(),
        kind,
    }]))
}

/// Warns of the parts of the files that could not be read and therefore do not count.
fn warn_notes(imported: &Imported, screen: &Screen) {
    let files = imported.answer.iter().flat_map(|answer| &answer.files);
    for (file, note) in files.flat_map(|file| file.notes.iter().map(move |note| (file, note))) {
        screen.warn(format_args!("{}: {note}", file.name));
    }
}

fn text(client: &Client, import: &Import, imported: &Imported) -> String {
    let Imported {
        files,
        bytes,
        answer,
    } = imported;
    let files = match files {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    let place = match answer {
        Some(answer) => format!(
            "project {}, batch {}: import {}, {} cases",
            answer.project, answer.batch, answer.id, answer.cases
        ),
        None => format!(
            "project {}, {}",
            match import.project.as_str() {
                "" => "default",
                project => project,
            },
            match import.batch.as_str() {
                "" => "a new batch".to_owned(),
                batch => format!("batch {batch}"),
            }
        ),
    };
    format!(
        "uploaded {files}, {bytes} bytes to {}: {place}\n",
        client.endpoint()
    )
}

fn as_json(project: &str, batch: &str, imported: &Imported) -> Value {
    json!({
        "project": imported.answer.as_ref().map_or(project, |answer| &answer.project),
        "batch": imported.answer.as_ref().map_or(batch, |answer| &answer.batch),
        "files": imported.files,
        "bytes": imported.bytes,
        "import": imported.answer,
    })
}
