//! What uploaded files say of tests: the cases of result files, brought to suite, test case and one verdict each.

use std::{collections::BTreeMap, path::Path};

use super::{super::request::shortened, zipped};
use crate::{
    attribution::{self, Sum},
    model::{CaseResult, Test, TestResult, record::MAX_CASES},
    result_file::{self, ResultFile, Scenarios},
    store::ReportedTest,
};

/// What is made of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A result file.
    Xml,
    /// A zipped results folder.
    Zip,
    /// Kept and not read.
    Other,
}

/// The content types that Test Center takes, by what they may hold.
const XML: [&str; 2] = ["application/xml", "text/xml"];
const ZIP: [&str; 2] = ["application/zip", "application/x-zip-compressed"];
const OTHER: [&str; 3] = [
    "application/javascript",
    "application/x-javascript",
    "text/javascript",
];
/// A zip, or Coco's files: the name decides.
const EITHER: &str = "application/octet-stream";

impl Content {
    /// By the type that a part declares; the error is a sentence for whoever sent it.
    pub(super) fn of(declared: Option<&str>, name: &str) -> Result<Self, String> {
        let declared = declared.unwrap_or(EITHER);
        let ends_with = |extensions: &[&str]| {
            name.rsplit_once('.').is_some_and(|(_, end)| {
                extensions
                    .iter()
                    .any(|extension| end.eq_ignore_ascii_case(extension))
            })
        };
        if XML.contains(&declared) {
            return Ok(Self::Xml);
        }
        if ZIP.contains(&declared) || declared == EITHER && ends_with(&["zip"]) {
            return Ok(Self::Zip);
        }
        if OTHER.contains(&declared) || declared == EITHER && ends_with(&["csmes", "csexe"]) {
            return Ok(Self::Other);
        }
        Err(format!(
            "the file {:?} is declared as {declared}: expected {}, {}, {}, or {EITHER} for .zip, .csmes and .csexe",
            shortened(name),
            XML.join(", "),
            ZIP.join(", "),
            OTHER.join(", ")
        ))
    }
}

/// What the files of an import say, gathered.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// How many cases there were.
    pub(super) cases: u64,
    /// What some of them said of tests for which there was no room.
    left_out: u64,
    /// How many of them said nothing of any test, because their files have too many.
    not_kept: u64,
    tests: BTreeMap<Test, TestResult>,
}

/// Most tests that one import tells of; what comes later is told and counts for nothing.
const MOST_TESTS: usize = 50_000;

impl Gathered {
    /// Reads one file; gives sentences about what in it could not be read.
    pub(super) fn read(&mut self, path: &Path, content: Content) -> Result<Vec<String>, String> {
        let before = (self.not_kept, self.left_out);
        let mut notes = self.read_any(path, content)?;
        if self.not_kept > before.0 {
            notes.push(format!(
                "of one result file {MAX_CASES} cases decide the verdicts of tests, failures first; {} more are counted \
                 and decide nothing; upload it in several files",
                self.not_kept - before.0
            ));
        }
        if self.left_out > before.1 {
            notes.push(format!(
                "an upload speaks for at most {MOST_TESTS} tests, and there are more here: the rest is kept and not \
                 counted; upload its files one by one"
            ));
        }
        Ok(notes)
    }

    fn read_any(&mut self, path: &Path, content: Content) -> Result<Vec<String>, String> {
        match content {
            Content::Other => Ok(Vec::new()),
            Content::Zip => zipped::read(path, |file| self.take_file(file)),
            Content::Xml => {
                // A test of ours is a test case, not a scenario.
                let file = result_file::read_path(path, Scenarios::Together).map_err(|error| {
                    let line = error
                        .line
                        .map_or_else(String::new, |line| format!("line {line}: "));
                    format!("{line}{}", error.message)
                })?;
                self.take_file(file);
                Ok(Vec::new())
            }
        }
    }

    fn take_file(&mut self, file: ResultFile) {
        let not_kept = file.not_kept().total();
        self.cases += not_kept;
        self.not_kept += not_kept;
        self.take(file.cases);
    }

    /// A case that was selected speaks for the test of its group and name. The group of a BDD scenario is
    /// `suite.testcase`: scenarios speak together for that test.
    fn take(&mut self, cases: Vec<CaseResult>) {
        self.cases += cases.len() as u64;
        for case in attribution::selected(cases) {
            let result = result(&case);
            if let Some((suite, testcase)) = case.classname.rsplit_once('.') {
                let test = Test {
                    suite: suite.to_owned(),
                    testcase: testcase.to_owned(),
                };
                self.add(test, result);
            }
            let test = Test {
                suite: case.classname,
                testcase: case.name,
            };
            self.add(test, result);
        }
    }

    fn add(&mut self, test: Test, result: TestResult) {
        if self.tests.len() >= MOST_TESTS && !self.tests.contains_key(&test) {
            self.left_out += 1;
            return;
        }
        self.tests
            .entry(test)
            .and_modify(|sum| *sum = both(*sum, result))
            .or_insert(result);
    }

    /// One result per test.
    pub(super) fn into_tests(self) -> Vec<ReportedTest> {
        let tests = self.tests.into_iter();
        tests
            .map(|(test, result)| ReportedTest { test, result })
            .collect()
    }
}

fn result(case: &CaseResult) -> TestResult {
    let sum = Sum::of(&case.verdict);
    TestResult {
        verdict: sum.verdict,
        duration_ms: case.duration_ms.unwrap_or(0),
        flaky: sum.flaky,
    }
}

/// What two results of one test come to, as the cases of a run do.
fn both(one: TestResult, other: TestResult) -> TestResult {
    let sum = |result: TestResult| Sum {
        verdict: result.verdict,
        flaky: result.flaky,
    };
    let sum = sum(one).and(sum(other));
    TestResult {
        verdict: sum.verdict,
        duration_ms: one.duration_ms.saturating_add(other.duration_ms),
        flaky: sum.flaky,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        TestVerdict,
        outcome::{CaseVerdict, Trouble},
    };

    fn case(classname: &str, name: &str, verdict: CaseVerdict) -> CaseResult {
        CaseResult {
            classname: classname.to_owned(),
            name: name.to_owned(),
            verdict,
            duration_ms: Some(5),
            file: None,
            line: None,
            output: String::new(),
            attachments: Vec::new(),
        }
    }

    #[test]
    fn scenarios_speak_together_for_their_test() {
        let mut gathered = Gathered::default();
        let passed = CaseVerdict::Passed { flaky: false };
        gathered.take(vec![
            case("suite_a", "tst_x", passed.clone()),
            case("suite_a.tst_bdd", "one", passed),
            case(
                "suite_a.tst_bdd",
                "two",
                CaseVerdict::Failed(Trouble::default()),
            ),
            case(
                "suite_a.tst_off",
                "one",
                CaseVerdict::Skipped {
                    message: "by its tags".to_owned(),
                },
            ),
        ]);
        assert_eq!(gathered.cases, 4);
        let tests: BTreeMap<String, (TestVerdict, u64)> = gathered
            .into_tests()
            .into_iter()
            .map(|it| {
                (
                    it.test.to_string(),
                    (it.result.verdict, it.result.duration_ms),
                )
            })
            .collect();
        assert_eq!(tests["suite_a / tst_x"], (TestVerdict::Passed, 5));
        assert_eq!(tests["suite_a / tst_bdd"], (TestVerdict::Failed, 10));
        assert_eq!(tests["suite_a / tst_off"], (TestVerdict::Skipped, 5));
    }

    #[test]
    fn what_there_is_no_room_for_is_told() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("results.xml");
        let mut gathered = Gathered::default();
        let mut read = |cases: std::ops::Range<usize>| {
            let cases = cases.map(|n| format!("<testcase classname=\"s\" name=\"t{n}\"/>"));
            let text = format!("<testsuite>{}</testsuite>", cases.collect::<String>());
            crate::fs::write_atomic(&path, text.as_bytes()).unwrap();
            gathered.read(&path, Content::Xml).unwrap()
        };
        let most = MAX_CASES;
        let mut notes = Vec::new();
        for file in 0..=MOST_TESTS / most {
            assert_eq!(notes, [""; 0], "{file}");
            notes = read(file * most..(file + 1) * most);
        }
        assert!(notes[0].contains("at most 50000 tests"), "{notes:?}");
        assert_eq!(read(0..most), [""; 0], "the same again needs no room");
        let notes = read(0..MAX_CASES + 1);
        assert!(
            notes[0].contains("10000 cases decide") && notes[0].contains("; 1 more"),
            "{notes:?}"
        );
        assert_eq!(gathered.tests.len(), MOST_TESTS);
    }

    #[test]
    fn takes_the_types_of_the_vendors_table_and_no_others() {
        for (declared, name, content) in [
            ("application/xml", "results.xml", Some(Content::Xml)),
            ("text/xml", "x", Some(Content::Xml)),
            ("application/zip", "r.zip", Some(Content::Zip)),
            ("application/x-zip-compressed", "r", Some(Content::Zip)),
            ("application/octet-stream", "r.ZIP", Some(Content::Zip)),
            ("application/octet-stream", "a.csmes", Some(Content::Other)),
            ("application/octet-stream", "a.csexe", Some(Content::Other)),
            ("application/octet-stream", "a.exe", None),
            ("application/javascript", "results.js", Some(Content::Other)),
            (
                "application/x-javascript",
                "results.js",
                Some(Content::Other),
            ),
            ("text/javascript", "results.js", Some(Content::Other)),
            ("image/png", "a.png", None),
            ("text/plain", "results.xml", None),
        ] {
            assert_eq!(
                Content::of(Some(declared), name).ok(),
                content,
                "{declared} {name}"
            );
        }
        assert_eq!(Content::of(None, "r.zip"), Ok(Content::Zip));
    }
}
