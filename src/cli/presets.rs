//! `testplan presets`: the test tools that testplan knows.

use std::fmt::Write as _;

use clap::Args;
use serde_json::{Value, json};

use super::{args::OutputFormat, context::Context};
use crate::{
    config::suggest,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    preset::{PRESETS, Preset},
};

/// Prints the test tools that testplan knows, or how it lists and runs the tests of one of them.
#[derive(Args, Debug)]
pub(crate) struct PresetsArgs {
    /// Print this one, with its commands and traps.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

/// `testplan presets`.
pub(crate) fn run(command: &PresetsArgs, context: &Context) -> CommandResult {
    let screen = &context.screen;
    match &command.name {
        None => screen.data(
            command.format,
            || table(PRESETS),
            || {
                let presets: Vec<Value> = PRESETS.iter().map(|preset| object(preset)).collect();
                json!({ "schema": 1, "presets": presets })
            },
        ),
        Some(name) => {
            let preset = named(name)?;
            screen.data(
                command.format,
                || page(preset),
                || {
                    let mut object = object(preset);
                    object["schema"] = 1.into();
                    object
                },
            );
        }
    }
    Ok(Conclusion::Passed)
}

/// The preset of a name that the user has written.
pub(crate) fn named(name: &str) -> Result<&'static Preset, Failure> {
    Preset::named(name).ok_or_else(|| {
        let names = || PRESETS.iter().map(|preset| preset.name);
        let failure = Failure::usage_text(format_args!("there is no preset {name:?}"));
        failure.help(match suggest::nearest(name, names()) {
            Some(near) => format!("did you mean {near}? `testplan presets` prints all of them"),
            None => format!(
                "these are there: {}",
                names().collect::<Vec<_>>().join(", ")
            ),
        })
    })
}

fn table(presets: &[&Preset]) -> String {
    let rows: Vec<[String; 3]> = presets
        .iter()
        .map(|preset| {
            let program = match preset.program {
                [] => "the project's own program".to_owned(),
                program => program.join(" "),
            };
            [preset.name.to_owned(), program, preset.versions.to_owned()]
        })
        .collect();
    let heading = ["NAME", "STARTED AS", "TRIED WITH"].map(str::to_owned);
    let width = |column: usize| {
        let cells = rows.iter().chain([&heading]).map(|row| row[column].len());
        cells.max().unwrap_or_default()
    };
    let (first, second) = (width(0), width(1));
    let mut text = String::new();
    for [name, program, versions] in [&heading].into_iter().chain(&rows) {
        let _ = writeln!(text, "{name:first$}  {program:second$}  {versions}");
    }
    text.push_str(
        "\n`testplan presets NAME` prints how one of them lists, runs and reports tests.\n",
    );
    text
}

fn page(preset: &Preset) -> String {
    let description = preset.describe();
    let mut text = format!("{}, tried with {}\n\n", preset.name, preset.versions);
    for (name, value) in [
        ("testplan.yml", description.plan_file),
        ("lists with", description.listing),
        ("runs with", description.call),
        ("results", description.results.to_owned()),
        ("modes", description.modes.join(", ")),
        ("exit codes", description.exit_codes),
    ] {
        let _ = writeln!(text, "{name:<13} {value}");
    }
    text.push_str("\nSUITE, TEST and PROGRAM are those of the project; other capital words are files and folders of testplan.\n");
    text.push_str("\ntraps\n");
    for trap in preset.traps {
        let _ = writeln!(text, "  - {trap}");
    }
    text
}

fn object(preset: &Preset) -> Value {
    let description = preset.describe();
    json!({
        "name": preset.name,
        "versions": preset.versions,
        "program": preset.program,
        "plan_file": description.plan_file,
        "listing": description.listing,
        "call": description.call,
        "results": description.results,
        "modes": description.modes,
        "exit_codes": description.exit_codes,
        "traps": preset.traps,
    })
}
