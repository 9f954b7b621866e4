//! One call of a tool that runs chosen tests: its arguments, and how names are written in them.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use crate::{
    model::Test,
    reporter::{EVENTS, ReportedTool, SELECTION},
};

/// Most bytes of one argument. Linux takes 128 KiB, and Windows 32 KiB for the whole command line.
const MOST_ARGUMENT: usize = if cfg!(windows) { 24 * 1024 } else { 120 * 1024 };
/// Most bytes of all arguments.
pub(super) const MOST_ARGUMENTS: usize = if cfg!(windows) {
    24 * 1024
} else {
    1024 * 1024
};

/// Files and folders that a call uses; all absolute.
#[derive(Clone, Copy, Debug)]
pub struct CallPaths<'a> {
    /// Where the list of tests is written before the call, if it has one.
    pub list: &'a Path,
    /// The folder for result files; it exists.
    pub results: &'a Path,
    /// The event stream.
    pub events: &'a Path,
    /// The folder of the reporters.
    pub reporters: &'a Path,
    /// Letters and digits that no other call has.
    pub tag: &'a str,
}

/// What is added to a tool's command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresetCall {
    /// Arguments after the program and the project's own.
    pub arguments: Vec<OsString>,
    /// Variables of the process.
    pub environment: Vec<(&'static str, OsString)>,
    /// What the list file contains.
    pub list: Option<String>,
    /// Whether the paths that the project names for the listing follow, and what follows if it names none; possibly empty.
    pub takes_paths: Option<&'static str>,
    /// The reports that the tool writes elsewhere.
    pub reports: Option<Reports>,
}

/// Reports that a tool writes into folders of its project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// Where they are, relative to the folder of the call, with `/`.
    pub folders: Vec<String>,
    /// The names of the files contain it.
    pub tag: String,
    /// A report counts only if a file beside it, with the extension `done`, says that it is complete.
    pub has_marks: bool,
}

impl PresetCall {
    pub(super) fn new<S: Into<OsString>>(arguments: impl IntoIterator<Item = S>) -> Self {
        Self {
            arguments: arguments.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Adds the reporter and its stream.
    pub(super) fn with_reporter(mut self, tool: ReportedTool, paths: &CallPaths<'_>) -> Self {
        self.arguments.extend(tool.arguments(paths.reporters));
        self.environment.push((EVENTS, paths.events.into()));
        self
    }

    /// Writes the tests to the list file, from which the reporter selects them.
    pub(super) fn with_selection(mut self, tests: &[Test], paths: &CallPaths<'_>) -> Self {
        let lines = tests
            .iter()
            .map(|test| format!("{}\t{}\n", test.suite, test.testcase));
        self.list = Some(lines.collect());
        self.environment.push((SELECTION, paths.list.into()));
        self
    }

    pub(super) fn argument(&mut self, argument: impl Into<OsString>) {
        self.arguments.push(argument.into());
    }
}

/// Why no call was made for some tests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSelected {
    /// The tool cannot select this one exactly.
    #[error("{test} cannot be selected: {why}")]
    Name {
        /// The test.
        test: Test,
        /// Why.
        why: String,
    },
    /// Fewer tests may fit.
    #[error("the names of the tests are too long for one command")]
    TooLong,
}

impl NotSelected {
    pub(super) fn name(test: &Test, why: impl Into<String>) -> Self {
        Self::Name {
            test: test.clone(),
            why: why.into(),
        }
    }
}

/// Refuses a call that the system would not start.
pub(super) fn fits(call: &PresetCall) -> Result<(), NotSelected> {
    let mut all = 0;
    for argument in &call.arguments {
        if argument.len() > MOST_ARGUMENT {
            return Err(NotSelected::TooLong);
        }
        all += argument.len() + 1;
    }
    if all > MOST_ARGUMENTS {
        return Err(NotSelected::TooLong);
    }
    Ok(())
}

/// Refuses names with line breaks, which would be two lines of a list.
pub(super) fn on_one_line(tests: &[Test]) -> Result<(), NotSelected> {
    let breaks = |text: &str| text.contains(['\n', '\r']);
    match tests
        .iter()
        .find(|test| breaks(&test.suite) || breaks(&test.testcase))
    {
        Some(test) => Err(NotSelected::name(test, "its name has a line break")),
        None => Ok(()),
    }
}

/// What most tools' results call a test.
pub(super) fn suite_and_name(test: &Test) -> String {
    format!("{}::{}", test.suite, test.testcase)
}

/// Each suite once, in order.
pub(super) fn suites(tests: &[Test]) -> Vec<&str> {
    let mut suites: Vec<&str> = tests.iter().map(|test| test.suite.as_str()).collect();
    let mut seen = std::collections::HashSet::new();
    suites.retain(|suite| seen.insert(*suite));
    suites
}

/// A file that is not taken for an option.
pub(super) fn file_argument(file: &str) -> String {
    if file.starts_with('-') {
        format!("./{file}")
    } else {
        file.to_owned()
    }
}

/// A file that is not taken for a part of a path: it begins with a folder.
pub(super) fn exact_file_argument(file: &str) -> String {
    if file.starts_with('/') {
        file.to_owned()
    } else {
        format!("./{file}")
    }
}

/// Escapes what has a meaning in regular expressions, of JavaScript and of `CMake`. `-` has one in brackets only.
pub(super) fn regex_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\^$.*+?()[]{}|/".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// A file as Node finds it, which takes each argument for a pattern. A backslash escapes nothing there, and a brace cannot be
/// escaped at all.
pub(super) fn node_pattern(file: &str) -> String {
    let mut pattern = String::with_capacity(file.len());
    for c in file.chars() {
        match c {
            '[' | '*' | '?' | '(' | '@' => pattern.extend(['[', c, ']']),
            '{' | '\\' => pattern.push('?'),
            c => pattern.push(c),
        }
    }
    pattern
}

/// `--option=PATH`.
pub(super) fn option(name: &str, path: impl AsRef<OsStr>) -> OsString {
    let mut argument = OsString::from(name);
    argument.push(path);
    argument
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_patterns_stand_for_themselves() {
        assert_eq!(node_pattern("a/b-1.test.js"), "a/b-1.test.js");
        assert_eq!(node_pattern("{d}/[a] @(x)+*"), "?d}/[[]a] [@][(]x)+[*]");
    }
}
