//! One result per test from the cases of uploaded files.

use std::{
    collections::BTreeMap,
    io::{BufReader, Read, Seek},
};

use super::{upload_kind::FileKind, zipped};
use crate::{
    attribution::{self, CombinedVerdict},
    model::{CaseResult, Test, TestResult, record::MAX_CASES},
    result_file::{self, ResultFile, Scenarios},
    store::ReportedTest,
};

/// The results of the tests that the files of an import name.
#[derive(Debug, Default)]
pub(super) struct ReportedTests {
    /// How many cases the files have.
    pub(super) cases: u64,
    /// How many of them belong to tests beyond [`MAX_TESTS`].
    left_out: u64,
    /// How many of them decide no verdict, because their file has too many cases.
    not_kept: u64,
    tests: BTreeMap<Test, SummedCases>,
}

/// The cases of one test.
#[derive(Clone, Copy, Debug)]
struct SummedCases {
    sum: CombinedVerdict,
    duration_ms: u64,
}

/// Most tests of one import; later ones are noted and do not count.
const MAX_TESTS: usize = 50_000;

impl ReportedTests {
    /// Reads one file; returns sentences about what could not be read.
    pub(super) fn read(
        &mut self,
        file: impl Read + Seek,
        kind: FileKind,
    ) -> Result<Vec<String>, String> {
        let before = (self.not_kept, self.left_out);
        let mut notes = self.read_any(file, kind)?;
        if self.not_kept > before.0 {
            notes.push(format!(
                "a result file has too many cases: {MAX_CASES} of them, failures first, decide the verdicts of tests; \
                 {} more are only counted; split the file and upload the parts",
                self.not_kept - before.0
            ));
        }
        if self.left_out > before.1 {
            notes.push(format!(
                "an upload has results for at most {MAX_TESTS} tests, and this one has more: the other results do not \
                 count; upload the files one by one"
            ));
        }
        Ok(notes)
    }

    fn read_any(&mut self, file: impl Read + Seek, kind: FileKind) -> Result<Vec<String>, String> {
        match kind {
            FileKind::Other => Ok(Vec::new()),
            FileKind::Zip => zipped::read(file, |file| self.take_file(file)),
            FileKind::Xml => {
                // A planned test is a test case, not a scenario.
                let source = BufReader::with_capacity(64 * 1024, file);
                let file = result_file::read("", source, Scenarios::Together).map_err(|error| {
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

    /// Adds the selected cases. A case belongs to the test of its class name and name. A BDD scenario has the class name
    /// `suite.testcase`: all scenarios together are the result of that test.
    fn take(&mut self, cases: Vec<CaseResult>) {
        self.cases += cases.len() as u64;
        for case in attribution::without_unselected(cases) {
            let summed = SummedCases {
                sum: CombinedVerdict::of(&case.verdict),
                duration_ms: case.duration_ms.unwrap_or(0),
            };
            if let Some((suite, testcase)) = case.classname.rsplit_once('.') {
                let test = Test {
                    suite: suite.to_owned(),
                    testcase: testcase.to_owned(),
                };
                self.add(test, summed);
            }
            let test = Test {
                suite: case.classname,
                testcase: case.name,
            };
            self.add(test, summed);
        }
    }

    fn add(&mut self, test: Test, new: SummedCases) {
        if self.tests.len() >= MAX_TESTS && !self.tests.contains_key(&test) {
            self.left_out += 1;
            return;
        }
        self.tests
            .entry(test)
            .and_modify(|cases| {
                cases.sum = cases.sum.and(new.sum);
                cases.duration_ms = cases.duration_ms.saturating_add(new.duration_ms);
            })
            .or_insert(new);
    }

    /// One result per test.
    pub(super) fn into_tests(self) -> Vec<ReportedTest> {
        let tests = self.tests.into_iter();
        tests
            .map(|(test, cases)| ReportedTest {
                test,
                result: TestResult {
                    verdict: cases.sum.verdict,
                    duration_ms: cases.duration_ms,
                    flaky: cases.sum.flaky,
                },
            })
            .collect()
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
    fn scenarios_of_a_test_make_one_result() {
        let mut reported = ReportedTests::default();
        let passed = CaseVerdict::Passed { flaky: false };
        reported.take(vec![
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
        assert_eq!(reported.cases, 4);
        let tests: BTreeMap<String, (TestVerdict, u64)> = reported
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
    fn cases_and_tests_beyond_the_limits_are_noted() {
        let mut reported = ReportedTests::default();
        let mut read = |cases: std::ops::Range<usize>| {
            let cases = cases.map(|n| format!("<testcase classname=\"s\" name=\"t{n}\"/>"));
            let text = format!("<testsuite>{}</testsuite>", cases.collect::<String>());
            let file = std::io::Cursor::new(text);
            reported.read(file, FileKind::Xml).unwrap()
        };
        let most = MAX_CASES;
        let mut notes = Vec::new();
        for file in 0..=MAX_TESTS / most {
            assert_eq!(notes, [""; 0], "{file}");
            notes = read(file * most..(file + 1) * most);
        }
        assert!(notes[0].contains("at most 50000 tests"), "{notes:?}");
        assert_eq!(read(0..most), [""; 0], "the same tests again need no room");
        let notes = read(0..MAX_CASES + 1);
        assert!(
            notes[0].contains("10000 of them") && notes[0].contains("; 1 more"),
            "{notes:?}"
        );
        assert_eq!(reported.tests.len(), MAX_TESTS);
    }
}
