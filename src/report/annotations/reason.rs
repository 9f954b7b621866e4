//! The text of an annotation of an execution: its name, then both ends of the reason.

use std::borrow::Cow;

use super::{Folders, folders::SourceLocation};
use crate::{
    model::{CaseResult, outcome::CaseVerdict},
    report::{
        AttemptReport, ReportEntry,
        excerpt::{ends_of, prefix, suffix},
        failure_details::{FailureDetails, NO_MESSAGE},
        report_entry::EndedAttempt,
        sanitise::console_line,
        view::{Section, SectionKind},
    },
};

/// Longest name of a test in a title, and of one with its capabilities, in bytes.
const MAX_TITLE: usize = 200;
const MAX_NAME: usize = 400;
/// Longest line of a reason, in bytes.
const MAX_LINE: usize = 240;
/// Lines kept at each end of a message, and of the longer text.
const MESSAGE_ENDS: usize = 2;
const TEXT_ENDS: usize = 4;
/// How much of a text is looked at, in bytes.
const MAX_TEXT: usize = 16 * 1024;

/// Replaces a message that the test tool did not write.
const FLAKY: &str = "it failed before it passed";

/// Why an execution gets an annotation, as raw text.
pub(super) struct Reason<'a> {
    /// Heading of its section.
    pub(super) heading: &'static str,
    /// Location of the first case, if it is known and in the workspace.
    pub(super) location: Option<SourceLocation>,
    entry: &'a ReportEntry,
    message: Cow<'a, str>,
    text: &'a str,
    /// How many more cases did not pass at once.
    more: usize,
}

impl<'a> Reason<'a> {
    pub(super) fn of(entry: &'a ReportEntry, section: &Section<'a>, folders: Folders<'_>) -> Self {
        let attempt = match section.kind {
            SectionKind::Recovered => None,
            SectionKind::Flaky => entry.earlier().last().or_else(|| entry.counted()),
            _ => entry.counted(),
        };
        let mut reason = Self {
            heading: section.heading,
            location: None,
            entry,
            message: Cow::Borrowed(""),
            text: "",
            more: 0,
        };
        if let Some(ended) = attempt.and_then(AttemptReport::ended) {
            reason.take_cases(ended, folders);
        }
        let problem = match (attempt, section.kind) {
            (Some(attempt), _) => FailureDetails::of_attempt(attempt),
            (None, SectionKind::Recovered) => FailureDetails::default(),
            (None, _) => FailureDetails::of_entry(entry),
        };
        if let Some((message, details)) = problem.error {
            (reason.message, reason.text) = (Cow::Borrowed(message), details);
        }
        if reason.message.is_empty() {
            reason.message = if section.kind == SectionKind::Flaky {
                Cow::Borrowed(FLAKY)
            } else {
                let explanations = entry.explanations.iter();
                let sentences: Vec<String> = explanations.map(ToString::to_string).collect();
                Cow::Owned(sentences.join("\n"))
            };
        }
        reason
    }

    /// Takes the first case with a location, or the first; without a case, the end of the output.
    fn take_cases(&mut self, ended: &'a EndedAttempt, folders: Folders<'_>) {
        let candidates = || {
            let cases = ended.cases.noted().iter();
            cases
                .filter_map(|case| Some((case, SourceLocation::of(case, folders), lines_of(case)?)))
        };
        let first = candidates()
            .find(|(_, location, _)| location.is_some())
            .or_else(|| candidates().next());
        let Some((case, location, (line, text))) = first else {
            self.text = &ended.output_tail;
            return;
        };
        let counts = ended.cases.counts();
        let flaky = usize::try_from(counts.flaky).unwrap_or(usize::MAX);
        self.location = location;
        self.message = Cow::Owned(format!("{}: {line}", case.name));
        self.text = text;
        self.more = counts.troubled().saturating_add(flaky).saturating_sub(1);
    }

    /// The text that differs between reasons.
    pub(super) fn first_text(&self) -> &str {
        if self.message.is_empty() {
            self.text
        } else {
            &self.message
        }
    }

    pub(super) fn title(&self) -> String {
        console_line(
            &format!("{}: {}", self.heading, self.entry.name()),
            MAX_TITLE,
        )
    }

    pub(super) fn message(&self) -> String {
        let mut name = self.entry.name();
        let ruling = self.entry.explanations.iter().find(|it| it.is_ruling());
        if let Some(labels) = self.entry.labels().filter(|labels| !labels.is_empty()) {
            name = format!("{name} ({labels})");
        }
        let mut lines = vec![clean(&name, MAX_NAME)];
        lines.extend(ruling.map(|it| clean(&it.to_string(), MAX_NAME)));
        lines.extend(kept(&self.message, MESSAGE_ENDS));
        if self.text.trim() != self.message.trim() {
            lines.extend(kept(self.text, TEXT_ENDS));
        }
        if self.more > 0 {
            lines.push(format!("and {} more cases of it", self.more));
        }
        lines.join("\n")
    }
}

/// Message and text of a case that did not pass at once.
fn lines_of(case: &CaseResult) -> Option<(&str, &str)> {
    match &case.verdict {
        CaseVerdict::Failed(trouble) | CaseVerdict::Error(trouble) => {
            Some((trouble.first_line().unwrap_or(NO_MESSAGE), &trouble.text))
        }
        CaseVerdict::Passed { flaky: true } => Some((FLAKY, "")),
        CaseVerdict::Passed { flaky: false } | CaseVerdict::Skipped { .. } => None,
    }
}

/// The first and last lines, clean.
fn kept(text: &str, each: usize) -> Vec<String> {
    let text = suffix(text, MAX_TEXT).trim();
    if text.is_empty() {
        return Vec::new();
    }
    ends_of(text, each)
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| clean(line, MAX_LINE))
        .collect()
}

/// The two ends of a line, in at most `max` bytes.
fn clean(line: &str, max: usize) -> String {
    let whole = console_line(line, max.saturating_mul(4));
    if whole.len() <= max {
        return whole;
    }
    let half = max / 2 - 4;
    format!(
        "{} … {}",
        console_line(prefix(line, half), half),
        console_line(suffix(line, half), half)
    )
}
