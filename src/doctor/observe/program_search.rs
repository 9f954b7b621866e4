//! Searches for the program of a runner as the system would.

use std::path::{Path, PathBuf};

use crate::{config::environment::Environment, runner::runner_settings::RunnerSettings};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProgramSearch {
    /// As in testplan.yml.
    pub(crate) name: String,
    /// The folder that it would run in.
    pub(crate) folder: PathBuf,
    pub(crate) location: ProgramLocation,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProgramLocation {
    At(PathBuf),
    /// `in_folder`: a file of this name is in the folder, where the system does not search.
    NotInPath {
        in_folder: bool,
    },
    Missing(PathBuf),
    NotExecutable(PathBuf),
    /// The name has a placeholder.
    DependsOnExecution,
    NoFolder,
}

/// Searches for the first word of a runner's command.
pub(super) fn search(
    runner: &RunnerSettings,
    name: &str,
    environment: &Environment,
) -> ProgramSearch {
    let folder = runner.working_directory.clone();
    let folder = folder.unwrap_or_else(|| PathBuf::from("."));
    let path = runner.variable("PATH");
    let path = path.or_else(|| environment.get("PATH")).unwrap_or_default();
    ProgramSearch {
        location: locate(name, &folder, path),
        folder,
        name: name.to_owned(),
    }
}

fn locate(name: &str, folder: &Path, path: &str) -> ProgramLocation {
    if !folder.is_dir() {
        return ProgramLocation::NoFolder;
    }
    if name.contains('{') {
        return ProgramLocation::DependsOnExecution;
    }
    let is_path = Path::new(name).components().count() > 1 || Path::new(name).is_absolute();
    if is_path {
        let file = folder.join(name);
        return match with_ending(&file) {
            Some(file) if is_executable(&file) => ProgramLocation::At(file),
            Some(file) => ProgramLocation::NotExecutable(file),
            None => ProgramLocation::Missing(file),
        };
    }
    let mut forbidden = None;
    for place in std::env::split_paths(path) {
        if let Some(file) = with_ending(&folder.join(place).join(name)) {
            if is_executable(&file) {
                return ProgramLocation::At(file);
            }
            forbidden.get_or_insert(file);
        }
    }
    match forbidden {
        Some(file) => ProgramLocation::NotExecutable(file),
        None => ProgramLocation::NotInPath {
            in_folder: folder.join(name).is_file(),
        },
    }
}

/// The file; on Windows with the endings of programs.
fn with_ending(file: &Path) -> Option<PathBuf> {
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

/// On Windows the ending decides.
#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    true
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn program_is_found_as_the_system_does() -> std::io::Result<()> {
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
            ("tool", paths(&["bin"]), ProgramLocation::At(at("bin/tool"))),
            (
                "tool",
                paths(&["plain", "bin"]),
                ProgramLocation::At(at("bin/tool")),
            ),
            (
                "tool",
                paths(&["plain"]),
                ProgramLocation::NotExecutable(at("plain/tool")),
            ),
            (
                "tool",
                paths(&[]),
                ProgramLocation::NotInPath { in_folder: false },
            ),
            (
                "here.sh",
                paths(&["bin"]),
                ProgramLocation::NotInPath { in_folder: true },
            ),
            (
                "./here.sh",
                paths(&[]),
                ProgramLocation::At(at("./here.sh")),
            ),
            (
                "./none.sh",
                paths(&[]),
                ProgramLocation::Missing(at("./none.sh")),
            ),
            (
                "plain/tool",
                paths(&["bin"]),
                ProgramLocation::NotExecutable(at("plain/tool")),
            ),
            (
                "{suite}",
                paths(&["bin"]),
                ProgramLocation::DependsOnExecution,
            ),
        ];
        for (name, path, expected) in table {
            assert_eq!(locate(name, stage.path(), &path), expected, "{name} {path}");
        }
        assert_eq!(
            locate("tool", &at("none"), &paths(&["bin"])),
            ProgramLocation::NoFolder
        );
        Ok(())
    }
}
