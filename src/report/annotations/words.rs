//! What a finding says of an execution: its name, then the reason, of which the useful end is kept.

use std::borrow::Cow;

use super::{Folders, place::Place};
use crate::{
    model::{CaseCounts, CaseResult, Outcome, outcome::CaseVerdict},
    report::{
        AttemptReport, EntryStatus, ReportEntry,
        clean::{ends_of, prefix, suffix},
        sanitise::console_line,
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

/// What a case's words are where its tool has none.
const FLAKY: &str = "it failed before it passed";

/// Why an execution is worth a note, as raw text.
pub(super) struct Reason<'a> {
    /// What happened to it.
    pub(super) word: &'static str,
    entry: &'a ReportEntry,
    told: Told<'a>,
}

impl<'a> Reason<'a> {
    /// Of an execution that did not pass.
    pub(super) fn of_trouble(entry: &'a ReportEntry, folders: Folders<'_>) -> Self {
        let mut told = entry
            .counted()
            .map(|attempt| Told::of(attempt, folders))
            .unwrap_or_default();
        if entry.counted().is_none()
            && let Some(Outcome::ExecutionError { message, details }) =
                entry.service_only.as_ref().map(|it| &it.outcome)
        {
            told.message = Cow::Borrowed(message);
            told.text = details;
        }
        if told.message.is_empty() {
            told.message = explained(entry);
        }
        let word = match entry.status {
            EntryStatus::Missing => "Missing",
            EntryStatus::CouldNotRun => "Could not run",
            EntryStatus::Failed | EntryStatus::Passed | EntryStatus::Skipped => "Failed",
        };
        Self::new(word, entry, told)
    }

    /// Of one that failed before it passed.
    pub(super) fn of_flakiness(entry: &'a ReportEntry, folders: Folders<'_>) -> Self {
        let mut told = entry
            .earlier()
            .last()
            .or_else(|| entry.counted())
            .map(|attempt| Told::of(attempt, folders))
            .unwrap_or_default();
        if told.message.is_empty() {
            told.message = Cow::Borrowed(FLAKY);
        }
        Self::new("Flaky", entry, told)
    }

    /// Of one whose worker or lease was lost before it had a result.
    pub(super) fn of_recovery(entry: &'a ReportEntry) -> Self {
        let told = Told {
            message: explained(entry),
            ..Told::default()
        };
        Self::new("Recovered", entry, told)
    }

    fn new(word: &'static str, entry: &'a ReportEntry, told: Told<'a>) -> Self {
        Self { word, entry, told }
    }

    /// Where, if that is known and inside of the workspace.
    pub(super) fn place(&self) -> Option<&Place> {
        self.told.place.as_ref()
    }

    /// What tells this reason from others.
    pub(super) fn said(&self) -> &str {
        if self.told.message.is_empty() {
            self.told.text
        } else {
            &self.told.message
        }
    }

    pub(super) fn title(&self) -> String {
        console_line(&format!("{}: {}", self.word, name(self.entry)), MAX_TITLE)
    }

    pub(super) fn message(&self) -> String {
        let mut name = name(self.entry);
        if let Some(labels) = self.entry.labels().filter(|labels| !labels.is_empty()) {
            name = format!("{name} ({labels})");
        }
        let mut lines = vec![clean(&name, MAX_NAME)];
        lines.extend(kept(&self.told.message, MESSAGE_ENDS));
        if self.told.text.trim() != self.told.message.trim() {
            lines.extend(kept(self.told.text, TEXT_ENDS));
        }
        if self.told.more > 0 {
            lines.push(format!("and {} more cases of it", self.told.more));
        }
        lines.join("\n")
    }
}

/// What an attempt tells of why it did not pass at once.
#[derive(Default)]
struct Told<'a> {
    place: Option<Place>,
    message: Cow<'a, str>,
    text: &'a str,
    /// Cases that did not pass beside the one that is told of.
    more: usize,
}

impl<'a> Told<'a> {
    /// The first case that has a place speaks for all, else the first; without any, the end of the output.
    fn of(attempt: &'a AttemptReport, folders: Folders<'_>) -> Self {
        let Some(ended) = attempt.ended() else {
            return Self::default();
        };
        let troubled = || {
            let cases = ended.cases.noted().iter();
            cases.filter_map(|case| Some((case, Place::of(case, folders), words(case)?)))
        };
        let first = troubled()
            .find(|(_, place, _)| place.is_some())
            .or_else(|| troubled().next());
        let mut told = match first {
            None => Self {
                text: &ended.output_tail,
                ..Self::default()
            },
            Some((case, place, (words, text))) => Self {
                place,
                message: Cow::Owned(format!("{}: {words}", case.name)),
                text,
                more: more_than_one(ended.cases.counts()),
            },
        };
        if let Outcome::ExecutionError { message, details } = &ended.outcome {
            told.message = Cow::Borrowed(message);
            told.text = details;
        }
        told
    }
}

/// How many cases beside one did not pass at once.
fn more_than_one(counts: CaseCounts) -> usize {
    let flaky = usize::try_from(counts.flaky).unwrap_or(usize::MAX);
    counts.troubled().saturating_add(flaky).saturating_sub(1)
}

/// A line and the longer text about a case that did not pass at once.
fn words(case: &CaseResult) -> Option<(&str, &str)> {
    match &case.verdict {
        CaseVerdict::Failed(trouble) | CaseVerdict::Error(trouble) => {
            let said = [trouble.message.as_str(), trouble.kind.as_str()];
            let line = said.into_iter().find(|text| !text.trim().is_empty());
            Some((line.unwrap_or("no message"), &trouble.text))
        }
        CaseVerdict::Passed { flaky: true } => Some((FLAKY, "")),
        CaseVerdict::Passed { flaky: false } | CaseVerdict::Skipped { .. } => None,
    }
}

fn explained(entry: &ReportEntry) -> Cow<'_, str> {
    let sentences: Vec<String> = entry.explanations.iter().map(ToString::to_string).collect();
    Cow::Owned(sentences.join("\n"))
}

fn name(entry: &ReportEntry) -> String {
    if entry.test.suite.is_empty() {
        entry.test.testcase.clone()
    } else {
        entry.test.to_string()
    }
}

/// The lines at both ends, clean.
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

/// A line of at most `max` bytes with both its ends.
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
