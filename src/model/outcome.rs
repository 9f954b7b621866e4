//! What became of one execution.

use serde::{Deserialize, Serialize};

/// What a test said of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TestVerdict {
    /// It passed.
    Passed,
    /// It failed: a result about the product.
    Failed,
    /// It decided not to run.
    Skipped,
}

/// The result of a test that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TestResult {
    /// What it said.
    pub verdict: TestVerdict,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// It passed only after failing in the same attempt, by the word of the test tool.
    #[serde(default)]
    pub flaky: bool,
}

/// What the error of an execution begins with that ended because its plan was cancelled.
pub const CANCELLED_BY: &str = "cancelled by ";

/// What became of one execution in one attempt.
///
/// A failed test is [`Outcome::Completed`]; everything else means that the test could not run to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Outcome {
    /// The test ran. `result` is `None` where a worker of the vendor's API sent none.
    Completed {
        /// What it said.
        result: Option<TestResult>,
    },
    /// It could not run: command missing, crash, time limit, unreadable results.
    ExecutionError {
        /// One line.
        message: String,
        /// The rest, possibly empty.
        details: String,
    },
    /// The lease ended while it ran; the service gives the execution to another worker.
    LeaseLost,
    /// Its worker was stopped and released the lease.
    Cancelled,
}

impl Outcome {
    /// Who cancelled its plan and why, if that ended it.
    pub fn cancelled(&self) -> Option<&str> {
        match self {
            Self::ExecutionError { message, .. } if message.starts_with(CANCELLED_BY) => {
                Some(message)
            }
            _ => None,
        }
    }
}

/// What was wrong with the allocated Squish server: a fault of the machine, not of the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServerTrouble {
    /// No connection to its address: the execution did not begin.
    Unreachable,
    /// The execution reached its time limit on it: it may hang, or the test does.
    Hung,
}

impl ServerTrouble {
    /// The word for it, on the wire and for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Hung => "hung",
        }
    }

    /// The trouble of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Unreachable, Self::Hung]
            .into_iter()
            .find(|trouble| trouble.word() == word)
    }
}

/// One test case of a result file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseResult {
    /// Group, as JUnit's `classname`.
    pub classname: String,
    /// Name.
    pub name: String,
    /// What it said, with the words of the tool where it did not pass.
    #[serde(flatten)]
    pub verdict: CaseVerdict,
    /// How long it took, in milliseconds, where the file says.
    pub duration_ms: Option<u64>,
    /// Source file, where the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What the tool captured of the case's output, cut to a bound.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
    /// Files that belong to it, as screenshots and logs: below the results folder as a result file names them, relative
    /// to the `--out` folder once they are in a record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<String>,
}

/// Begins the text of an earlier try that did not pass: in the output of a case that passed in the end, and in the text of one
/// that did not.
pub const EARLIER_TRY: &str = "Earlier try: ";

/// What a result file says of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum CaseVerdict {
    /// It passed.
    Passed {
        /// It failed before in the same run of the tool (`flakyFailure`).
        #[serde(default)]
        flaky: bool,
    },
    /// An assertion failed.
    Failed(Trouble),
    /// It broke: exception, crash, set-up failure.
    Error(Trouble),
    /// It was not run.
    Skipped {
        /// Why, possibly empty.
        #[serde(default)]
        message: String,
    },
}

impl CaseVerdict {
    /// Whether it counts against the test: it failed, or broke.
    pub fn is_failure(&self) -> bool {
        self.trouble().is_some()
    }

    /// What the tool says about it, if it failed or broke.
    pub fn trouble(&self) -> Option<&Trouble> {
        match self {
            Self::Failed(trouble) | Self::Error(trouble) => Some(trouble),
            Self::Passed { .. } | Self::Skipped { .. } => None,
        }
    }
}

/// The words of a tool about a case that did not pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// One line.
    pub message: String,
    /// Kind, as an exception's class; possibly empty.
    #[serde(default)]
    pub kind: String,
    /// The full text, cut to a bound.
    #[serde(default)]
    pub text: String,
    /// The file marks the case as skipped too: the tool expects this failure, if its exit code says passed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_expected: bool,
}

impl Trouble {
    /// Its first line, if it says anything.
    pub(crate) fn first_line(&self) -> Option<&str> {
        [&self.message, &self.text, &self.kind]
            .into_iter()
            .find_map(|text| text.lines().find(|line| !line.trim().is_empty()))
    }
}
