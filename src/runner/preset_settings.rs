//! The tool of a preset as a project starts it.

use std::{ffi::OsString, path::Path};

use super::warm_settings::FreshProcess;
use crate::preset::{self, Preset, PresetCall, ToolSession};

/// Begins the argument that the project's paths replace; the rest stands for them if there are none.
const PATHS: &str = "{paths}";

/// A tool that testplan knows, with what the project adds to it.
#[derive(Clone, Debug, PartialEq)]
pub struct PresetSettings {
    /// The tool.
    pub preset: &'static Preset,
    /// The project's own options, for each call and the listing.
    pub args: Vec<String>,
    /// What is listed; what the tool's own settings say if it is empty.
    pub paths: Vec<String>,
    /// How a process of the tool stays and runs one call after the other, if it does.
    pub session: Option<SessionSettings>,
}

/// How the process of a tool runs one call after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// Whether no other way will do. Otherwise each call has a process of its own where the project's settings want that.
    pub is_required: bool,
    /// When the process is replaced.
    pub fresh: FreshProcess,
}

impl SessionSettings {
    /// What a project gets that does not say how many tests share a process.
    pub(crate) fn by_default(preset: &Preset) -> Option<Self> {
        let tool = preset.session.filter(|tool| tool.is_default)?;
        Some(Self::of(tool))
    }

    /// The session of a tool with all its defaults.
    pub(crate) fn of(tool: ToolSession) -> Self {
        Self {
            is_required: false,
            fresh: FreshProcess {
                after_mib: tool.most_mib,
                ..FreshProcess::default()
            },
        }
    }
}

impl PresetSettings {
    /// What follows the program to list the tests. The tool writes to `file` if it does not print them; `reporters` is
    /// the folder with testplan's own files.
    pub(crate) fn list_arguments(&self, file: &Path, reporters: &Path) -> Vec<OsString> {
        let list = self
            .preset
            .list
            .iter()
            .map(|text| preset::filled(text, &[("{list}", file), ("{reporters}", reporters)]));
        let mut arguments = self.with_args(list.collect());
        let paths = arguments.iter().enumerate().find_map(|(at, argument)| {
            let default = argument.to_str()?.strip_prefix(PATHS)?;
            let default = if default.is_empty() { "." } else { default };
            Some((at, self.paths_or(default)))
        });
        match paths {
            Some((at, paths)) => drop(arguments.splice(at..=at, paths)),
            None => arguments.extend(self.paths.iter().map(OsString::from)),
        }
        arguments
    }

    /// What follows the program to run the tests of a call.
    pub(crate) fn call_arguments(&self, call: &mut PresetCall) -> Vec<OsString> {
        let mut arguments = self.with_args(std::mem::take(&mut call.arguments));
        if let Some(without) = call.takes_paths {
            arguments.extend(self.paths_or(without));
        }
        arguments
    }

    /// What follows the program to begin a session; `reporters` is the folder with testplan's own files.
    pub(crate) fn session_arguments(&self, reporters: &Path) -> Vec<OsString> {
        let mut arguments = self.with_args(self.preset.session_arguments(reporters));
        arguments.extend(self.paths.iter().map(OsString::from));
        arguments
    }

    fn paths_or(&self, without: &str) -> Vec<OsString> {
        match &self.paths[..] {
            [] if without.is_empty() => Vec::new(),
            [] => vec![without.into()],
            paths => paths.iter().map(OsString::from).collect(),
        }
    }

    /// Puts the project's options where the tool reads them. What follows `--` in them comes last.
    fn with_args(&self, mut arguments: Vec<OsString>) -> Vec<OsString> {
        let own_dashes = arguments.iter().position(|it| it == "--");
        let at = match own_dashes {
            _ if !self.preset.has_subcommand => 0,
            Some(dashes) => dashes + 1,
            None => 1.min(arguments.len()),
        };
        let dashes = self.args.iter().position(|it| it == "--");
        let last = match (own_dashes, dashes) {
            (None, Some(dashes)) if self.preset.has_subcommand => dashes,
            _ => self.args.len(),
        };
        let (args, last) = self.args.split_at(last);
        arguments.extend(last.iter().map(OsString::from));
        arguments.splice(at..at, args.iter().map(OsString::from));
        arguments
    }

    /// Whether a file of testplan's own lists the tests.
    pub(crate) fn lists_by_reporter(&self) -> bool {
        self.preset
            .list
            .iter()
            .any(|text| text.contains("{reporters}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_follow_the_subcommand_and_paths_come_last() {
        let settings = |name| PresetSettings {
            preset: Preset::named(name).unwrap(),
            args: vec!["--config".to_owned(), "c".to_owned()],
            paths: vec!["tests".to_owned()],
            session: None,
        };
        let vitest = settings("vitest");
        assert_eq!(
            vitest.list_arguments(Path::new("/t/l"), Path::new("/r")),
            [
                "list",
                "--config",
                "c",
                "--no-static-parse",
                "--json=/t/l",
                "tests"
            ]
        );
        let jest = settings("jest");
        assert_eq!(
            jest.list_arguments(Path::new("/t/l"), Path::new("/r")),
            ["--config", "c", "--collectTests", "--json", "tests"]
        );
        let mut libtest = settings("libtest");
        libtest.args.extend(["--", "-q"].map(str::to_owned));
        libtest.paths.clear();
        let listed = libtest.list_arguments(Path::new("/t/l"), Path::new("/r"));
        assert_eq!(listed[..4], ["test", "--config", "c", "--tests"]);
        assert_eq!(listed[listed.len() - 2..], ["--", "-q"]);
        let mut go = settings("go");
        let list = ["--jsonfile=/t/l", "--", "--config", "c", "-list", "."];
        let listed = |go: &PresetSettings| go.list_arguments(Path::new("/t/l"), Path::new("/r"));
        assert_eq!(listed(&go), [&list[..], &["tests"]].concat());
        go.paths.clear();
        assert_eq!(listed(&go), [&list[..], &["./..."]].concat());
    }
}
