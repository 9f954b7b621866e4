//! A result file for one test of a call, for its upload: the call's own file also has the results of other tests, and those
//! that do not count.

use std::{fs, path::Path, time::Duration};

use quick_junit::{
    NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestRerun, TestSuite,
};

use crate::{
    fs::write_atomic,
    model::{CaseResult, outcome::CaseVerdict},
    result_file::FAILED_BEFORE,
};

/// Writes the cases of a test into its folder, and copies their attachments from that of the call.
pub(crate) fn write(folder: &Path, call: &Path, cases: &[CaseResult]) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    fs::create_dir_all(folder).map_err(failed)?;
    for attachment in cases.iter().flat_map(|case| &case.attachments) {
        let copy = folder.join(attachment);
        if let Some(parent) = copy.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        fs::copy(call.join(attachment), copy).map_err(failed)?;
    }
    let text = junit(cases).map_err(|error| error.to_string())?;
    write_atomic(&folder.join("junit.xml"), text.as_bytes()).map_err(|error| error.to_string())
}

/// The cases as JUnit. The line that our reader puts before the output of a flaky case is left out: it is added again when the
/// file is read.
fn junit(cases: &[CaseResult]) -> Result<String, SerializeError> {
    let suite = cases.first().map_or("", |case| case.classname.as_str());
    let mut suite = TestSuite::new(suite);
    suite.add_test_cases(cases.iter().map(case_element));
    let mut report = Report::new(suite.name.clone());
    report.add_test_suite(suite);
    report.to_string()
}

fn case_element(case: &CaseResult) -> TestCase {
    let mut element = TestCase::new(case.name.as_str(), status(&case.verdict));
    element.set_classname(case.classname.as_str());
    if let Some(ms) = case.duration_ms {
        element.set_time(Duration::from_millis(ms));
    }
    let line = case.line.map(|line| line.to_string());
    for (attribute, value) in [("file", case.file.as_deref()), ("line", line.as_deref())] {
        if let Some(value) = value {
            element.extra.insert(attribute.into(), value.into());
        }
    }
    let output = (case.output.strip_prefix(FAILED_BEFORE)).map_or(&*case.output, str::trim_start);
    if !output.is_empty() {
        element.set_system_out(output);
    }
    element
}

fn status(verdict: &CaseVerdict) -> TestCaseStatus {
    let (kind, trouble) = match verdict {
        CaseVerdict::Passed { flaky } => {
            let mut passed = TestCaseStatus::success();
            if *flaky {
                passed.add_rerun(TestRerun::new(NonSuccessKind::Failure));
            }
            return passed;
        }
        CaseVerdict::Skipped { message } => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(message.as_str());
            return skipped;
        }
        CaseVerdict::Failed(trouble) => (NonSuccessKind::Failure, trouble),
        CaseVerdict::Error(trouble) => (NonSuccessKind::Error, trouble),
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(trouble.message.as_str());
    status.set_type(trouble.kind.as_str());
    status.set_description(trouble.text.as_str());
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::outcome::Trouble,
        result_file::{self, Scenarios},
    };

    #[test]
    fn written_cases_are_read_as_they_were() {
        let case = |name: &str, verdict| CaseResult {
            classname: "a <b> & \"c\"".to_owned(),
            name: name.to_owned(),
            verdict,
            duration_ms: Some(1234),
            file: Some("t.py".to_owned()),
            line: Some(3),
            output: "one\ntwo <3>".to_owned(),
            attachments: Vec::new(),
        };
        let trouble = Trouble {
            message: "1 < 2".to_owned(),
            kind: "AssertionError".to_owned(),
            text: "line 1\nline 2".to_owned(),
            is_expected: false,
        };
        let flaky = CaseResult {
            output: format!("{FAILED_BEFORE}\n\none\ntwo <3>"),
            ..case("again", CaseVerdict::Passed { flaky: true })
        };
        let cases = vec![
            case("é [x] 'y'", CaseVerdict::Passed { flaky: false }),
            flaky,
            case("b", CaseVerdict::Failed(trouble.clone())),
            case("c", CaseVerdict::Error(trouble)),
            case(
                "d",
                CaseVerdict::Skipped {
                    message: "no \"luck\"".to_owned(),
                },
            ),
        ];
        let text = junit(&cases).unwrap();
        let read = result_file::read("x", text.as_bytes(), Scenarios::Each).unwrap();
        assert_eq!(read.cases, cases);
    }
}
