//! junit.xml is about as large as the result files that it was made of.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use testplan::{
    model::{CaseResult, outcome::CaseVerdict},
    report::junit::{Profile, render},
    runner::{
        results::{Results, gather},
        runner_settings::{NameMatching, Repeats, ResultsFormat},
    },
};

use crate::report::story::{Worker, case_passed, failed, passed, report};

/// The frame of a file: declaration, root, one suite with what it says of the plan, and where its execution ran.
const FRAME: u64 = 450;

/// The JUnit of a plan with one execution that has these cases.
fn junit(cases: Vec<CaseResult>) -> Vec<u8> {
    let troubled =
        |case: &CaseResult| matches!(case.verdict, CaseVerdict::Failed(_) | CaseVerdict::Error(_));
    let outcome = if cases.iter().any(troubled) {
        failed()
    } else {
        passed()
    };
    let worker = Worker::begins("runner-7", &["OS=Linux"], 1)
        .takes(1, Some(1))
        .ends_with(1, outcome, cases, "")
        .counted(1)
        .leaves();
    render(&report(&[worker]), Profile::Default).unwrap()
}

fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let path = entry.path();
            if path.is_dir() {
                size_of(&path)
            } else if path.extension().is_some_and(|it| it == "xml") {
                entry.metadata().unwrap().len()
            } else {
                0
            }
        })
        .sum()
}

#[test]
fn junit_of_every_corpus_is_at_most_one_and_a_half_times_its_input() {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/junit");
    let format = ResultsFormat::JUnit {
        files: "**/*.xml".to_owned(),
        repeats: Repeats::default(),
        names: NameMatching::default(),
    };
    let (mut table, mut wrong, mut sums) = (String::new(), Vec::new(), (0, 0));
    for entry in fs::read_dir(fixtures).unwrap() {
        let folder = entry.unwrap().path();
        // The odd ones are no tool's files.
        if !folder.is_dir() || folder.ends_with("odd") {
            continue;
        }
        let writer = folder.file_name().unwrap().display().to_string();
        let cases = match gather(&format, &folder).results {
            Results::Read(cases) | Results::Unreadable { cases, .. } => cases,
            other => panic!("{writer}: {other:?}"),
        };
        let (before, after) = (size_of(&folder), junit(cases).len() as u64);
        sums = (sums.0 + before, sums.1 + after);
        writeln!(table, "{writer}: {before} bytes became {after}").unwrap();
        if 2 * after > 3 * before + 2 * FRAME {
            wrong.push(writer);
        }
    }
    assert!(wrong.is_empty(), "{}:\n{table}", wrong.join(", "));
    assert!(2 * sums.1 <= 3 * sums.0, "{sums:?}:\n{table}");
    println!("{sums:?}:\n{table}");
}

#[test]
fn junit_of_5000_plain_cases_is_at_most_one_and_a_half_times_its_input() {
    let mut input = String::from("<testsuite name=\"pytest\" tests=\"5000\">\n");
    let mut cases = Vec::new();
    for index in 0..5_000 {
        let (classname, name) = ("tests.test_api".to_owned(), format!("test_{index:04}"));
        writeln!(
            input,
            "<testcase classname=\"{classname}\" name=\"{name}\" time=\"1.500\"/>"
        )
        .unwrap();
        cases.push(case_passed(&classname, &name));
    }
    input.push_str("</testsuite>\n");
    let output = junit(cases);
    let (before, after) = (input.len(), output.len());
    assert!(2 * after <= 3 * before, "{before} bytes became {after}");
}
