//! What real tools leave behind where their exit code or result files mislead, and the verdict that each must get.
//! `fixtures/verdicts/make.sh` made the files; each row of [`table`] is one of its cases.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    time::Duration,
};

use testplan::{
    model::{Outcome, Test, TestResult, TestVerdict},
    runner::{
        decision::DecidedOutcome,
        placeholders::PlaceholderText,
        process_end::ProcessEnd,
        runner_settings::{
            CommandSettings, ExitCodes, NameMatching, Repeats, ResultsFormat, RunnerSettings, Tool,
        },
    },
};

#[path = "verdicts/table.rs"]
mod table;

use table::{Kind, Row};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/verdicts")
}

/// How the tool ended: the first line of `ended.txt`.
fn ending(row: &Row) -> ProcessEnd {
    let path = folder().join(row.case).join("ended.txt");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", row.case));
    let mut lines = text.lines();
    let (how, number) = lines.next().unwrap().split_once(' ').unwrap();
    let (command, version) = (lines.next().unwrap(), lines.next().unwrap());
    assert!(command.starts_with("$ "), "{}: {command}", row.case);
    assert!(!version.is_empty(), "{}", row.case);
    let number = number.parse().unwrap();
    match how {
        "exit" => ProcessEnd::Exited(number),
        "signal" => ProcessEnd::Signalled(number),
        other => panic!("{}: {other}", row.case),
    }
}

/// The runner as a user would set it up for the tool.
fn runner(row: &Row) -> RunnerSettings {
    let mut exit_codes = ExitCodes {
        passed: [0].into(),
        failed: [1].into(),
        counts_failures: false,
    };
    let (mut repeats, mut names) = (Repeats::default(), NameMatching::default());
    let settings: Vec<&str> = row.settings.split_whitespace().collect();
    match settings.as_slice() {
        [] => {}
        ["attempts"] => repeats = Repeats::Attempts,
        ["any"] => names = NameMatching::Any,
        ["count"] => {
            exit_codes.failed.add(1..=255);
            exit_codes.counts_failures = true;
        }
        ["failed", codes @ ..] => {
            exit_codes.failed = [].into();
            for code in codes {
                let code = code.parse().unwrap();
                exit_codes.failed.add(code..=code);
            }
        }
        other => panic!("{}: {other:?}", row.case),
    }
    RunnerSettings {
        tool: Tool::Command(CommandSettings {
            warm: None,
            batch: None,
            command: vec![PlaceholderText::parse("tool").unwrap()],
            results: ResultsFormat::JUnit {
                files: "**/*.xml".to_owned(),
                repeats,
                names,
            },
            exit_codes,
        }),
        timeout: None,
        environment: BTreeMap::new(),
        working_directory: None,
    }
}

/// Through the door that a run comes through.
fn decision(row: &Row) -> DecidedOutcome {
    let runner = runner(row);
    let results = runner.tool.read_results(&folder().join(row.case));
    let test = Test {
        suite: row.suite.to_owned(),
        testcase: row.testcase.to_owned(),
    };
    runner
        .tool
        .decide(&test, ending(row), Duration::ZERO, results.results)
}

/// As the table writes it: `passed`, `passed+flaky`, `failed`, `skipped`, `could-not-run`, with the number of cases
/// where the row has one.
fn in_words(decision: &DecidedOutcome, with_cases: bool) -> String {
    let verdict = match &decision.outcome {
        Outcome::Completed { result } => match result.as_ref().unwrap() {
            TestResult {
                verdict: TestVerdict::Passed,
                flaky: true,
                ..
            } => "passed+flaky",
            TestResult {
                verdict: TestVerdict::Passed,
                ..
            } => "passed",
            TestResult {
                verdict: TestVerdict::Failed,
                ..
            } => "failed",
            TestResult {
                verdict: TestVerdict::Skipped,
                ..
            } => "skipped",
        },
        Outcome::ExecutionError { .. } => "could-not-run",
        other => panic!("{other:?}"),
    };
    match decision.cases.len() {
        _ if !with_cases => verdict.to_owned(),
        1 => format!("{verdict}, 1 case"),
        cases => format!("{verdict}, {cases} cases"),
    }
}

#[test]
fn each_case_gets_its_verdict() {
    let mut wrong = Vec::new();
    for row in table::rows() {
        let decision = decision(&row);
        let found = in_words(&decision, row.right.contains(", "));
        if found != row.right {
            wrong.push(format!(
                "{} {} {}: {found}, expected {} {}\n    {:?}",
                row.case, row.testcase, row.settings, row.right, row.why, decision.outcome
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} rows:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Guards were right before the rules of this table, and stay; a row that counts had another value.
#[test]
fn sixty_rows_had_a_wrong_value_before() {
    let mut changed = 0;
    for row in table::rows() {
        if let Kind::Was(before) = row.kind {
            assert_ne!(before, row.right, "{} is a guard", row.case);
            changed += 1;
        } else if row.kind == Kind::Limit {
            assert!(!row.why.is_empty(), "{} does not say why", row.case);
        }
    }
    assert!(changed >= 60, "only {changed} rows");
}

#[test]
fn every_case_has_its_row() {
    let mut cases = BTreeSet::new();
    for tool in fs::read_dir(folder()).unwrap() {
        let tool = tool.unwrap();
        if !tool.path().is_dir() {
            continue;
        }
        for case in fs::read_dir(tool.path()).unwrap() {
            let case = case.unwrap();
            if case.path().join("ended.txt").is_file() {
                let (tool, case) = (tool.file_name(), case.file_name());
                cases.insert(format!("{}/{}", tool.display(), case.display()));
            }
        }
    }
    let rows: BTreeSet<String> = table::rows().map(|row| row.case.to_owned()).collect();
    assert_eq!(cases, rows);
}
