//! `testplan validate`: checks a testplan.yml, offline.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::{
    args::{ConfigArgs, OutputFormat},
    context::Context,
};
use crate::{
    clock,
    config::plan_file::{Discovery, TestSource},
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    listing::{loaded_plan_file::LoadedPlanFile, squish_setup},
    model::{Day, QuarantineEntry},
    report::{deciding, sanitise::console_line},
    runner::squishrunner::squish_suite::{FoundSuites, Suite},
    text::{counted, plural},
};

/// Most bytes of a suite's name that are shown.
const LONGEST_NAME: usize = 200;
/// Most bytes of a note about a quarantine.
const LONGEST_NOTE: usize = 1000;

/// Checks a testplan.yml and its quarantine file without running anything; Squish suites are read and counted.
#[derive(Args, Debug)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

/// `testplan validate`.
pub(crate) fn run(command: &ValidateArgs, context: &Context) -> CommandResult {
    let screen = &context.screen;
    let loaded = command.config.required(context)?;
    let file = &loaded.file;
    let templates: Vec<&str> = file
        .templates
        .iter()
        .map(|template| template.title.as_str())
        .collect();
    let found = suites(&loaded)?;
    for note in &found.notes {
        screen.warn(format_args!("{note}"));
    }
    let today = Day::of(clock::wall());
    let quarantine = quarantine(&loaded, today, context)?;
    for entry in quarantine.iter().flatten() {
        for note in quarantine_notes(entry, &loaded, today) {
            screen.warn(console_line(&note, LONGEST_NOTE));
        }
    }
    screen.data(
        command.format,
        || {
            let path = loaded.path.display();
            let templates = counted(templates.len(), "template");
            let servers = counted(file.servers.len(), "Squish server");
            let mut text = format!("{path}: {templates}, {servers}, no mistakes\n");
            for Suite { name, testcases, .. } in &found.suites {
                let _ = writeln!(text, "{}: {}", console_line(name, LONGEST_NAME), counted(testcases.len(), "test case"));
            }
            if let (Some(source), Some(entries)) = (&file.quarantine, &quarantine) {
                let (file, count) = (console_line(&source.file, LONGEST_NAME), entries.len());
                let entries = plural(&(count as u64), "entry", "entries");
                let _ = writeln!(text, "{file}: {count} {entries}");
            }
            text
        },
        || {
            let suites = found.suites.iter().map(|suite| json!({ "suite": suite.name, "testcases": suite.testcases }));
            let suites: Vec<_> = suites.collect();
            json!({ "schema": 1, "file": loaded.path, "project": file.project, "templates": templates, "suites": suites,
                "quarantine": quarantine })
        },
    );
    Ok(Conclusion::Passed)
}

/// The entries of the quarantine file, if testplan.yml names one.
fn quarantine(
    loaded: &LoadedPlanFile,
    today: Day,
    context: &Context,
) -> Result<Option<Vec<QuarantineEntry>>, Failure> {
    let Some(source) = &loaded.file.quarantine else {
        return Ok(None);
    };
    let read = loaded.quarantine_entries(source, today);
    let coloured = context.screen.is_coloured();
    read.map(Some)
        .map_err(|error| Failure::marked(error, coloured))
}

/// That an entry expired or ends soon, and which of its patterns match no test. The latter is known if all tests are written
/// in the file.
fn quarantine_notes(entry: &QuarantineEntry, loaded: &LoadedPlanFile, today: Day) -> Vec<String> {
    let templates = &loaded.file.templates;
    let sources = || templates.iter().flat_map(|template| &template.tests);
    let is_written = |source| matches!(source, &TestSource::Listed(_));
    let mut notes: Vec<String> = deciding::end_of(entry, today).into_iter().collect();
    if templates.is_empty() || !sources().all(is_written) {
        return notes;
    }
    let tests = || {
        sources().flat_map(|source| match source {
            TestSource::Listed(tests) => tests.as_slice(),
            TestSource::Discovered(_) => &[],
        })
    };
    for pattern in &entry.tests {
        if !tests().any(|test| pattern.matches(test)) {
            notes.push(format!(
                "quarantine of {pattern} matches no test of any template, owner {}",
                entry.owner
            ));
        }
    }
    notes
}

/// The Squish suites that templates discover, each once: reading folders runs nothing.
fn suites(loaded: &LoadedPlanFile) -> Result<FoundSuites, Failure> {
    let mut all = FoundSuites::default();
    for template in &loaded.file.templates {
        let has_runner = template.runner.is_some() || loaded.file.runner.is_some();
        let folder = if has_runner {
            loaded.runner(Some(template))?.working_directory
        } else {
            Some(loaded.folder()?)
        };
        let folder = folder.unwrap_or_default();
        for discovery in template.discoveries() {
            let Discovery::Squish(folders) = discovery else {
                continue;
            };
            let found = squish_setup::find_suites(folders, &folder)?;
            for suite in found.suites {
                if !all.suites.contains(&suite) {
                    all.suites.push(suite);
                }
            }
            for note in found.notes {
                if !all.notes.contains(&note) {
                    all.notes.push(note);
                }
            }
        }
    }
    Ok(all)
}
