//! Observes what a runner for Squish needs: squishrunner, its licence, suites on disk.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    config::environment::Environment,
    failure::Failure,
    listing::squish_setup,
    run::process,
    runner::{
        command_line::CommandLine,
        process_end::ProcessEnd,
        runner_settings::RunnerSettings,
        squishrunner::{squish_settings::SquishSettings, squish_suite::FoundSuites},
    },
};

/// Time limit of `squishrunner --version`.
const VERSION_LIMIT: Duration = Duration::from_secs(9);
/// Most bytes of its output.
const LARGEST: usize = 64 * 1024;
/// Folder of the licence.
const LICENCE_FOLDER: &str = "SQUISH_LICENSEKEY_DIR";
/// Names of licence files.
const LICENCES: [&str; 2] = [".squish-license", ".squish-3-license"];

#[derive(Debug)]
pub(crate) struct SquishTools {
    pub(crate) program: Result<PathBuf, Failure>,
    /// Where squishrunner is named.
    pub(crate) source: &'static str,
    /// Its version, or why it prints none; `None` without a program.
    pub(crate) version: Option<Result<String, String>>,
    pub(crate) licence: Licence,
    pub(crate) suites: Result<FoundSuites, Failure>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Licence {
    /// The folder that a variable names, and whether it exists.
    pub(crate) folder: Option<(PathBuf, bool)>,
    /// Licence files there or in the home folder.
    pub(crate) files: Vec<PathBuf>,
}

/// Looks for squishrunner, its licence and the suites, and asks squishrunner for its version.
pub(super) async fn observe(
    settings: &SquishSettings,
    runner: &RunnerSettings,
    environment: &Environment,
) -> SquishTools {
    let variable = |name: &str| {
        let own = runner.variable(name);
        own.filter(|value| !value.trim().is_empty())
            .or_else(|| environment.get(name))
    };
    let source = match variable("SQUISH_PREFIX") {
        _ if settings.squishrunner.is_some() => "testplan.yml",
        Some(_) => "SQUISH_PREFIX",
        None => "PATH",
    };
    let located = squish_setup::locate_squishrunner(runner.clone(), environment);
    let program = located.map(|runner| {
        let squish = runner.squish();
        let program = squish.and_then(|squish| squish.squishrunner.clone());
        program.unwrap_or_default()
    });
    let folder = runner.working_directory.as_deref();
    let folder = folder.unwrap_or(Path::new("."));
    let version = match &program {
        Ok(program) => Some(version(program, runner, folder).await),
        Err(_) => None,
    };
    SquishTools {
        program,
        source,
        version,
        licence: Licence::find(
            variable(LICENCE_FOLDER),
            variable("HOME").or(variable("USERPROFILE")),
        ),
        suites: squish_setup::find_suites(&settings.suites, folder),
    }
}

async fn version(program: &Path, runner: &RunnerSettings, folder: &Path) -> Result<String, String> {
    let own = runner.variables();
    let line = CommandLine {
        argv: vec![program.into(), "--version".into()],
        env: own
            .map(|(name, value)| (name.to_owned(), OsString::from(value)))
            .collect(),
        env_remove: Vec::new(),
        cwd: Some(folder.to_owned()),
    };
    let ran = process::run_to_end(&line, VERSION_LIMIT, LARGEST).await;
    let ran = ran.map_err(|error| error.to_string())?;
    if ran.ending != ProcessEnd::Exited(0) {
        return Err(format!("{} {}", ran.ending, ran.tail.trim()));
    }
    let text = String::from_utf8_lossy(&ran.printed);
    let first = text.lines().map(str::trim).find(|line| !line.is_empty());
    first
        .map(str::to_owned)
        .ok_or_else(|| "it prints nothing".to_owned())
}

impl Licence {
    fn find(named: Option<&str>, home: Option<&str>) -> Self {
        let folder = named.map(|folder| (PathBuf::from(folder), Path::new(folder).is_dir()));
        let folders = named.into_iter().chain(home);
        let files = folders.flat_map(|folder| LICENCES.map(|name| Path::new(folder).join(name)));
        Self {
            folder,
            files: files.filter(|file| file.is_file()).collect(),
        }
    }
}
