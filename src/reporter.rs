//! Reporters for test tools: files that make a tool write an event stream, and how each tool loads its own.
//!
//! The project's own files stay as they are: a tool gets its reporter by an option. docs/event-stream.md describes what
//! they write, and `result_file` reads it.

mod reporter_folder;

use std::{ffi::OsString, path::Path};

pub use reporter_folder::ReporterFolder;

/// The variable that names the file a reporter appends to. Without it the reporters do nothing.
pub const EVENTS: &str = "TESTPLAN_EVENTS";
/// The variable that names a list of tests, `FILE<tab>NAME` on each line: where a tool lets its reporter select, only
/// these run.
pub const SELECTION: &str = "TESTPLAN_SELECTION";
/// The variable that names the file where a listing is written, if testplan's own file lists the tests.
pub const LISTING: &str = "TESTPLAN_LISTING";

/// A file that takes what is written to it and keeps nothing.
const NOWHERE: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// A tool that there is a reporter for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportedTool {
    /// Vitest 4 and 5.
    Vitest,
    /// Jest 30.
    Jest,
    /// Mocha 11 and 12.
    Mocha,
    /// The test runner of Node 22 and 24.
    NodeTest,
    /// Playwright 1.65.
    Playwright,
    /// The test runner of bun 1.4.
    Bun,
    /// The test runner of deno 2.9.
    Deno,
    /// Cucumber-js 13.
    CucumberJs,
    /// unittest of Python 3.
    Unittest,
    /// Robot Framework 7.
    Robot,
    /// behave 1.3.
    Behave,
    /// `RSpec` 3.
    Rspec,
    /// Minitest 5.
    Minitest,
    /// `PHPUnit` 9.
    Phpunit,
    /// `prove` of Perl 5.
    Prove,
    /// bats 1.13.
    Bats,
    /// libtest of Rust 1.95, through cargo.
    Libtest,
    /// ava 7.
    Ava,
    /// `ExUnit` of Elixir 1.14.
    ExUnit,
}

impl ReportedTool {
    /// The arguments that load the reporter from the folder of a [`ReporterFolder`].
    pub fn arguments(self, folder: &Path) -> Vec<OsString> {
        let option = |name: &str, file: &str| {
            let mut argument = OsString::from(name);
            argument.push(folder.join(file));
            argument
        };
        match self {
            // Repeated, as naming one replaces those of the configuration.
            Self::Vitest => vec![
                "--reporter=default".into(),
                option("--reporter=", "vitest.mjs"),
            ],
            Self::Jest => vec![
                "--reporters=default".into(),
                option("--reporters=", "jest.cjs"),
            ],
            Self::Mocha => vec!["--reporter".into(), option("", "mocha.cjs")],
            Self::NodeTest => vec![
                "--import".into(),
                option("", "node-hook.mjs"),
                option("--test-reporter=", "node-reporter.mjs"),
                "--test-reporter-destination=stderr".into(),
                "--test-reporter=spec".into(),
                "--test-reporter-destination=stdout".into(),
            ],
            Self::Playwright => vec![option("--add-reporter=", "playwright.mjs")],
            Self::CucumberJs => {
                // The formatter writes nothing to its own target, so that the project's keeps the standard output.
                let mut formatter = OsString::from("\"");
                formatter.push(folder.join("cucumber.mjs"));
                formatter.push(format!("\":\"{NOWHERE}\""));
                vec![
                    "--format".into(),
                    formatter,
                    option("--plugin=", "cucumber-plugin.mjs"),
                ]
            }
            Self::Bun => vec![option("", "bun.mjs")],
            Self::Deno => vec![
                "run".into(),
                "--allow-all".into(),
                "--no-config".into(),
                "--no-lock".into(),
                option("", "deno.mjs"),
                "--".into(),
            ],
            Self::Unittest => vec![option("", "unittest_runner.py")],
            Self::Robot => vec![
                "--listener".into(),
                option("", "robot_listener.py"),
                "--prerunmodifier".into(),
                option("", "robot_selection.py"),
            ],
            Self::Behave => vec![option("", "behave_runner.py")],
            Self::Rspec => vec![
                option("--require=", "rspec_formatter.rb"),
                "--format=progress".into(),
                "--format=TestplanFormatter".into(),
            ],
            Self::Minitest => vec![option("", "minitest_runner.rb")],
            Self::Prove => vec![option("", "prove_runner.pl")],
            Self::Bats => vec!["--formatter".into(), option("", "bats_formatter.sh")],
            Self::Ava => vec![option("", "ava_runner.mjs")],
            Self::ExUnit => vec![option("", "exunit_runner.exs")],
            Self::Libtest => {
                let mut config = OsString::from("--config=target.'cfg(all())'.runner=['sh','");
                config.push(folder.join("libtest_runner.sh"));
                config.push("']");
                vec![config]
            }
            Self::Phpunit => vec![
                option("--include-path=", ""),
                "--printer=TestplanPrinter".into(),
            ],
        }
    }

    /// Whether the reporter runs the tests of [`SELECTION`] only.
    pub fn selects(self) -> bool {
        !matches!(self, Self::Jest | Self::NodeTest)
    }
}
