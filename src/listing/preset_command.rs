//! The tests that the tool of a preset lists.

use std::{fs, path::Path};

use super::{
    class_files,
    list_command::{MOST_LISTED, failed},
};
use crate::{
    config::{discover::ListedTests, plan_file::DISCOVERY_TIMEOUT},
    failure::Failure,
    fs::private_folder,
    model::LeftOut,
    preset::{ListingOutput, ToolListing},
    reporter::{LISTING, ReporterFolder},
    run::process::{self, OutputError, PrintedTo},
    runner::{
        command_line::CommandLine,
        preset_settings::PresetSettings,
        process_end::ProcessEnd,
        runner_settings::{CommandSettings, RunnerSettings},
    },
};

/// Starts the tool and reads what it lists.
pub(super) async fn list(
    runner: &RunnerSettings,
    (command, settings): (&CommandSettings, &PresetSettings),
) -> Result<ListedTests, Failure> {
    let preset = settings.preset;
    let folder = private_folder("testplan-listing-").map_err(Failure::infrastructure)?;
    let file = folder.path().join("listing.json");
    let reporters = settings.lists_by_reporter().then(ReporterFolder::make);
    let reporters = reporters.transpose().map_err(Failure::infrastructure)?;
    let reporters_path = reporters
        .as_ref()
        .map_or(Path::new(""), ReporterFolder::path);
    let program = command.command.iter().filter_map(|text| text.literal());
    let variables = runner.variables();
    let target = matches!(preset.listing, ListingOutput::File)
        .then(|| (LISTING.to_owned(), file.clone().into_os_string()));
    let line = CommandLine {
        argv: program
            .map(Into::into)
            .chain(settings.list_arguments(&file, reporters_path))
            .collect(),
        env: variables
            .map(|(name, value)| (name.to_owned(), value.into()))
            .chain(target)
            .collect(),
        cwd: runner.working_directory.clone(),
        ..CommandLine::default()
    };
    let shown: Vec<_> = line.argv.iter().map(|it| it.to_string_lossy()).collect();
    let what = format!("listing the tests with {:?}", shown.join(" "));
    let to = match preset.listing {
        ListingOutput::Stderr => PrintedTo::Stderr,
        ListingOutput::Stdout | ListingOutput::File | ListingOutput::ClassFiles(_) => {
            PrintedTo::Stdout
        }
    };
    let listed = process::run_reading(&line, to, DISCOVERY_TIMEOUT, MOST_LISTED).await;
    let written = fs::read(&file);
    let by_hand = "run the command by hand in the folder that tests run in";
    let printed = match listed {
        Ok(listed) => match listed.ending {
            ProcessEnd::Exited(code) if preset.listed.contains(&code) => listed,
            _ => return Err(failed(&listed).context(what).help(by_hand)),
        },
        Err(OutputError::TimedOut(listed)) => {
            return Err(failed(&listed)
                .context(what)
                .help("find out what it waits for"));
        }
        Err(error) => {
            let help = format!(
                "install {}, or name the command that starts it, for example `runner: {{ preset: {}, program: [...] }}`",
                preset.name, preset.name
            );
            return Err(Failure::usage(error).context(what).help(help));
        }
    };
    let place = runner
        .working_directory
        .as_deref()
        .unwrap_or(Path::new("."));
    // Tools name files by their real paths.
    let place = place.canonicalize().map_err(Failure::infrastructure)?;
    let listing = match preset.listing {
        ListingOutput::File => {
            written.map_err(|error| Failure::usage(error).context(what.clone()))?
        }
        ListingOutput::Stdout | ListingOutput::Stderr => printed.printed,
        ListingOutput::ClassFiles(folders) => {
            let lines = class_files::lines(&place, &folders);
            lines.join("\n").into_bytes()
        }
    };
    let listing = preset
        .read_listing(&listing, &place.to_string_lossy())
        .map_err(|error| {
            let help = format!(
                "testplan was tried with {} {}",
                preset.name, preset.versions
            );
            Failure::usage(error).context(what).help(help)
        })?;
    Ok(accounted(listing, preset.name))
}

fn accounted(listing: ToolListing, tool: &str) -> ListedTests {
    let ToolListing {
        tests,
        duplicates,
        broken,
    } = listing;
    let mut listed = ListedTests {
        tests,
        tool: Some(tool.to_owned()),
        ..ListedTests::default()
    };
    for _ in &listed.tests {
        listed.account.take();
    }
    for test in &duplicates {
        listed.account.repeat(test);
    }
    for line in broken {
        listed.account.leave_out(LeftOut {
            line,
            number: 0,
            reason: LeftOut::NOT_LOADED.to_owned(),
            suspicious: true,
        });
    }
    listed
}
