//! One `testcase`: its attributes and children become a [`CaseResult`].

use super::{Attributes, MAX_FIELD};
use crate::{
    model::{
        CaseResult,
        outcome::{CaseVerdict, Trouble},
    },
    result_file::text::{Clipped, clip, first_line},
};

/// What a child of a case says of it, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// It failed before it passed.
    Flaky,
    /// It was not run.
    Skipped,
    /// An assertion failed.
    Failed,
    /// It broke.
    Error,
    /// It failed as it may: what else is said of it does not count.
    Excused,
}

impl Severity {
    pub(super) fn of_element(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"failure" => Self::Failed,
            b"error" => Self::Error,
            b"skipped" | b"disabled" | b"ignored" => Self::Skipped,
            b"flakyFailure" | b"flakyError" => Self::Flaky,
            _ => return None,
        })
    }

    /// What a skip is by its message, where a writer means more than a skip.
    fn of_skip(message: &str) -> Self {
        match message {
            // Catch2, before the failures of a case that may or should fail.
            "TEST_CASE tagged with !mayfail" => Self::Excused,
            // CTest, of what it could not run and counts as failed.
            "Failed to change working directory"
            | "Fixture dependency failed"
            | "Insufficient resources"
            | "Missing Configuration"
            | "Required Files Missing"
            | "Unable to find executable" => Self::Error,
            _ => Self::Skipped,
        }
    }
}

/// A `failure`, `error`, `skipped` or flaky element.
#[derive(Debug)]
pub(super) struct TroubleBuilder {
    severity: Severity,
    message: String,
    kind: String,
    pub(super) text: Clipped,
}

impl TroubleBuilder {
    pub(super) fn new(severity: Severity, attributes: &Attributes) -> Self {
        let message = first_line(attributes.get("message"));
        Self {
            severity: match severity {
                Severity::Skipped => Severity::of_skip(&message),
                other => other,
            },
            message,
            kind: clip(attributes.get("type")),
            text: Clipped::new(MAX_FIELD),
        }
    }

    /// Something went wrong outside any case: a collection, a set-up, the tool itself.
    pub(super) fn outside_any_case(self, suite: &str) -> CaseResult {
        let mut case = CaseBuilder {
            name: "(outside any test case)".to_owned(),
            ..CaseBuilder::default()
        };
        case.trouble(self);
        case.finish(suite)
    }
}

/// A suite that says it has errors or failures but does not show them.
pub(super) fn hidden_trouble(suite: &str) -> CaseResult {
    TroubleBuilder {
        severity: Severity::Error,
        message: "the suite counts errors or failures that it does not list".to_owned(),
        kind: String::new(),
        text: Clipped::default(),
    }
    .outside_any_case(suite)
}

/// A case whose children are still to come.
#[derive(Debug, Default)]
pub(super) struct CaseBuilder {
    classname: String,
    name: String,
    duration_ms: Option<u64>,
    file: Option<String>,
    line: Option<u32>,
    worst: Option<Severity>,
    /// How many more of the worst severity there were after the first.
    more: usize,
    trouble: Trouble,
    output: String,
}

impl CaseBuilder {
    pub(super) fn new(attributes: &Attributes) -> Self {
        let not_run = ["notrun", "disabled", "skipped", "suppressed"];
        Self {
            classname: clip(attributes.get("classname")),
            name: clip(attributes.get("name")),
            duration_ms: milliseconds(attributes.get("time")),
            file: Some(clip(attributes.get("file"))).filter(|file| !file.is_empty()),
            line: attributes.get("line").trim().parse().ok(),
            worst: [attributes.get("status"), attributes.get("result")]
                .iter()
                .any(|word| not_run.contains(&word.to_ascii_lowercase().as_str()))
                .then_some(Severity::Skipped),
            ..Self::default()
        }
    }

    /// Takes one more child. The worst kind decides, its first gives the message, the texts are joined.
    pub(super) fn trouble(&mut self, builder: TroubleBuilder) {
        let text = builder.text.into_string();
        let message = if builder.message.is_empty() {
            first_line(&text)
        } else {
            builder.message
        };
        if self.worst.is_none_or(|worst| builder.severity > worst) {
            self.worst = Some(builder.severity);
            self.more = 0;
            (self.trouble.message, self.trouble.kind) = (message, builder.kind);
        } else if self.worst == Some(builder.severity) {
            if self.trouble.message.is_empty() {
                self.trouble.message = message;
            }
            self.more += 1;
        }
        join(&mut self.trouble.text, &text);
    }

    pub(super) fn output(&mut self, text: &str) {
        join(&mut self.output, text);
    }

    /// The result; `suite` stands in where the case names no class.
    pub(super) fn finish(mut self, suite: &str) -> CaseResult {
        if self.more > 0 && self.worst >= Some(Severity::Failed) {
            self.trouble.message = format!("{} (and {} more)", self.trouble.message, self.more);
        }
        let verdict = match self.worst {
            None => CaseVerdict::Passed { flaky: false },
            Some(Severity::Flaky) => CaseVerdict::Passed { flaky: true },
            Some(Severity::Skipped | Severity::Excused) => CaseVerdict::Skipped {
                message: self.trouble.message,
            },
            Some(Severity::Failed) => CaseVerdict::Failed(self.trouble),
            Some(Severity::Error) => CaseVerdict::Error(self.trouble),
        };
        CaseResult {
            classname: if self.classname.is_empty() {
                clip(suite)
            } else {
                self.classname
            },
            name: if self.name.is_empty() {
                "(no name)".to_owned()
            } else {
                self.name
            },
            verdict,
            duration_ms: self.duration_ms,
            file: self.file,
            line: self.line,
            output: self.output,
            attachments: Vec::new(),
        }
    }
}

/// Appends a text after an empty line, as long as there is room.
fn join(whole: &mut String, text: &str) {
    let text = text.trim_matches(['\r', '\n']);
    if text.trim().is_empty() {
        return;
    }
    if !whole.is_empty() {
        whole.push_str("\n\n");
    }
    let mut clipped = Clipped::new(MAX_FIELD.saturating_sub(whole.len()));
    clipped.push(text);
    whole.push_str(&clipped.into_string());
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
