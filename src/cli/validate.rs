//! `testplan validate`: checks a testplan.yml, offline.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::{
    args::{ConfigArgs, OutputFormat},
    context::Context,
};
use crate::{
    config::plan_file::Discovery,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    listing::{loaded_plan_file::LoadedPlanFile, squish_setup},
    report::sanitise::console_line,
    runner::squishrunner::squish_suite::{FoundSuites, Suite},
    text::counted,
};

/// Most bytes of a suite's name that are shown.
const LONGEST_NAME: usize = 200;

/// Checks a testplan.yml without running anything; Squish suites are read and counted.
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
            text
        },
        || {
            let suites = found.suites.iter().map(|suite| json!({ "suite": suite.name, "testcases": suite.testcases }));
            let suites: Vec<_> = suites.collect();
            json!({ "schema": 1, "file": loaded.path, "project": file.project, "templates": templates, "suites": suites })
        },
    );
    Ok(Conclusion::Passed)
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
