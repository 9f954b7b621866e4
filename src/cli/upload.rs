//! `testplan upload`: send result files to Test Center, or to a service of ours.

mod left_over;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{
    args::{ConfigArgs, Format, ServiceArgs},
    connect,
    screen::Screen,
};
use crate::{
    ci::Ci,
    client::{Client, FileKind, Import, Imported, ResultFile},
    config::environment::Environment,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    model::{Capabilities, Label},
    run::upload::pack::{self, Packed},
    signal::Signals,
};

/// Uploads result files, each FILE as it is and each FOLDER with all that is in it: zipped if there is more in it than
/// result files.
///
/// Test Center takes Squish XML, JUnit and other xUnit (.xml), zipped results folders (.zip), the results of HTML
/// reports (.js), and Coco's .csmes and .csexe.
#[derive(Args, Debug)]
pub struct Upload {
    /// Files and folders.
    #[arg(value_name = "FILE|FOLDER", required_unless_present = "records")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    service: ServiceArgs,
    /// Project to upload to; made if it is new [default: the project of testplan.yml, else Test Center's `default`].
    #[arg(long, value_name = "NAME", conflicts_with = "records")]
    project: Option<String>,
    /// Batch to upload to; made if it is new [default: a new one].
    #[arg(long, value_name = "NAME", conflicts_with = "records")]
    batch: Option<String>,
    /// What the results were made with; repeat for more.
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<Label>,
    /// Leave out the labels that the CI gives: `.git.revision`, `.git.branch` and `.reference.url`.
    #[arg(long)]
    no_ci_labels: bool,
    /// Upload what the workers' records in this `--out` folder say is not uploaded yet, to their plan's project and batch,
    /// labelled with their capabilities, and write that down there.
    #[arg(long, value_name = "OUT", conflicts_with = "paths")]
    records: Option<PathBuf>,
    /// With --records, upload also what may have got in, its answer lost. Test Center then may have it twice.
    #[arg(long, requires = "records")]
    even_if_unclear: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `testplan upload`.
pub async fn run(command: Upload, environment: &Environment, screen: &Screen) -> CommandResult {
    let ci = if command.no_ci_labels {
        Ci::default()
    } else {
        connect::ci(environment)
    };
    let mut signals = Signals::listen().map_err(Failure::infrastructure)?;
    let working = async {
        match &command.records {
            Some(out) => left_over::upload(&command, out, &ci, environment, screen).await,
            None => named(&command, &ci, environment, screen).await,
        }
    };
    signals.or_interrupted(working).await
}

/// Uploads what people name, as one import.
async fn named(
    command: &Upload,
    ci: &Ci,
    environment: &Environment,
    screen: &Screen,
) -> CommandResult {
    let packed = pack(&command.paths)?;
    let project = match &command.project {
        Some(project) => Some(project.clone()),
        None => connect::config(&command.config, environment, screen)?
            .and_then(|config| config.file.project.clone()),
    };
    let import = Import {
        project: project.unwrap_or_default(),
        batch: command.batch.clone().unwrap_or_default(),
        labels: with_ci(command.labels.clone(), ci),
        files: packed.iter().flat_map(|it| it.files.clone()).collect(),
        key: None,
    };
    let client = connect::client(&command.service, environment, screen)?;
    let imported = client.import(&import).await?;
    tell_notes(&imported, screen);
    screen.data(
        command.format,
        || text(&client, &import, &imported),
        || json!({ "schema": 1, "uploads": [as_json(&import.project, &import.batch, &imported)], "not_uploaded": [] }),
    );
    Ok(Conclusion::Passed)
}

/// What each path comes to; a file of an unknown kind or an empty folder is a mistake.
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
    let kind = FileKind::of(path).map_err(|error| {
        Failure::usage(error)
            .help("name result files, or the folder that they are in with all else")
    })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(Packed::files(vec![ResultFile {
        path: path.to_owned(),
        name: name.into_owned(),
        kind,
    }]))
}

/// The labels of a worker's results: its capabilities, and what the CI says.
pub fn labels(offered: &Capabilities, ci: &Ci) -> Result<Vec<Label>, Failure> {
    let labels = offered.iter().cloned().map(Label::try_from);
    let labels = labels.collect::<Result<Vec<_>, _>>().map_err(|error| {
        Failure::usage(error)
            .help("write the capability without it; run and work also take --upload never")
    })?;
    Ok(with_ci(labels, ci))
}

/// What people say goes before what the CI says.
fn with_ci(mut labels: Vec<Label>, ci: &Ci) -> Vec<Label> {
    for hidden in ci.hidden_labels() {
        if !labels.iter().any(|label| label.key() == hidden.key()) {
            labels.push(hidden);
        }
    }
    labels
}

/// Labels as one text.
pub fn shown(labels: &[Label]) -> String {
    if labels.is_empty() {
        return "with nothing".to_owned();
    }
    let labels: Vec<String> = labels.iter().map(Label::to_string).collect();
    labels.join(", ")
}

/// What of the files could not be read is worth a warning: it counts for nothing.
fn tell_notes(imported: &Imported, screen: &Screen) {
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
    let told = match answer {
        Some(answer) => format!(
            "project {}, batch {}: import {}, {} cases",
            answer.project, answer.batch, answer.id, answer.cases
        ),
        None => format!(
            "project {}, {}",
            or(&import.project, "default"),
            match import.batch.as_str() {
                "" => "a new batch".to_owned(),
                batch => format!("batch {batch}"),
            }
        ),
    };
    format!(
        "uploaded {files}, {bytes} bytes to {}: {told}\n",
        client.endpoint()
    )
}

fn or<'a>(text: &'a str, empty: &'a str) -> &'a str {
    if text.is_empty() { empty } else { text }
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
