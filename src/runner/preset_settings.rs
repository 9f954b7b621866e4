//! The tool of a preset as a project starts it.

use std::{ffi::OsString, path::Path};

use crate::preset::Preset;

/// A tool that testplan knows, with what the project adds to it.
#[derive(Clone, Debug, PartialEq)]
pub struct PresetSettings {
    /// The tool.
    pub preset: &'static Preset,
    /// The project's own options, for each call and the listing.
    pub args: Vec<String>,
    /// What is listed; what the tool's own settings say if it is empty.
    pub paths: Vec<String>,
}

impl PresetSettings {
    /// What follows the program to list the tests. The tool writes to `file` if it does not print them.
    pub(crate) fn list_arguments(&self, file: &Path) -> Vec<OsString> {
        let list = self
            .preset
            .list
            .iter()
            .map(|text| match text.split_once("{list}") {
                Some((before, after)) => {
                    let mut argument = OsString::from(before);
                    argument.push(file);
                    argument.push(after);
                    argument
                }
                None => OsString::from(text),
            });
        let mut arguments = self.with_args(list.collect());
        arguments.extend(self.paths.iter().map(OsString::from));
        arguments
    }

    /// Puts the project's options where the tool reads them.
    pub(crate) fn with_args(&self, mut arguments: Vec<OsString>) -> Vec<OsString> {
        let at = usize::from(self.preset.has_subcommand).min(arguments.len());
        arguments.splice(at..at, self.args.iter().map(OsString::from));
        arguments
    }

    /// Whether the tool writes its listing to a file.
    pub(crate) fn lists_to_file(&self) -> bool {
        self.preset.list.iter().any(|text| text.contains("{list}"))
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
        };
        let vitest = settings("vitest");
        assert_eq!(
            vitest.list_arguments(Path::new("/t/l")),
            [
                "list",
                "--config",
                "c",
                "--no-static-parse",
                "--json=/t/l",
                "tests"
            ]
        );
        assert!(vitest.lists_to_file());
        let jest = settings("jest");
        assert_eq!(
            jest.list_arguments(Path::new("/t/l")),
            ["--config", "c", "--collectTests", "--json", "tests"]
        );
        assert!(!jest.lists_to_file());
    }
}
