//! The seven tools, and where they are on this machine.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use crate::support::skip;

/// A tool in one of its modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Vitest,
    Jest,
    Playwright,
    /// One process after the other takes the tests of a worker.
    PytestSession,
    PytestBatch,
    Nextest,
    GoogleTest,
    CTest,
}

impl Tool {
    /// Name of its preset.
    pub(crate) fn preset(self) -> &'static str {
        match self {
            Self::Vitest => "vitest",
            Self::Jest => "jest",
            Self::Playwright => "playwright",
            Self::PytestSession | Self::PytestBatch => "pytest",
            Self::Nextest => "nextest",
            Self::GoogleTest => "googletest",
            Self::CTest => "ctest",
        }
    }

    /// The mode in which many tests share a process.
    pub(crate) fn shared_mode(self) -> &'static str {
        if self == Self::PytestSession {
            "session"
        } else {
            "batch"
        }
    }

    /// The suite that all tests of a project are in.
    pub(crate) fn suite(self) -> &'static str {
        match self {
            Self::Vitest | Self::Jest => "a b/[t] (x) $+.test.js",
            Self::Playwright => "a b/[t] (x) $+.spec.js",
            Self::PytestSession | Self::PytestBatch => "test_t.py",
            Self::Nextest => "p::t",
            Self::GoogleTest => "S x",
            Self::CTest => "ctest",
        }
    }

    /// How the tool names a test that the project calls so.
    pub(crate) fn testcase(self, name: &str) -> String {
        match self {
            Self::PytestSession | Self::PytestBatch => format!("test_p[{name}]"),
            _ => name.to_owned(),
        }
    }

    /// Whether it reports each end of a test at once.
    pub(crate) fn has_stream(self) -> bool {
        matches!(self, Self::Vitest | Self::Jest | Self::Playwright)
    }

    /// How it is started; `None` if it is not there, which is said.
    pub(crate) fn program(self) -> Option<Vec<String>> {
        let found = match self {
            Self::Vitest => node_tool("vitest/vitest.mjs"),
            Self::Jest => node_tool("jest/bin/jest.js"),
            Self::Playwright => node_tool("playwright/cli.js"),
            Self::PytestSession | Self::PytestBatch => std::env::var("TESTPLAN_PYTEST")
                .ok()
                .filter(|path| !path.is_empty())
                .map(|python| vec![python, "-m".to_owned(), "pytest".to_owned()]),
            Self::Nextest => {
                starts("cargo-nextest").then(|| vec!["cargo".to_owned(), "nextest".to_owned()])
            }
            Self::GoogleTest => GOOGLETEST
                .as_ref()
                .map(|built| vec![built.path().join("t").to_str().unwrap().to_owned()]),
            Self::CTest => starts("ctest").then(|| vec!["ctest".to_owned()]),
        };
        if found.is_none() {
            skip::missing(&format!("no {self:?}"));
        }
        found
    }
}

/// The folder of the JavaScript tools.
pub(crate) fn packages() -> Option<PathBuf> {
    let folder = std::env::var_os("TESTPLAN_JS_TOOLS").filter(|path| !path.is_empty());
    folder.map(|it| Path::new(&it).join("current/node_modules"))
}

fn node_tool(program: &str) -> Option<Vec<String>> {
    let program = packages()?.join(program);
    let node = std::env::var("TESTPLAN_NODE").unwrap_or_else(|_| "node".to_owned());
    program
        .exists()
        .then(|| vec![node, program.to_str().unwrap().to_owned()])
}

fn starts(program: &str) -> bool {
    let answer = Command::new(program).arg("--version").output();
    answer.is_ok_and(|answer| answer.status.success())
}

/// A test program that registers the tests of the file `tests.txt`, built once.
static GOOGLETEST: LazyLock<Option<tempfile::TempDir>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("t.cpp");
    std::fs::write(&source, include_str!("from_file.cpp")).unwrap();
    let mut compiler = Command::new("g++");
    compiler
        .args(["-std=c++17", "-o"])
        .arg(folder.path().join("t"));
    compiler.arg(&source).args(["-lgtest", "-lpthread"]);
    let answer = compiler.output();
    answer
        .is_ok_and(|answer| answer.status.success())
        .then_some(folder)
});
