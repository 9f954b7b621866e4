//! A `testcase` element before it is written. Its texts are cleaned.

use std::borrow::Cow;

use crate::report::{
    AttemptReport, EntryStatus, ReportEntry,
    cases::{BorrowedText, CaseLine, MAX_NAME, VerdictWord},
    earlier_try::EarlierTry,
    failure_details::FailureDetails,
    sanitise::{xml_line, xml_text},
};

use super::outline;

/// Longest message, in bytes.
const MAX_MESSAGE: usize = 4 * 1024;
/// Longest message that the text repeats, in bytes.
const MAX_REPEATED: usize = 256;
/// Longest text of a failure or of an output, in bytes.
pub(super) const MAX_TEXT: usize = 64 * 1024;
/// Longest path of an attachment, in bytes.
const MAX_PATH: usize = 2000;

pub(super) struct CaseElement<'a> {
    pub(super) classname: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) status: ElementStatus,
    /// Failures before a retry or a reset.
    pub(super) earlier: Vec<FailureElement>,
    pub(super) duration_ms: Option<u64>,
    pub(super) file: Option<Cow<'a, str>>,
    pub(super) line: Option<u32>,
    pub(super) output: Cow<'a, str>,
    pub(super) notes: String,
    pub(super) properties: Vec<(&'static str, Cow<'a, str>)>,
}

pub(super) enum ElementStatus {
    Passed,
    Skipped(String),
    Failed(FailureElement),
}

/// A failure or error, or one of an earlier try.
pub(super) struct FailureElement {
    pub(super) tag: FailureTag,
    /// The attribute `type`.
    pub(super) failure_type: String,
    pub(super) message: String,
    pub(super) text: String,
    pub(super) duration_ms: Option<u64>,
}

/// A failure says something about the product; with an error the test could not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureTag {
    Failure,
    Error,
}

impl FailureTag {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }

    /// The element of an earlier try; `last_try` is how the last one ended.
    pub(super) fn earlier_name(self, last_try: &ElementStatus) -> &'static str {
        match (self, matches!(last_try, ElementStatus::Failed(_))) {
            (Self::Failure, false) => "flakyFailure",
            (Self::Error, false) => "flakyError",
            (Self::Failure, true) => "rerunFailure",
            (Self::Error, true) => "rerunError",
        }
    }
}

impl FailureElement {
    fn new(tag: FailureTag, failure_type: &str, (message, text): (&str, &str)) -> Self {
        let first = [message, text]
            .iter()
            .flat_map(|text| text.lines())
            .find(|line| !line.trim().is_empty())
            .unwrap_or(failure_type);
        let body = match (message.lines().nth(1).is_some(), text.is_empty()) {
            (_, true) => Cow::Borrowed(message),
            (true, false) if !text.contains(message) => Cow::Owned(format!("{message}\n{text}")),
            _ => Cow::Borrowed(text),
        };
        // A long message need not be repeated at length.
        let longest = if body.len() <= MAX_TEXT && body.contains(first) {
            MAX_REPEATED
        } else {
            MAX_MESSAGE
        };
        Self {
            tag,
            failure_type: xml_line(failure_type, MAX_NAME).into_owned(),
            message: xml_line(first, longest).into_owned(),
            text: xml_text(&body, MAX_TEXT).into_owned(),
            duration_ms: None,
        }
    }

    /// `None` for a case that passed or was skipped.
    pub(super) fn of_case(case: &CaseLine<'_>) -> Option<Self> {
        let tag = match case.word {
            VerdictWord::Failed => FailureTag::Failure,
            VerdictWord::Error => FailureTag::Error,
            VerdictWord::Passed | VerdictWord::Skipped => return None,
        };
        let failure_type = match case.kind.trim() {
            "" => tag.name(),
            _ => &case.kind,
        };
        Some(Self::new(tag, failure_type, (&case.message, &case.text)))
    }

    /// `None` for an attempt that has a result or lost its lease.
    pub(super) fn of_attempt(attempt: &AttemptReport) -> Option<Self> {
        let problem = FailureDetails::of_attempt(attempt);
        let mut failure = match (attempt.status(), problem.error) {
            (EntryStatus::CouldNotRun, Some(error)) => Self::execution_error(error),
            (EntryStatus::Failed, _) => {
                Self::failed_test(problem.message(), "the test failed", problem.output)
            }
            _ => return None,
        };
        failure.duration_ms = attempt.duration_ms();
        Some(failure)
    }

    fn failed_test(message: &str, if_empty: &str, text: &str) -> Self {
        let message = if message.is_empty() {
            if_empty
        } else {
            message
        };
        Self::new(FailureTag::Failure, "failure", (message, text))
    }

    fn execution_error(error: (&str, &str)) -> Self {
        Self::new(FailureTag::Error, "execution-error", error)
    }

    /// The failure of a try of a case, as far as its output has it.
    fn flaky_case(output: &str) -> Self {
        EarlierTry::of_output(output).map_or_else(Self::flaky, |earlier| {
            Self::new(
                FailureTag::Failure,
                "flaky",
                (earlier.message, earlier.text),
            )
        })
    }

    /// The failure of a try that only the test tool knows.
    fn flaky() -> Self {
        let message = "according to the test tool, it failed before it passed";
        Self::new(FailureTag::Failure, "flaky", (message, ""))
    }
}

impl<'a> CaseElement<'a> {
    fn new(
        (classname, name): (Cow<'a, str>, Cow<'a, str>),
        status: ElementStatus,
        is_flaky: bool,
        duration_ms: Option<u64>,
    ) -> Self {
        Self {
            classname,
            name,
            status,
            earlier: is_flaky.then(FailureElement::flaky).into_iter().collect(),
            duration_ms,
            file: None,
            line: None,
            output: Cow::Borrowed(""),
            notes: String::new(),
            properties: Vec::new(),
        }
    }

    /// A case of a result file.
    pub(super) fn of_case(entry: &'a ReportEntry, case: &'a CaseLine<'_>) -> Self {
        let status = match (case.word, FailureElement::of_case(case)) {
            (_, Some(failure)) => ElementStatus::Failed(failure),
            (VerdictWord::Skipped, None) => {
                ElementStatus::Skipped(xml_line(&case.message, MAX_MESSAGE).into_owned())
            }
            (_, None) => ElementStatus::Passed,
        };
        let names = (
            outline::clean_or(&case.classname, &entry.test.suite),
            outline::clean_or(&case.name, &entry.test.testcase),
        );
        Self {
            file: case.file.as_deref().map(|file| xml_line(file, MAX_NAME)),
            line: case.line,
            output: with_attachments(xml_text(&case.output, MAX_TEXT), &case.attachments),
            earlier: case
                .flaky()
                .then(|| FailureElement::flaky_case(&case.output))
                .into_iter()
                .collect(),
            ..Self::new(names, status, false, case.duration_ms)
        }
    }

    /// The case of an execution whose result files, if any, do not show its result.
    pub(super) fn of_execution(entry: &'a ReportEntry, has_cases: bool) -> Self {
        let problem = FailureDetails::of_entry(entry);
        let (message, text) = (problem.message(), problem.details());
        let status = match entry.status {
            EntryStatus::Passed => ElementStatus::Passed,
            EntryStatus::Skipped => ElementStatus::Skipped(String::new()),
            EntryStatus::Failed => {
                let if_empty = if has_cases {
                    "the test failed, though no case of its result files did"
                } else {
                    "the test failed; see its output"
                };
                ElementStatus::Failed(FailureElement::failed_test(message, if_empty, text))
            }
            EntryStatus::CouldNotRun => {
                ElementStatus::Failed(FailureElement::execution_error((message, text)))
            }
            EntryStatus::Missing => {
                let message = format!("no counted result: {}", entry.explained());
                let failure = FailureElement::new(FailureTag::Error, "missing", (&message, ""));
                ElementStatus::Failed(failure)
            }
        };
        let names = (outline::own_classname(entry), outline::own_name(entry));
        let is_flaky = entry.flaky && entry.earlier().next().is_none();
        Self::new(names, status, is_flaky, entry.duration_ms())
    }
}

/// Adds a line per attachment, in the form that CI systems look for in outputs.
fn with_attachments<'a>(mut output: Cow<'a, str>, paths: &[BorrowedText<'_>]) -> Cow<'a, str> {
    for path in paths {
        let path = xml_line(path, MAX_PATH);
        // `]]` in the path would end the attachment.
        if path.contains("]]") {
            continue;
        }
        let output = output.to_mut();
        if !output.is_empty() {
            output.push('\n');
        }
        output.extend(["[[ATTACHMENT|", &*path, "]]"]);
    }
    output
}
