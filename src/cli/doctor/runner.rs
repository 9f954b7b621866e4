//! The program that runs a test: whether it would start.

use std::path::{Path, PathBuf};

use super::{
    finding::{Finding, Group},
    squish,
};
use crate::{
    config::environment::Environment,
    failure::Failure,
    listing::loaded_plan_file::LoadedPlanFile,
    runner::settings::{RunnerSettings, Tool},
};

const GROUP: Group = Group::Runner;
const ID: &str = "program";

/// What was seen of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// As it is written.
    pub name: String,
    /// The folder that it would run in.
    pub folder: PathBuf,
    /// What is there.
    pub program: Program,
}

/// Where a program is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// Here.
    At(PathBuf),
    /// Not in PATH. `beside` is one of this name in the folder, where nobody looks.
    NotInPath {
        /// Whether it is there.
        beside: bool,
    },
    /// Nowhere; the folder itself may be missing.
    Missing(PathBuf),
    /// It is there, and may not be executed.
    NotExecutable(PathBuf),
    /// Which one shows with the execution.
    Unknown,
    /// Its folder is none.
    NoFolder,
}

/// A runner, by what it is.
#[derive(Debug)]
pub enum Looked {
    /// There is no testplan.yml.
    None,
    /// It says nothing of a runner, or not enough.
    Unusable(Failure),
    /// Any command.
    Command(Seen),
    /// squishrunner.
    Squish(squish::Seen),
}

/// Looks for the program of testplan.yml's runner as the system will.
pub async fn look(loaded: Option<&LoadedPlanFile>, environment: &Environment) -> Looked {
    let Some(loaded) = loaded else {
        return Looked::None;
    };
    let runner = match loaded.runner() {
        Ok(runner) => runner,
        Err(failure) => return Looked::Unusable(failure),
    };
    match &runner.tool {
        Tool::Command(settings) => {
            let name = settings.command.first();
            let name = name.map_or("", |program| program.literal().unwrap_or(program.text()));
            let name = name.to_owned();
            Looked::Command(command(&runner, name, environment))
        }
        Tool::Squish(settings) => {
            Looked::Squish(squish::look(&runner, settings, environment).await)
        }
    }
}

fn command(runner: &RunnerSettings, name: String, environment: &Environment) -> Seen {
    let folder = runner.working_directory.clone();
    let folder = folder.unwrap_or_else(|| PathBuf::from("."));
    let path = runner.variable("PATH");
    let path = path.or_else(|| environment.get("PATH")).unwrap_or_default();
    Seen {
        program: locate(&name, &folder, path),
        folder,
        name,
    }
}

fn locate(name: &str, folder: &Path, path: &str) -> Program {
    if !folder.is_dir() {
        return Program::NoFolder;
    }
    if name.contains('{') {
        return Program::Unknown;
    }
    let is_path = Path::new(name).components().count() > 1 || Path::new(name).is_absolute();
    if is_path {
        let file = folder.join(name);
        return match named(&file) {
            Some(file) if is_executable(&file) => Program::At(file),
            Some(file) => Program::NotExecutable(file),
            None => Program::Missing(file),
        };
    }
    let mut forbidden = None;
    for place in std::env::split_paths(path) {
        if let Some(file) = named(&folder.join(place).join(name)) {
            if is_executable(&file) {
                return Program::At(file);
            }
            forbidden.get_or_insert(file);
        }
    }
    match forbidden {
        Some(file) => Program::NotExecutable(file),
        None => Program::NotInPath {
            beside: folder.join(name).is_file(),
        },
    }
}

/// The file, on Windows with the endings that programs have there.
fn named(file: &Path) -> Option<PathBuf> {
    let endings: &[&str] = if cfg!(windows) {
        &["", ".exe", ".com", ".bat", ".cmd"]
    } else {
        &[""]
    };
    let mut files = endings.iter().map(|ending| {
        let mut file = file.as_os_str().to_owned();
        file.push(ending);
        PathBuf::from(file)
    });
    files.find(|file| file.is_file())
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

/// There it is the ending that decides.
#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    true
}

/// Whether a test would start.
pub fn judge(looked: &Looked) -> Vec<Finding> {
    match looked {
        Looked::None => {
            let text = "there is no testplan.yml that says how a test is run";
            vec![Finding::not_checked(GROUP, ID, text)]
        }
        Looked::Unusable(failure) => {
            let help = failure.help.as_deref().unwrap_or("add a runner to it");
            let text = format!("{}, which `run` and `work` need", failure.error);
            vec![Finding::warning(GROUP, ID, text, help)]
        }
        Looked::Command(seen) => vec![program(seen)],
        Looked::Squish(seen) => squish::judge(seen),
    }
}

fn program(seen: &Seen) -> Finding {
    let (name, folder) = (&seen.name, seen.folder.display());
    let problem = |text: String, cure: String| Finding::problem(GROUP, ID, text, cure);
    match &seen.program {
        Program::At(file) => Finding::ok(GROUP, ID, format!("{name} is {}", file.display())),
        Program::NotInPath { beside: false } => problem(
            format!("{name} is in no folder of PATH"),
            "install it, or correct `command` in testplan.yml".to_owned(),
        ),
        Program::NotInPath { beside: true } => problem(
            format!("{name} is in no folder of PATH, but in {folder}"),
            format!("write ./{name} in `command`"),
        ),
        Program::Missing(file) => problem(
            format!("{} does not exist", file.display()),
            "correct `command` in testplan.yml; it is relative to the folder it runs in".to_owned(),
        ),
        Program::NotExecutable(file) => problem(
            format!("{} may not be executed", file.display()),
            "make it executable (chmod +x), or name its interpreter first".to_owned(),
        ),
        Program::Unknown => Finding::not_checked(
            GROUP,
            ID,
            format!("which program {name} is shows with the execution"),
        ),
        Program::NoFolder => problem(
            format!("the folder that tests run in, {folder}, is none"),
            "make it, or correct `working-directory` in testplan.yml".to_owned(),
        ),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_the_system_would() -> std::io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let stage = tempfile::tempdir()?;
        let at = |name: &str| stage.path().join(name);
        std::fs::create_dir_all(at("bin"))?;
        std::fs::create_dir_all(at("plain"))?;
        for (name, mode) in [
            ("bin/tool", 0o755),
            ("plain/tool", 0o644),
            ("here.sh", 0o755),
        ] {
            crate::fs::write_atomic(&at(name), b"#!/bin/sh\n").unwrap();
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(mode))?;
        }
        let paths = |list: &[&str]| {
            let list = list.iter().map(|name| at(name));
            std::env::join_paths(list).unwrap().into_string().unwrap()
        };
        let table = [
            ("tool", paths(&["bin"]), Program::At(at("bin/tool"))),
            (
                "tool",
                paths(&["plain", "bin"]),
                Program::At(at("bin/tool")),
            ),
            (
                "tool",
                paths(&["plain"]),
                Program::NotExecutable(at("plain/tool")),
            ),
            ("tool", paths(&[]), Program::NotInPath { beside: false }),
            (
                "here.sh",
                paths(&["bin"]),
                Program::NotInPath { beside: true },
            ),
            ("./here.sh", paths(&[]), Program::At(at("./here.sh"))),
            ("./none.sh", paths(&[]), Program::Missing(at("./none.sh"))),
            (
                "plain/tool",
                paths(&["bin"]),
                Program::NotExecutable(at("plain/tool")),
            ),
            ("{suite}", paths(&["bin"]), Program::Unknown),
        ];
        for (name, path, expected) in table {
            assert_eq!(locate(name, stage.path(), &path), expected, "{name} {path}");
        }
        assert_eq!(
            locate("tool", &at("none"), &paths(&["bin"])),
            Program::NoFolder
        );
        Ok(())
    }
}
