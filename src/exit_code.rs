//! The exit codes that the README promises, and the words that go with them.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};

/// What a command came to. The same words are exit code, output `conclusion` and title of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// 0: complete, nothing failed.
    Passed,
    /// 1: complete, at least one test failed; the report can be trusted.
    Failed,
    /// 2: bad flag, input or file.
    Usage,
    /// 3: service unreachable, refused, 5xx, or executions that could not run.
    Infrastructure,
    /// 4: template not found, no test planned or fitting, or all tests skipped.
    NothingToRun,
    /// 5: deadline reached, or executions without a counted result.
    Incomplete,
    /// 70: a panic or a broken invariant of ours.
    Bug,
    /// 130: stopped by SIGINT.
    Interrupted,
    /// 143: stopped by SIGTERM.
    Terminated,
}

impl Conclusion {
    /// All of them, in order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Passed,
        Self::Failed,
        Self::Usage,
        Self::Infrastructure,
        Self::NothingToRun,
        Self::Incomplete,
        Self::Bug,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Infrastructure => 3,
            Self::NothingToRun => 4,
            Self::Incomplete => 5,
            Self::Bug => 70,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Infrastructure => "infrastructure",
            Self::NothingToRun => "nothing-to-run",
            Self::Incomplete => "incomplete",
            Self::Bug => "bug",
            Self::Interrupted | Self::Terminated => "cancelled",
        }
    }

    /// One sentence for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Passed => "complete, nothing failed",
            Self::Failed => "complete, at least one test failed; the report can be trusted",
            Self::Usage => "bad flag, input or file",
            Self::Infrastructure => {
                "service unreachable or refusing, or executions that could not run"
            }
            Self::NothingToRun => {
                "template not found, no test planned or fitting, or all tests skipped"
            }
            Self::Incomplete => "deadline reached, or executions without a counted result",
            Self::Bug => "a panic or a broken invariant of testplan",
            Self::Interrupted => "stopped by SIGINT",
            Self::Terminated => "stopped by SIGTERM",
        }
    }
}

impl From<Conclusion> for ExitCode {
    fn from(conclusion: Conclusion) -> Self {
        Self::from(conclusion.code())
    }
}
