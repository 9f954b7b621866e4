//! A test tool in one of its modes, as the checks need it: how a project for it is written, and what it cannot do.

use std::process::Command;

use crate::support::{Stage, skip};

/// A tool in one of its modes.
#[derive(Debug)]
pub(crate) struct Tool {
    /// Name of its preset.
    pub(crate) preset: &'static str,
    /// The mode in which many tests share a process: `batch` or `session`.
    pub(crate) mode: &'static str,
    /// The suite that all tests of a project are in.
    pub(crate) suite: &'static str,
    /// How the tool names a test that the project calls so.
    pub(crate) testcase: fn(&str) -> String,
    /// Whether a test of the project can have this name.
    pub(crate) can_have: fn(&str) -> bool,
    /// Whether the tool has no way to select a test of this name.
    pub(crate) refuses: fn(&str) -> bool,
    /// Whether it reports each start and end of a test at once.
    pub(crate) has_stream: bool,
    /// The outcome of a test that ends its process with exit code 0.
    pub(crate) exit_outcome: &'static str,
    /// Whether the tool runs nothing if it does not know one of the tests of a call, so that its calls are halved.
    pub(crate) refuses_unknown: bool,
    /// How it is started; `None` if it is not there.
    pub(crate) program: fn() -> Option<Vec<String>>,
    /// What is added to the program to run all tests without testplan.
    pub(crate) run_all: &'static [&'static str],
    /// Writes a project with these tests, in place of those that it has.
    pub(crate) write: fn(&Stage, &[(&str, Does)]),
}

/// What a test does when it runs, after it has appended its name to the file `ran`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    Passes,
    Fails,
    /// It ends its process with exit code 0.
    Exits,
    /// It waits until there is a file `go`, and passes.
    Waits,
}

impl Does {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::Fails => "fails",
            Self::Exits => "exits",
            Self::Waits => "waits",
        }
    }
}

impl Tool {
    /// The program, or a skip of the test.
    pub(crate) fn found(&self) -> Option<Vec<String>> {
        let program = (self.program)();
        if program.is_none() {
            skip::missing(&format!("no {}", self.preset));
        }
        program
    }
}

/// For tools that name tests as the project does.
pub(crate) fn same(name: &str) -> String {
    name.to_owned()
}

pub(crate) fn any(_: &str) -> bool {
    true
}

pub(crate) fn none(_: &str) -> bool {
    false
}

/// Whether a program starts.
pub(crate) fn starts(program: &str) -> bool {
    let answer = Command::new(program).arg("--version").output();
    answer.is_ok_and(|answer| answer.status.success())
}

/// `WORD<tab>NAME` of each test, for projects that read their tests from a file.
pub(crate) fn lines(tests: &[(&str, Does)]) -> String {
    let line = |(name, does): &(&str, Does)| format!("{}\t{name}\n", does.word());
    tests.iter().map(line).collect()
}
