//! Finds what Squish tests need on this machine: squishrunner and the suites on disk.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use crate::{
    config::environment::Environment,
    failure::Failure,
    runner::{
        placeholders::PlaceholderText,
        runner_settings::{RunnerSettings, Tool},
        squishrunner::{
            find_program::{self, SearchPlaces},
            squish_suite::{self, FoundSuites},
        },
    },
};

/// The variable that says where Squish was installed.
const PREFIX: &str = "SQUISH_PREFIX";

/// The runner with the path of squishrunner, if it runs Squish tests. Called before anything is reserved: a worker that
/// cannot run tests must not take them from others.
pub(crate) fn locate_squishrunner(
    mut runner: RunnerSettings,
    environment: &Environment,
) -> Result<RunnerSettings, Failure> {
    let Tool::Squish(squish) = &mut runner.tool else {
        return Ok(runner);
    };
    // The file's variables are what squishrunner will see.
    let variable = |name: &str| {
        let own = runner
            .environment
            .get(name)
            .and_then(PlaceholderText::literal);
        own.filter(|value| !value.trim().is_empty())
            .or_else(|| environment.get(name))
            .map(OsStr::new)
    };
    let folder = runner.working_directory.as_deref();
    let places = SearchPlaces {
        by: "testplan.yml",
        configured: squish.squishrunner.as_deref(),
        folder: folder.unwrap_or(Path::new(".")),
        prefix: variable(PREFIX),
        path: variable("PATH"),
    };
    let found = find_program::find("squishrunner", places).map_err(|error| {
        Failure::infrastructure(error).help(
            "install Squish on this machine, or say where it is: set SQUISH_PREFIX to its folder, or write \
             `squish: { squishrunner: PATH }` in testplan.yml",
        )
    })?;
    squish.squishrunner = Some(found);
    Ok(runner)
}

/// The Squish suites on disk, with what was left out.
pub(crate) fn find_suites(folders: &[PathBuf], folder: &Path) -> Result<FoundSuites, Failure> {
    squish_suite::discover(folder, folders).map_err(|error| {
        Failure::usage(error).help(
            "correct the suites, or name other folders: `discover: { squish: [FOLDER] }`, relative to testplan.yml",
        )
    })
}
