//! Cases for results that the service only counts: one for each kind of result. A case for each result would need a name,
//! which would be that of another test the next time.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite, XmlString};

use crate::report::{ServiceCounts, sanitise::xml_text};

/// Longest text of a case, in bytes.
const MAX_SENTENCE: usize = 4 * 1024;

/// Adds a case for each kind of result with a count.
pub(super) fn add(counts: &ServiceCounts, suite: &mut TestSuite) {
    let sentence = counts.sentence();
    let sentence = xml_text(&sentence, MAX_SENTENCE);
    for (count, word, status) in [
        (counts.passed, "passed", TestCaseStatus::success()),
        (
            counts.failed,
            "failed",
            TestCaseStatus::non_success(NonSuccessKind::Failure),
        ),
        (counts.skipped, "skipped", TestCaseStatus::skipped()),
    ] {
        if count == 0 {
            continue;
        }
        let message = format!("{word} according to Test Center: {count}");
        let mut case = TestCase::new(format!("tests that {word} in Test Center"), status);
        if word != "passed" {
            case.status.set_message(message.clone());
        }
        if word == "failed" {
            case.status
                .set_type("failed")
                .set_description(sentence.clone());
        }
        case.set_classname(super::OWN_NAME);
        case.system_out = Some(XmlString::new(format!("{message}\n{sentence}")));
        suite.add_test_case(case);
    }
}
