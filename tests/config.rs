//! `testplan.yml` from outside: good files, marked mistakes, hostile texts, the schema.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; the lint's exception does not reach helpers here"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use proptest::prelude::*;
use testplan::{
    config::plan_file::{self, PlanFile, TestSource},
    runner::settings::{ExitCodes, ResultsFormat},
};

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/config")
        .join(folder)
}

/// Each `*.yml` of a folder with its name and text, in order.
fn yml(folder: &str) -> Vec<(PathBuf, String, String)> {
    let mut files: Vec<_> = fs::read_dir(fixtures(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no files in {folder}");
    files
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(&path).unwrap();
            (path, name, text)
        })
        .collect()
}

fn rendered(name: &str, text: &str) -> String {
    match PlanFile::parse(name, text) {
        Ok(file) => panic!("{name} has no mistake: {file:?}"),
        Err(error) => error.render(false) + "\n",
    }
}

#[test]
fn marks_the_mistakes_of_bad_files() {
    for (path, name, text) in yml("bad") {
        let expected = fs::read_to_string(path.with_extension("txt")).unwrap_or_default();
        assert_eq!(
            rendered(&name, &text),
            expected,
            "{name}; if it is better now: cargo test --test config -- --ignored regenerate_expected"
        );
    }
}

#[test]
#[ignore = "writes the expected errors of tests/fixtures/config/bad"]
fn regenerate_expected() {
    for (path, name, text) in yml("bad") {
        testplan::fs::write_atomic(
            &path.with_extension("txt"),
            rendered(&name, &text).as_bytes(),
        )
        .unwrap();
    }
}
