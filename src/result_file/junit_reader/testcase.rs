//! Reads the attributes of a `testcase` and its child elements.

use super::vocabulary::{self, ChildElement, StatusWord};
use crate::result_file::{
    bounded_text::clip,
    case_builder::{CaseBuilder, Severity, TroubleBuilder},
    xml_stream::Attributes,
};

/// The severity of a child element; `None` if it has no influence on the verdict.
pub(super) fn severity(name: &[u8]) -> Option<Severity> {
    Some(match vocabulary::child_element(name) {
        ChildElement::Failure | ChildElement::Rerun => Severity::Failed,
        ChildElement::Error | ChildElement::Unknown => Severity::Error,
        ChildElement::Skipped => Severity::Skipped,
        ChildElement::Flaky => Severity::Flaky,
        ChildElement::Neutral => return None,
    })
}

/// The severity of a `skipped` element: for some messages of some tools it is more than a skip.
fn severity_of_skip(message: &str) -> Severity {
    match message {
        // Catch2 writes this for a case that may or should fail. An exception in it is "failed as expected" too, in
        // Catch2's own count and exit code. For a crash it writes the error without this skip, so that one counts.
        "TEST_CASE tagged with !mayfail" => Severity::Excused,
        // CTest writes these for tests that it could not run, and counts them as failed.
        "Failed to change working directory"
        | "Fixture dependency failed"
        | "Insufficient resources"
        | "Missing Configuration"
        | "Required Files Missing"
        | "Unable to find executable" => Severity::Error,
        _ => Severity::Skipped,
    }
}

/// A `failure`, `error`, `skipped`, flaky or unknown element, without its text. An unknown one could hide a failure.
pub(super) fn trouble(name: &[u8], severity: Severity, attributes: &Attributes) -> TroubleBuilder {
    let mut trouble = TroubleBuilder {
        severity,
        kind: attributes.get_clipped("type"),
        ..TroubleBuilder::error("")
    };
    trouble.set_message(attributes.get("message"));
    if severity == Severity::Skipped {
        trouble.severity = severity_of_skip(&trouble.message);
    }
    if trouble.message.is_empty() && vocabulary::child_element(name) == ChildElement::Unknown {
        let name = String::from_utf8_lossy(name);
        trouble.message = clip(&format!(
            "the case holds an element <{name}>, which may be a failure"
        ));
    }
    trouble
}

/// Whether a property of a case names a file that belongs to it. The uploaders of `TestRail` and Azure read these.
pub(super) fn names_attachment(property: &Attributes) -> bool {
    matches!(
        property.get("name").trim().to_ascii_lowercase().as_str(),
        "attachment" | "testrail_attachment"
    )
}

/// A case without its child elements.
pub(super) fn case(attributes: &Attributes) -> CaseBuilder {
    let mut case = CaseBuilder::default();
    case.classname = attributes.get_clipped("classname");
    case.name = attributes.get_clipped("name");
    case.duration_ms = milliseconds(attributes.get("time"));
    case.file = Some(attributes.get_clipped("file")).filter(|file| !file.is_empty());
    case.line = attributes.get_number("line");
    let assertions: Option<u64> = attributes.get_number("assertions");
    case.has_assertions = assertions.is_some_and(|count| count > 0);
    let word = worst_word(attributes);
    case.by_attribute = word.and_then(|(word, text)| trouble_by_attribute(word, text));
    case
}

/// Whether a case passed but is no evidence of a test: it has no name, or that of its file. pytest writes the first when it
/// is interrupted; Node's runner writes the second for a file that ran no test or ended early.
pub(super) fn proves_nothing(case: &CaseBuilder) -> bool {
    if case.worst.is_some() || case.has_assertions {
        return false;
    }
    case.name.trim().is_empty() || is_named_after_its_file(case)
}

fn is_named_after_its_file(case: &CaseBuilder) -> bool {
    const SCRIPTS: [&str; 8] = ["js", "cjs", "mjs", "ts", "cts", "mts", "jsx", "tsx"];
    let name = case.name.replace('\\', "/");
    let by_attribute = case.file.as_deref().is_some_and(|file| {
        let file = file.replace('\\', "/");
        file == name || file.ends_with(&format!("/{}", name.trim_start_matches("./")))
    });
    // Node 20 writes no `file`, gives every case this class, and names files by their absolute path.
    let is_absolute = name.starts_with('/') || name.get(1..3) == Some(":/");
    let by_node = case.classname == "test"
        && name
            .rsplit_once('.')
            .is_some_and(|(_, end)| SCRIPTS.contains(&end) && (is_absolute || !name.contains(' ')));
    by_attribute || by_node
}

/// The worst verdict among the attributes of a case or suite, and the attribute as it is written.
pub(super) fn worst_word(attributes: &Attributes) -> Option<(StatusWord, String)> {
    let verdicts = vocabulary::VERDICTS.iter().map(|key| {
        let value = attributes.get(key);
        (*key, value, vocabulary::verdict(value))
    });
    let answers = vocabulary::ANSWERS.iter().map(|(key, no)| {
        let value = attributes.get(key);
        (*key, value, vocabulary::answer(value, *no))
    });
    verdicts
        .chain(answers)
        .filter_map(|(key, value, word)| Some((word?, key, value)))
        .max_by_key(|(word, ..)| match word {
            StatusWord::Passed => 0,
            StatusWord::Skipped => 1,
            StatusWord::SwitchedOff => 2,
            StatusWord::Tolerated => 3,
            StatusWord::Unknown => 4,
            StatusWord::Failed => 5,
        })
        .map(|(word, key, value)| (word, clip(&format!("{key}=\"{value}\""))))
}

/// A skip shown by an attribute, a property or the lack of a result.
pub(super) fn skip(why: &str) -> TroubleBuilder {
    TroubleBuilder {
        severity: Severity::Skipped,
        ..TroubleBuilder::error(&clip(why))
    }
}

/// The trouble that an attribute states.
fn trouble_by_attribute(word: StatusWord, text: String) -> Option<TroubleBuilder> {
    let (severity, message) = match word {
        StatusWord::Passed => return None,
        // A child element has the reason, or the test was not selected.
        StatusWord::Skipped => (Severity::Skipped, String::new()),
        StatusWord::SwitchedOff => (Severity::Skipped, text),
        StatusWord::Tolerated => (Severity::Excused, text),
        StatusWord::Failed => (Severity::Failed, text),
        StatusWord::Unknown => {
            let message = format!("{text} is not known and may mean a failure");
            (Severity::Error, message)
        }
    };
    Some(TroubleBuilder {
        severity,
        ..TroubleBuilder::error(&message)
    })
}

/// Reads a time in seconds such as `1.5`, `1,234.5`, `0,5`.
fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let plain = match text.split_once(',') {
        None => text.to_owned(),
        // A single comma is a decimal comma, unless it groups thousands as in `1,234`.
        Some((whole, fraction))
            if !fraction.contains([',', '.']) && (fraction.len() != 3 || whole == "0") =>
        {
            format!("{whole}.{fraction}")
        }
        Some(_) => text.replace(',', ""),
    };
    let seconds: f64 = plain.parse().ok()?;
    // A number above a year is not a time.
    let valid = (0.0..366.0 * 86_400.0).contains(&seconds);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to lie within a year"
    )]
    valid.then(|| (seconds * 1000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_tools_write_them() {
        let table = [
            ("1.5", Some(1500)),
            ("0", Some(0)),
            ("1,234.5", Some(1_234_500)),
            ("1,234", Some(1_234_000)),
            ("1,234,567.125", Some(1_234_567_125)),
            ("0,5", Some(500)),
            ("0,125", Some(125)),
            ("12,25", Some(12_250)),
            (" 2.0005 ", Some(2001)),
            ("1e-3", Some(1)),
            ("", None),
            ("-1", None),
            ("NaN", None),
            ("inf", None),
            ("1e300", None),
            ("soon", None),
        ];
        for (text, expected) in table {
            assert_eq!(milliseconds(text), expected, "{text:?}");
        }
    }
}
