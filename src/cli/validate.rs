//! `testplan validate`: checks a testplan.yml, offline.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::{
    args::{ConfigArgs, Format},
    connect,
    plans::Loaded,
    screen::Screen,
    squish,
};
use crate::{
    config::{environment::Environment, plan_file::Discovery},
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    report::sanitise::console_line,
    runner::squish::suite::{Found, Suite},
};

/// Most bytes of a suite's name that are shown.
const LONGEST_NAME: usize = 200;

/// Checks a testplan.yml without running anything; Squish suites are read and counted.
#[derive(Args, Debug)]
pub struct Validate {
    #[command(flatten)]
    config: ConfigArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `testplan validate`.
pub fn run(command: &Validate, environment: &Environment, screen: &Screen) -> CommandResult {
    let Some(loaded) = connect::config(&command.config, environment, screen)? else {
        return Err(Failure::usage_text("there is no testplan.yml here")
            .help("name one with --config FILE"));
    };
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
            let servers = file.servers.len();
            let mut text = format!("{}: {} templates, {servers} Squish servers, no mistakes\n", loaded.path.display(), templates.len());
            for Suite { name, testcases, .. } in &found.suites {
                let _ = writeln!(text, "{}: {} test cases", console_line(name, LONGEST_NAME), testcases.len());
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
fn suites(loaded: &Loaded) -> Result<Found, Failure> {
    let folder = match loaded.file.runner {
        Some(_) => loaded.runner()?.working_directory,
        None => Some(loaded.folder()?),
    };
    let folder = folder.unwrap_or_default();
    let mut all = Found::default();
    for template in &loaded.file.templates {
        for discovery in template.discoveries() {
            let Discovery::Squish(folders) = discovery else {
                continue;
            };
            let found = squish::suites(folders, &folder)?;
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
