//! What a runner for Squish needs: squishrunner, its licence, suites on disk.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use super::finding::{Finding, Group};
use crate::{
    config::environment::Environment,
    failure::Failure,
    listing::squish_setup,
    run::process,
    runner::{
        command::CommandLine,
        outcome::Ending,
        settings::RunnerSettings,
        squish::{settings::SquishSettings, suite::FoundSuites},
    },
    text::counted,
};

const GROUP: Group = Group::Runner;
/// How long squishrunner may take to say its version.
const VERSION: Duration = Duration::from_secs(9);
/// Most bytes of that.
const LARGEST: usize = 64 * 1024;
/// Where licences are looked for.
const LICENCE_FOLDER: &str = "SQUISH_LICENSEKEY_DIR";
/// What licence files are called.
const LICENCES: [&str; 2] = [".squish-license", ".squish-3-license"];

/// What was seen on this machine.
#[derive(Debug)]
pub struct Seen {
    /// squishrunner, and who says where it is.
    pub program: Result<(PathBuf, String), Failure>,
    /// What it calls itself, or why it does not; `None` if there is none.
    pub version: Option<Result<String, String>>,
    /// Licences.
    pub licence: Licence,
    /// Suites with their test cases.
    pub suites: Result<FoundSuites, Failure>,
}

/// Where a licence may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Licence {
    /// The folder that a variable names, and whether it is there.
    pub folder: Option<(PathBuf, bool)>,
    /// Files with a name of theirs, there or at home.
    pub files: Vec<PathBuf>,
}

/// Looks for all of it, and asks squishrunner for its version.
pub async fn look(
    runner: &RunnerSettings,
    settings: &SquishSettings,
    environment: &Environment,
) -> Seen {
    let variable = |name: &str| {
        let own = runner.variable(name);
        own.filter(|value| !value.trim().is_empty())
            .or_else(|| environment.get(name))
    };
    let folder = runner.working_directory.as_deref();
    let folder = folder.unwrap_or(Path::new("."));
    let source = match (&settings.squishrunner, variable("SQUISH_PREFIX")) {
        (Some(_), _) => "testplan.yml",
        (None, Some(_)) => "SQUISH_PREFIX",
        (None, None) => "PATH",
    };
    let located = squish_setup::locate_squishrunner(runner.clone(), environment).map(|runner| {
        let squish = runner
            .squish()
            .and_then(|squish| squish.squishrunner.clone());
        (squish.unwrap_or_default(), source.to_owned())
    });
    let version = match &located {
        Ok((program, _)) => Some(version(program, runner, folder).await),
        Err(_) => None,
    };
    Seen {
        program: located,
        version,
        licence: Licence::look(
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
    let said = process::run_to_end(&line, VERSION, LARGEST).await;
    let said = said.map_err(|error| error.to_string())?;
    if said.ending != Ending::Exited(0) {
        return Err(format!("{} {}", said.ending, said.stderr_tail.trim()));
    }
    let text = String::from_utf8_lossy(&said.stdout);
    let first = text.lines().map(str::trim).find(|line| !line.is_empty());
    first
        .map(str::to_owned)
        .ok_or_else(|| "it says nothing".to_owned())
}

impl Licence {
    fn look(named: Option<&str>, home: Option<&str>) -> Self {
        let folder = named.map(|folder| (PathBuf::from(folder), Path::new(folder).is_dir()));
        let folders = named.into_iter().chain(home);
        let files = folders.flat_map(|folder| LICENCES.map(|name| Path::new(folder).join(name)));
        Self {
            folder,
            files: files.filter(|file| file.is_file()).collect(),
        }
    }
}

/// Whether Squish would start.
pub fn judge(seen: &Seen) -> Vec<Finding> {
    vec![
        program(seen),
        said(seen),
        licence(&seen.licence),
        suites(seen),
    ]
}

fn program(seen: &Seen) -> Finding {
    const ID: &str = "program";
    match &seen.program {
        Ok((program, source)) => {
            let text = format!("squishrunner is {}, by {source}", program.display());
            Finding::ok(GROUP, ID, text)
        }
        Err(failure) => Finding::of_failure(GROUP, ID, failure, "install Squish on this machine"),
    }
}

fn said(seen: &Seen) -> Finding {
    const ID: &str = "version";
    match &seen.version {
        None => Finding::not_checked(GROUP, ID, "there is no squishrunner to ask"),
        Some(Ok(version)) => Finding::ok(GROUP, ID, version.as_str()),
        Some(Err(why)) => Finding::warning(
            GROUP,
            ID,
            format!("`squishrunner --version` fails: {why}"),
            "run it by hand on this machine: tests would most likely fail as well",
        ),
    }
}

fn licence(licence: &Licence) -> Finding {
    const ID: &str = "licence";
    let set =
        "set SQUISH_LICENSEKEY_DIR to the folder of the licence, or put it into the home folder";
    match (&licence.folder, &licence.files[..]) {
        (Some((folder, false)), _) => Finding::warning(
            GROUP,
            ID,
            format!(
                "SQUISH_LICENSEKEY_DIR is {}, which is no folder",
                folder.display()
            ),
            set,
        ),
        (_, [first, ..]) => Finding::ok(GROUP, ID, format!("there is {}", first.display())),
        (Some((folder, true)), []) => Finding::ok(
            GROUP,
            ID,
            format!("SQUISH_LICENSEKEY_DIR is {}", folder.display()),
        ),
        (None, []) => Finding::warning(
            GROUP,
            ID,
            "none was found: SQUISH_LICENSEKEY_DIR is not set, and no .squish-license is at home",
            set,
        ),
    }
}

fn suites(seen: &Seen) -> Finding {
    const ID: &str = "suites";
    let found = match &seen.suites {
        Ok(found) => found,
        Err(failure) => return Finding::of_failure(GROUP, ID, failure, "put the suites right"),
    };
    let testcases: usize = found.suites.iter().map(|suite| suite.testcases.len()).sum();
    let text = format!(
        "{} with {}",
        counted(found.suites.len(), "suite"),
        counted(testcases, "test case")
    );
    match &found.notes[..] {
        [] => Finding::ok(GROUP, ID, text),
        [first, rest @ ..] => {
            let more = match rest.len() {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            Finding::warning(
                GROUP,
                ID,
                format!("{text}; left out: {first}{more}"),
                "list it in suite.conf, or take it away",
            )
        }
    }
}
