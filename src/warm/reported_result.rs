//! What the result message of a warm process means: outcome, cases and the text for people.

use std::{fmt::Write as _, time::Duration};

use super::{
    message::{PhaseReport, ResultMessage},
    pytest_names::case_of,
};
use crate::model::{
    CaseResult, Outcome, Test, TestResult, TestVerdict, millis,
    outcome::{CaseVerdict, Trouble},
};

/// Most bytes of output that a case keeps.
const CASE_OUTPUT: usize = 16 * 1024;

/// A result, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadResult {
    pub(crate) outcome: Outcome,
    pub(crate) cases: Vec<CaseResult>,
    /// Failure texts and captured output, for the log; empty if there is neither.
    pub(crate) log: String,
    /// All phases of the last attempt together.
    pub(crate) took: Duration,
}

/// Reads the result of `test`.
pub(crate) fn read_result(test: &Test, result: &ResultMessage) -> ReadResult {
    let ms: f64 = result.phases.iter().map(|phase| phase.ms).sum();
    let took = Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default();
    let cases = cases(test, result, took);
    ReadResult {
        outcome: outcome(result, &cases, took),
        cases,
        log: log(result),
        took,
    }
}

fn outcome(result: &ResultMessage, cases: &[CaseResult], took: Duration) -> Outcome {
    let error = |message: &str, details: String| Outcome::ExecutionError {
        message: message.to_owned(),
        details,
    };
    if let Some(why) = &result.interrupted {
        return error(&format!("the test ended its session: {why}"), String::new());
    }
    if let Some(why) = &result.no_results {
        return error("pytest could not write the result file", why.clone());
    }
    if result.phases.is_empty() {
        return error(
            "pytest reported nothing about this test: a plugin may run it its own way",
            String::new(),
        );
    }
    let failed = cases.iter().any(|case| case.verdict.is_failure());
    let skipped = cases
        .iter()
        .any(|case| matches!(case.verdict, CaseVerdict::Skipped { .. }));
    let verdict = if failed {
        TestVerdict::Failed
    } else if skipped {
        TestVerdict::Skipped
    } else {
        TestVerdict::Passed
    };
    Outcome::Completed {
        result: Some(TestResult {
            verdict,
            duration_ms: millis(took),
            flaky: verdict == TestVerdict::Passed && is_repeated(result),
        }),
    }
}

fn is_repeated(result: &ResultMessage) -> bool {
    !result.earlier.is_empty()
}

/// The case of the test; one more if its teardown broke after a failure, and one for each failed subtest.
fn cases(test: &Test, result: &ResultMessage, took: Duration) -> Vec<CaseResult> {
    let (classname, name) = case_of(test);
    let case = |name: String, verdict| CaseResult {
        classname: classname.clone(),
        name,
        verdict,
        duration_ms: None,
        file: result.file.clone(),
        line: result.line,
        output: String::new(),
        attachments: Vec::new(),
    };
    let mut cases: Vec<CaseResult> = failures(&result.phases)
        .map(|verdict| case(name.clone(), verdict))
        .collect();
    if cases.is_empty() {
        let subtests_failed = result
            .subtests
            .as_ref()
            .is_some_and(|subtests| !subtests.failed.is_empty());
        // A unittest whose subtests failed passes as such; the subtests' cases say what failed.
        if !subtests_failed && let Some(verdict) = verdict_without_failure(result) {
            cases.push(case(name.clone(), verdict));
        }
    }
    for subtest in result.subtests.iter().flat_map(|subtests| &subtests.failed) {
        let verdict = CaseVerdict::Failed(trouble(&subtest.message, &subtest.text));
        cases.push(case(format!("{name} {}", subtest.name), verdict));
    }
    if let Some(first) = cases.first_mut() {
        first.duration_ms = Some(millis(took));
        if first.verdict.is_failure() {
            let output = sections(result);
            end_of(&output, CASE_OUTPUT).clone_into(&mut first.output);
        }
    }
    cases
}

fn failures(phases: &[PhaseReport]) -> impl Iterator<Item = CaseVerdict> {
    let failed = phases.iter().filter(|phase| phase.outcome == "failed");
    failed.map(|phase| {
        let mut trouble = trouble(&phase.message, &phase.text);
        if phase.when == "call" {
            return CaseVerdict::Failed(trouble);
        }
        trouble.message = format!("failed on {}: {}", phase.when, trouble.message);
        CaseVerdict::Error(trouble)
    })
}

fn verdict_without_failure(result: &ResultMessage) -> Option<CaseVerdict> {
    let skipped = result
        .phases
        .iter()
        .find(|phase| phase.outcome == "skipped");
    if let Some(phase) = skipped {
        let message = phase.xfail.as_ref().unwrap_or(&phase.message);
        let message = message.clone();
        return Some(CaseVerdict::Skipped { message });
    }
    let flaky = is_repeated(result);
    (!result.phases.is_empty()).then_some(CaseVerdict::Passed { flaky })
}

fn trouble(message: &str, text: &str) -> Trouble {
    Trouble {
        message: message.lines().next().unwrap_or_default().to_owned(),
        kind: kind(message),
        text: text.to_owned(),
        is_expected: false,
    }
}

/// The exception's class before the colon of a message, as `ValueError: bad`.
fn kind(message: &str) -> String {
    let name = message.split([':', '\n']).next().unwrap_or_default();
    let is_name = name.starts_with(|c: char| c.is_alphabetic())
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    if is_name {
        name.to_owned()
    } else {
        String::new()
    }
}

fn log(result: &ResultMessage) -> String {
    let mut log = String::new();
    let phases = result.earlier.iter().chain(&result.phases);
    for phase in phases.filter(|phase| !phase.text.is_empty()) {
        // Cannot fail.
        let _ = writeln!(
            log,
            "---- {} {} ----\n{}",
            phase.when, phase.outcome, phase.text
        );
    }
    for subtest in result.subtests.iter().flat_map(|subtests| &subtests.failed) {
        let _ = writeln!(
            log,
            "---- subtest {} failed ----\n{}",
            subtest.name, subtest.text
        );
    }
    log.push_str(&sections(result));
    log
}

fn sections(result: &ResultMessage) -> String {
    let mut text = String::new();
    for (title, content) in &result.sections {
        let _ = writeln!(
            text,
            "---- {title} ----\n{}",
            content.trim_end_matches('\n')
        );
    }
    text
}

/// The end of a text, at most so many bytes.
pub(crate) fn end_of(text: &str, most: usize) -> &str {
    let mut from = text.len().saturating_sub(most);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warm::message::{FailedSubtest, Subtests};

    fn phase(when: &str, outcome: &str) -> PhaseReport {
        PhaseReport {
            when: when.to_owned(),
            outcome: outcome.to_owned(),
            ms: 1.0,
            message: format!("ValueError: in {when}"),
            text: format!("text of {when}"),
            ..PhaseReport::default()
        }
    }

    fn read(phases: &[(&str, &str)], change: impl FnOnce(&mut ResultMessage)) -> ReadResult {
        let mut result = ResultMessage {
            phases: phases.iter().map(|(when, how)| phase(when, how)).collect(),
            ..ResultMessage::default()
        };
        change(&mut result);
        let test = Test {
            suite: "a/t.py".to_owned(),
            testcase: "T::test_b[x]".to_owned(),
        };
        read_result(&test, &result)
    }

    fn verdict(read: &ReadResult) -> TestVerdict {
        match read.outcome {
            Outcome::Completed {
                result: Some(result),
            } => result.verdict,
            _ => panic!("{:?}", read.outcome),
        }
    }

    const FINE: [(&str, &str); 3] = [
        ("setup", "passed"),
        ("call", "passed"),
        ("teardown", "passed"),
    ];

    #[test]
    fn passed_test_has_one_case_and_the_time_of_its_phases() {
        let read = read(&FINE, |_| ());
        assert_eq!(verdict(&read), TestVerdict::Passed);
        assert_eq!(read.took, Duration::from_millis(3));
        assert_eq!(read.cases.len(), 1);
        let case = &read.cases[0];
        assert_eq!(
            (case.classname.as_str(), case.name.as_str()),
            ("a.t.T", "test_b[x]")
        );
    }

    #[test]
    fn failure_and_broken_teardown_are_two_cases() {
        let phases = [
            ("setup", "passed"),
            ("call", "failed"),
            ("teardown", "failed"),
        ];
        let read = read(&phases, |_| ());
        assert_eq!(verdict(&read), TestVerdict::Failed);
        let [CaseVerdict::Failed(failed), CaseVerdict::Error(error)] =
            [&read.cases[0].verdict, &read.cases[1].verdict]
        else {
            panic!("{:?}", read.cases);
        };
        assert_eq!(failed.kind, "ValueError");
        assert_eq!(error.message, "failed on teardown: ValueError: in teardown");
        assert!(read.log.contains("text of teardown"));
    }

    #[test]
    fn passed_test_with_a_broken_teardown_failed() {
        let phases = [
            ("setup", "passed"),
            ("call", "passed"),
            ("teardown", "failed"),
        ];
        let read = read(&phases, |_| ());
        assert_eq!(verdict(&read), TestVerdict::Failed);
        assert_eq!(read.cases.len(), 1);
    }

    #[test]
    fn failed_subtest_fails_a_test_that_passed_as_such() {
        let read = read(&FINE, |result| {
            result.subtests = Some(Subtests {
                passed: 9,
                failed: vec![FailedSubtest {
                    name: "(i=3)".to_owned(),
                    message: "assert 3 == 4".to_owned(),
                    text: "the whole text".to_owned(),
                }],
            });
        });
        assert_eq!(verdict(&read), TestVerdict::Failed);
        let names: Vec<_> = read.cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["test_b[x] (i=3)"]);
    }

    #[test]
    fn skips_and_expected_failures_are_skipped_with_their_reason() {
        let skipped = read(&[("setup", "skipped"), ("teardown", "passed")], |_| ());
        assert_eq!(verdict(&skipped), TestVerdict::Skipped);
        let phases = [
            ("setup", "passed"),
            ("call", "skipped"),
            ("teardown", "passed"),
        ];
        let expected = read(&phases, |result| {
            result.phases[1].xfail = Some("bug 7".to_owned());
        });
        assert_eq!(verdict(&expected), TestVerdict::Skipped);
        let message = "bug 7".to_owned();
        assert_eq!(expected.cases[0].verdict, CaseVerdict::Skipped { message });
    }

    #[test]
    fn passed_after_a_failed_attempt_is_flaky() {
        let read = read(&FINE, |result| result.earlier.push(phase("call", "rerun")));
        assert_eq!(read.cases[0].verdict, CaseVerdict::Passed { flaky: true });
        assert!(read.log.contains("text of call"));
    }

    #[test]
    fn no_phase_is_no_pass() {
        assert!(matches!(
            read(&[], |_| ()).outcome,
            Outcome::ExecutionError { .. }
        ));
        let interrupted = read(&FINE, |result| result.interrupted = Some("x".to_owned()));
        assert!(matches!(
            interrupted.outcome,
            Outcome::ExecutionError { .. }
        ));
    }

    #[test]
    fn end_of_a_text_is_cut_at_a_character() {
        assert_eq!(end_of("aé", 1), "");
        assert_eq!(end_of("aé", 2), "é");
        assert_eq!(end_of("ab", 9), "ab");
    }
}
