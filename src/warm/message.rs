//! The messages between testplan and a warm process: one JSON object a line, as docs/session-protocol.md describes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a process sends. Kinds that are not known here are left for later versions.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub(crate) enum FromProcess {
    /// A file that could not be collected.
    Broken(FileNote),
    /// A file that was skipped as a whole.
    SkippedFile(FileNote),
    /// The tests are collected.
    Hello(Hello),
    /// A part of the names that were asked for, in the tool's order.
    Names { names: Vec<String>, more: bool },
    /// Asks for the next test; in a teardown the process waits with the last one not answered yet.
    Next {
        #[serde(default)]
        teardown: bool,
        /// The last test has failed already.
        #[serde(default)]
        failed: bool,
    },
    /// A test begins.
    Started { n: u64 },
    /// The process has no test of this name.
    Unknown { n: u64 },
    /// A test ended.
    Result(Box<ResultMessage>),
    /// The last message: what the tool will end with.
    Bye { exit: Option<i32> },
    /// Anything else.
    #[serde(other)]
    Other,
}

/// Something about a file that has no tests to run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FileNote {
    /// The file.
    pub file: String,
    /// The tool's words.
    #[serde(default)]
    pub text: String,
}

/// What a process has collected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Hello {
    /// Name and version of the tool.
    pub(crate) tool: String,
    /// How many tests there are.
    pub(crate) tests: u64,
    /// Digest of their names in order.
    pub(crate) hash: String,
    /// Names of several tests, at most a hundred of them.
    #[serde(default)]
    pub(crate) duplicates: Vec<String>,
    /// How many tests the project's settings left out.
    #[serde(default)]
    pub(crate) deselected: u64,
    /// Why the process cannot run tests one by one.
    #[serde(default)]
    pub(crate) obstacles: Vec<String>,
}

/// The result of one test.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct ResultMessage {
    pub(crate) n: u64,
    /// The phases of the last attempt.
    pub(crate) phases: Vec<PhaseReport>,
    /// Its subtests, if it had any.
    pub(crate) subtests: Option<Subtests>,
    /// What failed in the attempts before.
    pub(crate) earlier: Vec<PhaseReport>,
    /// Captured output: title and text.
    pub(crate) sections: Vec<(String, String)>,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    /// Why the test did not come to its end.
    pub(crate) interrupted: Option<String>,
    /// Why the result file that was asked for could not be written.
    pub(crate) no_results: Option<String>,
}

/// One phase of a test.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct PhaseReport {
    /// `setup`, `call` or `teardown`.
    pub(crate) when: String,
    /// `passed`, `failed`, `skipped`; `rerun` in an earlier attempt.
    pub(crate) outcome: String,
    pub(crate) ms: f64,
    /// The reason of an expected failure.
    pub(crate) xfail: Option<String>,
    /// One line.
    pub(crate) message: String,
    /// The whole report.
    pub(crate) text: String,
}

/// The subtests of a test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Subtests {
    pub(crate) passed: u64,
    pub(crate) failed: Vec<FailedSubtest>,
}

/// A subtest that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct FailedSubtest {
    pub(crate) name: String,
    pub(crate) message: String,
    pub(crate) text: String,
}

/// What testplan sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub(crate) enum ToProcess<'a> {
    /// Run this test after those that were sent before it.
    Run {
        n: u64,
        id: &'a str,
        /// The folder for a result file, if one is wanted.
        #[serde(skip_serializing_if = "Option::is_none")]
        results: Option<&'a str>,
    },
    /// There is no test now: end the test that waits in its teardown as if it were the last one.
    None,
    /// Send the names of all tests.
    Names,
    /// Set these variables of the environment, before the next test.
    Variables { set: BTreeMap<&'a str, &'a str> },
    /// Nothing more comes.
    End,
}

impl ToProcess<'_> {
    /// The line for it.
    pub(crate) fn line(&self) -> Vec<u8> {
        // Texts and numbers alone: cannot fail.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_unknown_kinds_are_tolerated() {
        let read = |text: &str| serde_json::from_str::<FromProcess>(text).ok();
        assert_eq!(
            read(r#"{"t":"started","n":7,"new":[1]}"#),
            Some(FromProcess::Started { n: 7 })
        );
        assert_eq!(read(r#"{"t":"later","x":{}}"#), Some(FromProcess::Other));
        assert_eq!(
            read(r#"{"t":"next"}"#),
            Some(FromProcess::Next {
                teardown: false,
                failed: false
            })
        );
        assert!(read("{\"t\":\"started\"}").is_none());
        assert!(read("Traceback (most recent call last):").is_none());
    }

    #[test]
    fn result_has_defaults_for_what_is_left_out() {
        let text = r#"{"t":"result","n":3,"phases":[{"when":"call","outcome":"passed","ms":1.5}]}"#;
        let Ok(FromProcess::Result(result)) = serde_json::from_str(text) else {
            panic!("no result");
        };
        assert_eq!((result.n, result.phases.len()), (3, 1));
        assert_eq!(result.subtests, None);
    }

    #[test]
    fn names_are_escaped_on_the_wire() {
        let run = ToProcess::Run {
            n: 1,
            id: "t.py::test[a\nb \"é\"]",
            results: None,
        };
        let expected = "{\"t\":\"run\",\"n\":1,\"id\":\"t.py::test[a\\nb \\\"é\\\"]\"}\n";
        assert_eq!(String::from_utf8(run.line()).unwrap(), expected);
        assert_eq!(ToProcess::End.line(), b"{\"t\":\"end\"}\n");
    }
}
