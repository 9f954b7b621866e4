//! The path in the workspace of a file that a result file names.
//!
//! Tools write paths that are absolute or relative to their folder, with either separator. CI needs them relative to the
//! workspace. Links are not followed: the file may be on another machine.

use crate::{model::CaseResult, report::sanitise::console_line};

/// Longest path, in bytes.
const MAX: usize = 1000;

/// The folders that tests ran in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Folders<'a> {
    /// The absolute folder of the checkout; if it is empty, only relative paths are accepted.
    pub workspace: &'a str,
    /// The folder that relative paths start from: absolute, or relative to the workspace.
    pub working: &'a str,
}

impl Folders<'_> {
    /// The path relative to the workspace, with `/`. `None` if the path leads out of it or is not a plain path.
    pub fn relative(self, file: &str) -> Option<String> {
        if file.len() > MAX || file.trim() != file || console_line(file, 2 * MAX) != file {
            return None;
        }
        let file = file.replace('\\', "/");
        if matches!(file.rsplit('/').next(), None | Some("" | "." | "..")) {
            // A folder.
            return None;
        }
        let inside = if is_absolute(&file) {
            self.below_workspace(&file)?
        } else if file.contains("://") {
            return None;
        } else {
            format!("{}/{file}", self.below_workspace(self.working)?)
        };
        resolved(&inside)
    }

    fn below_workspace(self, path: &str) -> Option<String> {
        let path = path.replace('\\', "/");
        if !is_absolute(&path) {
            return Some(path);
        }
        let workspace = self.workspace.replace('\\', "/");
        let workspace = workspace.trim_end_matches('/');
        if workspace.is_empty() {
            return None;
        }
        let (start, rest) = path.split_at_checked(workspace.len())?;
        let same = if has_drive(&path) {
            start.eq_ignore_ascii_case(workspace)
        } else {
            start == workspace
        };
        (same && (rest.is_empty() || rest.starts_with('/'))).then(|| rest.to_owned())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SourceLocation {
    pub(super) file: String,
    pub(super) line: Option<u32>,
}

impl SourceLocation {
    /// The location of a case, if it is known and in the workspace.
    pub(super) fn of(case: &CaseResult, folders: Folders<'_>) -> Option<Self> {
        Some(Self {
            file: folders.relative(case.file.as_deref()?)?,
            line: case.line.filter(|line| *line > 0),
        })
    }
}

/// Resolves `.` and `..`; `None` if the path leads out or is empty.
fn resolved(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || has_drive(path)
}

fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [drive, b':', ..] if drive.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX: Folders<'_> = Folders {
        workspace: "/home/runner/work/app/app",
        working: "/home/runner/work/app/app/gui",
    };
    const WINDOWS: Folders<'_> = Folders {
        workspace: r"D:\a\app\app",
        working: r"D:\a\app\app\gui",
    };

    fn check(folders: Folders<'_>, table: &[(&str, Option<&str>)]) {
        for (file, place) in table {
            assert_eq!(folders.relative(file).as_deref(), *place, "{file:?}");
        }
    }

    #[test]
    fn paths_start_at_the_workspace() {
        check(
            LINUX,
            &[
                ("tests/a.py", Some("gui/tests/a.py")),
                ("./tests//a.py", Some("gui/tests/a.py")),
                (r"tests\a.py", Some("gui/tests/a.py")),
                ("../src/a.cpp", Some("src/a.cpp")),
                ("/home/runner/work/app/app/x/a.py", Some("x/a.py")),
                ("/home/runner/work/app/app/x/../a.py", Some("a.py")),
                ("a b,c:d.py", Some("gui/a b,c:d.py")),
            ],
        );
        check(
            WINDOWS,
            &[
                (r"tests\a.py", Some("gui/tests/a.py")),
                (r"d:\A\app\app\x\a.py", Some("x/a.py")),
                ("D:/a/app/app/x/a.py", Some("x/a.py")),
            ],
        );
    }

    #[test]
    fn what_is_outside_is_dropped() {
        check(
            LINUX,
            &[
                ("../../a.py", None),
                ("/home/runner/work/app/application/a.py", None),
                ("/home/runner/work/app/app", None),
                ("/home/runner/work/app/app/x/", None),
                ("/home/runner/work/app/app/../../a.py", None),
                ("/usr/include/a.h", None),
                (r"C:\x\a.py", None),
                ("", None),
                (".", None),
                ("a/..", None),
            ],
        );
        check(
            WINDOWS,
            &[(r"E:\a\app\app\a.py", None), (r"\\host\a.py", None)],
        );
    }

    #[test]
    fn what_is_no_plain_path_is_dropped() {
        let long = "a/".repeat(600);
        check(
            LINUX,
            &[
                ("a\nb.py", None),
                ("##[error]a.py", None),
                ("::error::.py", None),
                ("a\u{202e}b.py", None),
                ("\u{1b}[1ma.py", None),
                (" a.py", None),
                ("https://example.org/a.py", None),
                (&long, None),
            ],
        );
    }

    #[test]
    fn without_a_workspace_only_relative_paths_are_known() {
        let unknown = Folders::default();
        check(unknown, &[("a/b.py", Some("a/b.py")), ("/a/b.py", None)]);
        let elsewhere = Folders {
            workspace: "/w",
            working: "/x",
        };
        check(elsewhere, &[("a.py", None), ("/w/a.py", Some("a.py"))]);
        let relative = Folders {
            workspace: "/w",
            working: "gui",
        };
        check(relative, &[("a.py", Some("gui/a.py"))]);
    }
}
