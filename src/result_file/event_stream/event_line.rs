//! One line of an event stream, as docs/event-stream.md describes it.

use serde::Deserialize;

/// The version that this testplan reads.
pub(super) const VERSION: u32 = 1;

/// What a line reports. Kinds that are not known here are left for later versions.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub(super) enum StreamEvent {
    RunStart {
        pid: u32,
        v: u32,
        #[serde(default)]
        tool: String,
        #[serde(default)]
        final_files: bool,
    },
    FileStart {
        pid: u32,
        file: String,
    },
    FileEnd {
        pid: u32,
        file: String,
    },
    TestStart(TestLine),
    TestEnd {
        #[serde(flatten)]
        test: TestLine,
        #[serde(flatten)]
        end: Box<TestEnd>,
    },
    Error(Box<ErrorLine>),
    RunEnd {
        pid: u32,
    },
    #[serde(other)]
    Other,
}

/// Which attempt of which test.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct TestLine {
    pub(super) pid: u32,
    pub(super) id: String,
    #[serde(default)]
    pub(super) file: String,
    pub(super) titles: Vec<String>,
    pub(super) line: Option<u32>,
    #[serde(default)]
    pub(super) project: String,
    #[serde(default = "first_attempt")]
    pub(super) attempt: u32,
}

fn first_attempt() -> u32 {
    1
}

/// How an attempt ended.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct TestEnd {
    pub(super) status: Option<EndStatus>,
    pub(super) ms: Option<f64>,
    pub(super) message: String,
    pub(super) kind: String,
    pub(super) text: String,
    pub(super) flaky: bool,
}

/// From the least to the most important: of two ends of one attempt the greater one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EndStatus {
    Passed,
    Skipped,
    Failed,
    Error,
}

/// Something outside of a test failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct ErrorLine {
    pub(super) file: String,
    pub(super) titles: Vec<String>,
    pub(super) message: String,
    pub(super) text: String,
}
