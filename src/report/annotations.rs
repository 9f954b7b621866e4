//! What is worth a note beside the code: few findings, most useful first, since CI shows only few.
//!
//! First what cannot be trusted (broken, missing, could not run), then failures; what has a place in a file before
//! what has none; and whatever says the same as another one behind all that say something new. Texts are clean.

mod place;
mod words;

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use super::{EntryStatus, PlanReport, ReportEntry, clean::prefix, sanitise::console_line};
use words::Reason;

pub use place::Folders;

/// Most errors: a step can make no more of one level.
const MOST: usize = 10;
/// Most warnings: they are not why somebody looks.
const FEW: usize = 5;
/// Longest sentence of a finding about the whole plan, in bytes.
const MAX_SENTENCE: usize = 1000;
/// How much of a message tells it from others, in bytes.
const MAX_COMPARED: usize = 1000;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnnotationLevel {
    /// It keeps the plan from passing.
    Error,
    /// It does not, but somebody should look.
    Warning,
}

/// A note on one execution or on the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportAnnotation {
    /// How bad it is.
    pub level: AnnotationLevel,
    /// One line of at most 250 bytes: what happened to whom.
    pub title: String,
    /// Lines of at most 4,000 bytes: test, capabilities, and what is known of the reason.
    pub message: String,
    /// The file it is about, relative to the workspace, with `/`.
    pub file: Option<String>,
    /// The line in it, 1 for the first; `None` without a file.
    pub line: Option<u32>,
}

impl ReportAnnotation {
    fn on_plan(level: AnnotationLevel, title: &str, message: String) -> Self {
        Self {
            level,
            title: title.to_owned(),
            message,
            file: None,
            line: None,
        }
    }
}

/// The findings of a report, one per execution, errors first: at most ten errors and five warnings, and `limit` in
/// all. Where there are more of a level, its last finding says how many.
pub fn annotations(
    report: &PlanReport,
    folders: Folders<'_>,
    limit: usize,
) -> Vec<ReportAnnotation> {
    let mut findings = shown(
        AnnotationLevel::Error,
        &errors(report, folders),
        MOST.min(limit),
    );
    let room = limit.saturating_sub(findings.len());
    let warnings = shown(
        AnnotationLevel::Warning,
        &warnings(report, folders),
        FEW.min(room),
    );
    findings.extend(warnings);
    findings
}

/// What may become a finding. Texts are made of the few that do.
enum AnnotationCandidate<'a> {
    Plan(&'static str, &'a str),
    Counted(&'static str, String),
    Execution(Reason<'a>),
}

impl AnnotationCandidate<'_> {
    /// The same for two that say the same. Digits make no difference: times, ports and numbers of workers change.
    fn signature(&self) -> u64 {
        let (title, text) = match self {
            Self::Plan(title, text) => (*title, *text),
            Self::Counted(title, text) => (*title, text.as_str()),
            Self::Execution(reason) => (reason.word, reason.said()),
        };
        let mut hasher = DefaultHasher::new();
        title.hash(&mut hasher);
        let text = prefix(text, MAX_COMPARED);
        for part in text
            .split(|c: char| c.is_ascii_digit())
            .filter(|part| !part.is_empty())
        {
            part.hash(&mut hasher);
        }
        hasher.finish()
    }

    fn finding(&self, level: AnnotationLevel) -> ReportAnnotation {
        match self {
            Self::Plan(title, text) => {
                ReportAnnotation::on_plan(level, title, console_line(text, MAX_SENTENCE))
            }
            Self::Counted(title, text) => ReportAnnotation::on_plan(level, title, text.clone()),
            Self::Execution(reason) => ReportAnnotation {
                level,
                title: reason.title(),
                message: reason.message(),
                file: reason.place().map(|place| place.file.clone()),
                line: reason.place().and_then(|place| place.line),
            },
        }
    }
}

/// The first of them; if not all fit, one place is left for their number.
fn shown(
    level: AnnotationLevel,
    candidates: &[AnnotationCandidate<'_>],
    most: usize,
) -> Vec<ReportAnnotation> {
    let all = candidates.len();
    let fitting = if all > most {
        most.saturating_sub(1)
    } else {
        all
    };
    let mut findings: Vec<ReportAnnotation> = candidates[..fitting]
        .iter()
        .map(|candidate| candidate.finding(level))
        .collect();
    if all > most && most > 0 {
        let what = match level {
            AnnotationLevel::Error => "failed or cannot be trusted",
            AnnotationLevel::Warning => "flaky or recovered",
        };
        let more = if fitting > 0 { " more" } else { "" };
        let message = format!("{}{more} {what}: see the job summary", all - fitting);
        findings.push(ReportAnnotation::on_plan(
            level,
            "More in the job summary",
            message,
        ));
    }
    findings
}

fn errors<'a>(report: &'a PlanReport, folders: Folders<'_>) -> Vec<AnnotationCandidate<'a>> {
    let broken = report
        .broken
        .iter()
        .map(|it| AnnotationCandidate::Plan("Broken invariant", it));
    let mut candidates: Vec<AnnotationCandidate<'_>> = broken.collect();
    if report.unnamed_missing > 0 {
        let message = format!(
            "{} without a result, which no record names",
            report.unnamed_missing
        );
        candidates.push(AnnotationCandidate::Counted("Missing executions", message));
    }
    if let Some(there) = &report.service_counts
        && there.failed > 0
    {
        let message = format!("{} failed. {}", there.failed, there.sentence());
        let message = console_line(&message, MAX_SENTENCE);
        candidates.push(AnnotationCandidate::Counted("Failed tests", message));
    }
    if report.open_at_service > 0 && report.counts().missing == 0 {
        let message = format!("{} not done, by the service's word", report.open_at_service);
        candidates.push(AnnotationCandidate::Counted("Missing executions", message));
    }
    for status in [
        EntryStatus::Missing,
        EntryStatus::CouldNotRun,
        EntryStatus::Failed,
    ] {
        candidates.extend(placed_first(
            report
                .with_status(status)
                .map(|entry| Reason::of_trouble(entry, folders)),
        ));
    }
    new_first(candidates)
}

fn warnings<'a>(report: &'a PlanReport, folders: Folders<'_>) -> Vec<AnnotationCandidate<'a>> {
    let fine =
        |entry: &&ReportEntry| matches!(entry.status, EntryStatus::Passed | EntryStatus::Skipped);
    let flaky = report
        .entries
        .iter()
        .filter(fine)
        .filter(|entry| entry.flaky);
    let recovered = report
        .entries
        .iter()
        .filter(fine)
        .filter(|entry| entry.recovered && !entry.flaky);
    let mut candidates = placed_first(flaky.map(|entry| Reason::of_flakiness(entry, folders)));
    candidates
        .extend(recovered.map(|entry| AnnotationCandidate::Execution(Reason::of_recovery(entry))));
    new_first(candidates)
}

fn placed_first<'a>(reasons: impl Iterator<Item = Reason<'a>>) -> Vec<AnnotationCandidate<'a>> {
    let (mut placed, others): (Vec<_>, Vec<_>) =
        reasons.partition(|reason| reason.place().is_some());
    placed.extend(others);
    placed
        .into_iter()
        .map(AnnotationCandidate::Execution)
        .collect()
}

fn new_first(candidates: Vec<AnnotationCandidate<'_>>) -> Vec<AnnotationCandidate<'_>> {
    let mut seen = HashSet::new();
    let (mut new, again): (Vec<_>, Vec<_>) = candidates
        .into_iter()
        .partition(|candidate| seen.insert(candidate.signature()));
    new.extend(again);
    new
}
