//! Result files that real tools wrote are read as the tools meant them: as many cases of each kind as the tool itself
//! printed, under the names it wrote. `fixtures/junit/README.md` tells how the files were made.

use std::{
    fs,
    path::{Path, PathBuf},
};

use testplan::{
    model::{CaseResult, outcome::CaseVerdict},
    runner::{
        results::{Results, gather},
        runner_settings::{NameMatching, Repeats, ResultsFormat},
    },
};

mod names;
mod odd;
mod verdicts;
mod writers;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/junit")
}

/// The files of a writer, read through the door that users come through.
fn read(writer: &str, files: &str) -> Vec<CaseResult> {
    let format = ResultsFormat::JUnit {
        files: files.to_owned(),
        repeats: Repeats::default(),
        names: NameMatching::default(),
    };
    match gather(&format, &fixtures().join(writer)).results {
        Results::Read(cases) => cases,
        other => panic!("{writer}: {other:?}"),
    }
}

/// How many cases of each kind there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    errors: usize,
    skipped: usize,
    /// Passed, but not at the first try; not counted as passed.
    flaky: usize,
}

impl Counts {
    fn of(cases: &[CaseResult]) -> Self {
        let mut counts = Self::default();
        for case in cases {
            *match &case.verdict {
                CaseVerdict::Passed { flaky: false } => &mut counts.passed,
                CaseVerdict::Passed { flaky: true } => &mut counts.flaky,
                CaseVerdict::Failed(_) => &mut counts.failed,
                CaseVerdict::Error(_) => &mut counts.errors,
                CaseVerdict::Skipped { .. } => &mut counts.skipped,
            } += 1;
        }
        counts
    }
}

/// What the tool itself printed.
fn printed(writer: &str) -> String {
    fs::read_to_string(fixtures().join(writer).join("printed.txt")).unwrap()
}
