//! Cases for results of which only the number is known: one for each kind of result there is. A case for each result
//! would have to be given a name, and it would be that of another test the next time.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite, XmlString};

use crate::report::{ServiceCounts, sanitise::xml_text};

/// Longest text of a case, in bytes.
const MAX_TEXT: usize = 4 * 1024;

/// Adds a case for each kind of result there is.
pub(super) fn add(counts: &ServiceCounts, suite: &mut TestSuite) {
    let sentence = counts.sentence();
    let sentence = xml_text(&sentence, MAX_TEXT);
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
        let said = format!("{word} according to Test Center: {count}");
        let mut case = TestCase::new(format!("tests that {word} in Test Center"), status);
        match &mut case.status {
            TestCaseStatus::Success { .. } => {}
            other => {
                other.set_message(said.clone());
            }
        }
        if word == "failed" {
            case.status
                .set_type("failed")
                .set_description(sentence.clone());
        }
        case.set_classname(super::OWN);
        case.system_out = Some(XmlString::new(format!("{said}\n{sentence}")));
        suite.add_test_case(case);
    }
}
