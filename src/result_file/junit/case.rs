//! The attributes of a `testcase`, and what its children say.

use crate::result_file::{
    case::{CaseBuilder, Severity, TroubleBuilder},
    stream::Attributes,
    text::{Clipped, clip, first_line},
};

/// What an element says of the case it is in.
pub(super) fn severity(name: &[u8]) -> Option<Severity> {
    Some(match name {
        b"failure" => Severity::Failed,
        b"error" => Severity::Error,
        b"skipped" | b"disabled" | b"ignored" => Severity::Skipped,
        b"flakyFailure" | b"flakyError" => Severity::Flaky,
        _ => return None,
    })
}

/// What a skip is by its message, where a writer means more than a skip.
fn severity_of_skip(message: &str) -> Severity {
    match message {
        // Catch2, before what a case says that may or should fail. An exception within it is "failed as expected" too by
        // Catch2's own count and exit code; of a crash it writes the error without this skip, so that one stays.
        "TEST_CASE tagged with !mayfail" => Severity::Excused,
        // CTest, of what it could not run and counts as failed.
        "Failed to change working directory"
        | "Fixture dependency failed"
        | "Insufficient resources"
        | "Missing Configuration"
        | "Required Files Missing"
        | "Unable to find executable" => Severity::Error,
        _ => Severity::Skipped,
    }
}

/// A `failure`, `error`, `skipped` or flaky element whose text is still to come.
pub(super) fn trouble(severity: Severity, attributes: &Attributes) -> TroubleBuilder {
    let message = first_line(attributes.get("message"));
    TroubleBuilder {
        severity: match severity {
            Severity::Skipped => severity_of_skip(&message),
            other => other,
        },
        message,
        kind: clip(attributes.get("type")),
        text: Clipped::default(),
    }
}

/// A case whose children are still to come.
pub(super) fn case(attributes: &Attributes) -> CaseBuilder {
    let not_run = ["notrun", "disabled", "skipped", "suppressed"];
    let mut case = CaseBuilder::default();
    case.classname = clip(attributes.get("classname"));
    case.name = clip(attributes.get("name"));
    case.duration_ms = milliseconds(attributes.get("time"));
    case.file = Some(clip(attributes.get("file"))).filter(|file| !file.is_empty());
    case.line = attributes.get("line").trim().parse().ok();
    case.worst = [attributes.get("status"), attributes.get("result")]
        .iter()
        .any(|word| not_run.contains(&word.to_ascii_lowercase().as_str()))
        .then_some(Severity::Skipped);
    case
}

/// Reads a time in seconds: `1.5`, `1,234.5`, `0,5`. Anything else is no time.
fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let plain = match text.split_once(',') {
        None => text.to_owned(),
        // A lone comma is a decimal one, unless it groups thousands as in `1,234`.
        Some((whole, fraction))
            if !fraction.contains([',', '.']) && (fraction.len() != 3 || whole == "0") =>
        {
            format!("{whole}.{fraction}")
        }
        Some(_) => text.replace(',', ""),
    };
    let seconds: f64 = plain.parse().ok()?;
    // A year is more than any test takes; beyond, the number is not a time.
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
    fn reads_times_as_tools_write_them() {
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
