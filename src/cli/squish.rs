//! What commands see to before Squish tests are run: squishrunner, suites on disk, Squish servers.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::plans::Loaded;
use crate::{
    config::{environment::Environment, plan_file::PlanFile},
    failure::Failure,
    runner::{
        placeholders::Template,
        settings::{RunnerSettings, Tool},
        squish::{
            program::{self, Places},
            settings::ServerChoice,
            suite::{self, Found},
        },
    },
};

/// The variable that says where Squish was installed.
const PREFIX: &str = "SQUISH_PREFIX";

/// The runner with squishrunner found, if it is one for Squish: before anything is reserved, for a worker that cannot run
/// tests must not use them up.
pub fn located(
    mut runner: RunnerSettings,
    environment: &Environment,
) -> Result<RunnerSettings, Failure> {
    let Tool::Squish(squish) = &mut runner.tool else {
        return Ok(runner);
    };
    // The file's variables are what squishrunner will see.
    let variable = |name: &str| {
        let own = runner.environment.get(name).and_then(Template::literal);
        own.filter(|value| !value.trim().is_empty())
            .or_else(|| environment.get(name))
            .map(OsStr::new)
    };
    let folder = runner.working_directory.as_deref();
    let places = Places {
        by: "testplan.yml",
        configured: squish.squishrunner.as_deref(),
        folder: folder.unwrap_or(Path::new(".")),
        prefix: variable(PREFIX),
        path: variable("PATH"),
    };
    let found = program::find("squishrunner", places).map_err(|error| {
        Failure::infrastructure(error).help(
            "install Squish on this machine, or say where it is: set SQUISH_PREFIX to its folder, or write \
             `squish: { squishrunner: PATH }` in testplan.yml",
        )
    })?;
    squish.squishrunner = Some(found);
    Ok(runner)
}

/// Suites on disk, with what was left out.
pub fn suites(folders: &[PathBuf], folder: &Path) -> Result<Found, Failure> {
    suite::discover(folder, folders).map_err(|error| {
        Failure::usage(error).help(
            "put the suites right, or name other folders: `discover: { squish: [FOLDER] }`, relative to testplan.yml",
        )
    })
}

/// Without a service of somebody else's, allocated Squish servers can only be those of the file.
pub fn has_servers(config: &Loaded) -> Result<(), Failure> {
    let PlanFile {
        runner, servers, ..
    } = &config.file;
    let wanted = runner
        .as_ref()
        .and_then(RunnerSettings::squish)
        .is_some_and(|squish| squish.server == ServerChoice::Allocated);
    if !wanted || servers.iter().any(|server| server.enabled) {
        return Ok(());
    }
    Err(Failure::usage_text(format_args!(
        "{} has no Squish servers to hand out, and its tests are to run on allocated ones",
        config.path.display()
    ))
    .help(
        "list them under `servers`, or write `squish: { server: local }` or `squish: { server: HOST:PORT }`",
    ))
}
