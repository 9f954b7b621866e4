//! One row per writer: what it printed, and the cases that must be read from its files.

use std::{collections::BTreeSet, fs};

use super::{Counts, fixtures, printed, read};

#[path = "writers/versions.rs"]
mod versions;

/// A writer. The counts follow from what it printed; `aside` says how where it is not plain.
struct Row {
    writer: &'static str,
    files: &'static str,
    /// What it printed, at the end of its lines.
    says: &'static [&'static str],
    counts: Counts,
    /// It says failed for errors too, or the other way round: their sum is compared.
    lumps: bool,
    aside: &'static str,
}

/// Passed, failed, errors, skipped, flaky.
const fn counts(
    passed: usize,
    failed: usize,
    errors: usize,
    skipped: usize,
    flaky: usize,
) -> Counts {
    Counts {
        passed,
        failed,
        errors,
        skipped,
        flaky,
    }
}

const fn row(
    writer: &'static str,
    says: &'static [&'static str],
    counts: Counts,
    aside: &'static str,
) -> Row {
    Row {
        writer,
        files: "*.xml",
        says,
        counts,
        lumps: false,
        aside,
    }
}

impl Row {
    const fn lumping(mut self) -> Self {
        self.lumps = true;
        self
    }

    const fn files(mut self, files: &'static str) -> Self {
        self.files = files;
        self
    }
}

const ROWS: &[Row] = &[
    row(
        "ant-junit",
        &[
            "Tests run: 11, Failures: 1, Errors: 0, Skipped: 0",
            "Tests run: 7, Failures: 2, Errors: 2, Skipped: 2",
            "Tests run: 0, Failures: 0, Errors: 1, Skipped: 0",
        ],
        counts((11 - 1) + (7 - 6), 1 + 2, 2 + 1, 2, 0),
        "",
    ),
    row(
        "bats",
        &["1..9", "4 ok", "3 not ok", "2 # skip"],
        counts(4, 3, 0, 2, 0),
        "",
    ),
    row(
        "behave",
        &["5 scenarios passed, 2 failed, 4 error, 2 skipped"],
        counts(5, 2, 4, 2, 0),
        "",
    ),
    row(
        "boost-test",
        &[
            "11 test cases out of 18 passed",
            "5 test cases out of 18 failed",
            "2 test cases out of 18 skipped",
            "2 test cases out of 18 aborted",
            "1 expected failure",
        ],
        counts(11 - 1, 5 - 2 + 1, 2, 2, 0),
        "What aborted is an error; a failure that was expected counts as passed, and is written as a failure.",
    ),
    row(
        "bun",
        &["13 pass", "1 skip", "1 todo", "2 fail"],
        counts(13, 2, 0, 1 + 1, 0),
        "",
    ),
    row(
        "catch2",
        &["test cases: 12 | 6 passed | 4 failed | 2 failed as expected"],
        counts(6 - 1 + 2, 4 - 1, 1, 2, 0),
        "A test that threw is an error, one that may fail is marked as skipped, one that checks nothing is not there, \
         and each section is a case.",
    ),
    row(
        "cpputest",
        &["Errors (5 failures, 6 tests, 5 ran, 7 checks, 1 ignored, 0 filtered out)"],
        counts(1, 5 - 1, 0, 1, 0),
        "One test failed twice.",
    ),
    row(
        "criterion",
        &["Synthesis: Tested: 6 | Passing: 1 | Failing: 5 | Crashing: 1"],
        counts(1, 5, 0, 2, 0),
        "What crashed or hung counts as failing, and is written as an error.",
    )
    .lumping(),
    row(
        "ctest",
        &[
            "47% tests passed, 8 tests failed out of 15",
            "1 (Disabled)",
            "2 (Failed)",
            "4 (Not Run)",
            "1 (SEGFAULT)",
            "1 (Skipped)",
            "1 (Timeout)",
        ],
        counts(15 - 8 - 1, 2 + 1 + 1, 4, 1 + 1, 0),
        "What could not be run failed, though the file has it as skipped; the disabled one is none of the 15.",
    ),
    row(
        "cucumber-js",
        &["11 scenarios (2 failed, 1 ambiguous, 1 undefined, 1 pending, 1 skipped, 5 passed)"],
        counts(5, 2 + 1 + 1 + 1, 0, 1, 0),
        "",
    ),
    row(
        "deno",
        &["FAILED | 12 passed (1 step) | 3 failed (2 steps) | 1 ignored"],
        counts(12 + 1, 3 - 1 + 2, 0, 1, 0),
        "Each step is a case; a file that cannot be loaded is not there at all.",
    ),
    row(
        "doctest",
        &["test cases: 12 | 7 passed | 5 failed | 1 skipped"],
        counts(7 - 2 + 1, 5 - 2 + 2, 2, 0, 0),
        "What threw is an error; what may or should fail is written as a failure, each sub-case as a case.",
    ),
    row(
        "eunit",
        &["Failed: 4.  Skipped: 0.  Passed: 8.", "One or more tests were cancelled."],
        counts(8, 0, 4, 1, 0),
        "All failures are written as errors, what was cancelled as skipped.",
    ),
    row(
        "googletest",
        &[
            "PASSED  ] 8 tests.",
            "SKIPPED ] 2 tests",
            "FAILED  ] 4 tests",
            "1 FAILED TEST SUITE",
            "YOU HAVE 1 DISABLED TEST",
        ],
        counts(8, 4, 0, 2 + 1, 0),
        "A suite that could not be set up is not in the file.",
    ),
    row(
        "gotestsum",
        &["DONE 21 tests, 1 skipped, 5 failures, 1 error"],
        counts(21 - 1 - 5, 5, 1, 1, 0),
        "The package that does not build is a count alone.",
    )
    .files("report.xml"),
    row(
        "gotestsum",
        &["DONE 3 runs, 26 tests, 1 skipped, 10 failures"],
        counts(26 - 1 - 10, 10, 0, 1, 0),
        "Each rerun is a case of its own to the tool.",
    )
    .files("reruns.xml"),
    row(
        "gradle",
        &["19 tests completed, 6 failed, 2 skipped"],
        counts(19 - 6 - 2, 6, 0, 2, 0),
        "",
    ),
    row(
        "jest-junit",
        &[
            "Test Suites: 2 failed, 2 total",
            "Tests:       4 failed, 1 skipped, 1 todo, 14 passed, 20 total",
        ],
        counts(14 + 1, 4 + 1, 1, 1, 0),
        "A todo is written as passed; a suite that cannot be loaded once as an error and once as a failure.",
    ),
    row(
        "junit-console",
        &[
            "22 tests found",
            "1 tests skipped",
            "1 tests aborted",
            "13 tests successful",
            "5 tests failed",
            "1 containers failed",
        ],
        counts(13, 5 + 2, 0, 1 + 1, 0),
        "What an exception ended is an error; the two tests of the container that failed are errors too.",
    )
    .lumping(),
    row(
        "libtest",
        &["2 passed; 2 failed; 1 ignored"],
        counts(2, 2, 0, 0, 0),
        "What was left out is not in the file.",
    ),
    row(
        "meson",
        &[
            "Ok:                4",
            "Expected Fail:     1",
            "Fail:              4",
            "Unexpected Pass:   1",
            "Skipped:           1",
            "Timeout:           1",
        ],
        counts(4 + 1 + 2, 4 + 1 + 1, 0, 1 + 1, 0),
        "A test that writes TAP is a suite of its own, here with four cases.",
    )
    .lumping(),
    row(
        "mocha-junit-reporter",
        &["16 passing", "2 pending", "4 failing"],
        counts(16, 4, 0, 2, 0),
        "",
    ),
    row(
        "mypy",
        &["Found 2 errors in 1 file (checked 2 source files)"],
        counts(0, 1, 0, 0, 0),
        "One case for each file with errors.",
    ),
    row(
        "nextest",
        &["Summary 4 tests run: 2 passed (1 flaky), 2 failed, 1 skipped"],
        counts(1, 2, 0, 0, 1),
        "What was left out is not in the file.",
    ),
    row(
        "node",
        &["tests 4", "pass 2", "fail 1", "skipped 1"],
        counts(2, 1, 0, 1, 0),
        "",
    ),
    row(
        "nose2",
        &[
            "Ran 14 tests",
            "FAILED (failures=2, errors=1, skipped=1, expected failures=1, unexpected successes=1)",
        ],
        counts(14 - 6, 2, 1, 1 + 1 + 1, 0),
        "Expected failures and unexpected successes are written as skipped.",
    ),
    row(
        "phpunit",
        &[
            "Tests: 19, Assertions: 13, Errors: 2, Failures: 2, Skipped: 2, Incomplete: 1, Risky: 1.",
        ],
        counts(19 - 8, 2, 2 + 1, 2 + 1, 0),
        "What is risky is written as an error, what is incomplete as skipped.",
    ),
    row(
        "playwright",
        &[
            "13 passed",
            "5 failed",
            "1 flaky",
            "2 skipped",
            "1 did not run",
        ],
        counts(13 + 1, 5, 0, 2 + 1, 0),
        "Without includeRetries the file does not tell a flaky case from one that passed.",
    )
    .lumping()
    .files("report.xml"),
    row(
        "playwright",
        &[
            "13 passed",
            "5 failed",
            "1 flaky",
            "2 skipped",
            "1 did not run",
        ],
        counts(13, 5, 0, 2 + 1, 1),
        "With includeRetries.",
    )
    .lumping()
    .files("retries.xml"),
    row(
        "pytest",
        &["2 failed, 4 passed, 1 skipped, 1 xfailed, 2 errors"],
        counts(4, 2, 2, 1 + 1, 0),
        "A test that failed and could not be torn down is two cases.",
    ),
    row(
        "pytest-rerunfailures",
        &["1 failed, 3 passed, 1 skipped, 1 error, 6 rerun"],
        counts(3 + 6, 1, 1, 1, 0),
        "Each rerun is written as one passed case more.",
    ),
    row(
        "pytest-xdist",
        &["2 failed, 5 passed, 1 skipped, 2 errors"],
        counts(5, 2, 2, 1, 0),
        "A crashed worker counts as failed, and is written as an error.",
    )
    .lumping(),
    row(
        "pytest-xunit1",
        &["8 failed, 17 passed, 1 skipped, 1 warning, 1 error, 2 subtests passed"],
        counts(17 - 1 - 1, 8, 1, 1, 0),
        "A test that passed and could not be torn down is one case here, and so is one with its subtests.",
    ),
    row(
        "qt-test",
        &["Totals: 9 passed, 4 failed, 1 skipped"],
        counts(9 - 4, 4, 0, 1, 0),
        "The rows of a table are one case together; a skip is a case without a result.",
    ),
    row(
        "robotframework",
        &["12 tests, 4 passed, 6 failed, 2 skipped"],
        counts(4, 6, 0, 2, 0),
        "",
    ),
    row(
        "rspec",
        &["25 examples, 6 failures, 4 pending"],
        counts(25 - 6 - 4, 6, 0, 4, 0),
        "",
    ),
    row(
        "surefire",
        &["Tests run: 21, Failures: 4, Errors: 2, Skipped: 2"],
        counts(21 - 8, 4, 2, 2, 0),
        "",
    ),
    row(
        "surefire-junit4",
        &["Tests run: 7, Failures: 1, Errors: 1, Skipped: 2, Flakes: 2"],
        counts(7 - 6, 1, 1, 2, 2),
        "",
    ),
    row(
        "tap-formatter-junit",
        &[
            "Tests: 12 Failed: 2",
            "Failed tests:  7, 12",
            "TODO passed:   11",
            "Tests: 1 Failed: 0",
            "Files=3, Tests=13",
        ],
        counts(13 - 2 - 1 + 5, 2, 1 + 2, 0, 0),
        "Start and end of each file are cases that passed, and so is what was skipped; a TODO that passed is an error, \
         and so is each file that exited with other than 0.",
    ),
    row(
        "tap-junit",
        &["tests 14", "pass  12", "fail  2"],
        counts(12 - 1 - 1, 2 + 1, 0, 1, 0),
        "The TAP counts what was skipped, and a failure that is a todo, as passed; the file does not.",
    ),
    row(
        "testng",
        &["Total tests run: 15, Failures: 4, Skips: 4"],
        counts(15 - 8, 4 + 4, 0, 0, 0),
        "A skip is written as an error, an exception too.",
    )
    .lumping(),
    row(
        "unittest-xml-reporting",
        &[
            "Ran 8 tests",
            "FAILED (failures=3, errors=2, skipped=1, expected failures=1, unexpected successes=1)",
        ],
        counts(8 - 6, 3, 2 + 1, 1 + 1, 0),
        "An unexpected success is written as an error, an expected failure as skipped; one test has two subtests that \
         failed, and a class that could not be set up is a case too.",
    ),
    row(
        "vitest",
        &[
            "Test Files  2 failed (2)",
            "Tests  3 failed | 13 passed | 1 expected fail | 2 skipped | 1 todo (20)",
        ],
        counts(13 + 1, 3 + 2, 0, 2 + 1, 0),
        "A file and a group that could not be set up are one failed case each.",
    ),
];

fn rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().chain(versions::ROWS)
}

#[test]
fn counts_are_those_that_the_tool_printed() {
    let mut wrong = Vec::new();
    for row in rows() {
        let printed = printed(row.writer);
        for said in row.says {
            assert!(
                printed.lines().any(|line| line.trim_end().contains(said)),
                "{} never printed {said:?}",
                row.writer
            );
        }
        let (mut read, mut expected) = (Counts::of(&read(row.writer, row.files)), row.counts);
        if row.lumps {
            for counts in [&mut read, &mut expected] {
                counts.failed += std::mem::take(&mut counts.errors);
            }
        }
        if read != expected {
            wrong.push(format!(
                "{}: {read:?}, expected {expected:?} {}",
                row.writer, row.aside
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A folder that no row reads would prove nothing.
#[test]
fn every_folder_has_its_row() {
    let folders: BTreeSet<String> = fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name != "odd")
        .collect();
    let rows: BTreeSet<String> = rows().map(|row| row.writer.to_owned()).collect();
    assert_eq!(folders, rows);
    assert!(rows.len() >= 56, "only {} writers", rows.len());
}

/// Nothing of the machine that ran a tool may be in its file.
#[test]
fn no_file_tells_where_it_was_made() {
    let mut folders = vec![fixtures(), fixtures().with_file_name("verdicts")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            for word in ["/work/", "/root", "/home/", "/Users/"] {
                assert!(!text.contains(word), "{} has {word}", path.display());
            }
        }
    }
}
