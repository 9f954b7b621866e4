//! Annotations of the code: few, the most useful first, because CI shows only few.
//!
//! First results that cannot be trusted (broken, missing, could not run), then failures. Annotations with a location in a
//! file come before those without, and repeated texts come last. Texts are clean.

mod folders;
mod reason;

use std::{
    borrow::Cow,
    collections::HashSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use super::{
    PlanReport, ReportEntry,
    excerpt::prefix,
    sanitise::console_line,
    view::{ReportView, Section, SectionKind},
};
use crate::model::{Annotation, AnnotationLevel};
use reason::Reason;

pub use folders::Folders;

/// Most errors: GitHub shows no more of one level per step.
const MOST: usize = 10;
/// Most warnings: fewer, because errors matter more.
const FEW: usize = 5;
/// Longest sentence of a finding about the whole plan, in bytes.
const MAX_SENTENCE: usize = 1000;
/// How much of a message is compared with others, in bytes.
const MAX_COMPARED: usize = 1000;

/// The annotations of a report, one per execution, errors first: at most ten errors, five warnings, and `limit` in all.
/// The last one of a level counts those left out.
pub fn annotations(report: &PlanReport, folders: Folders<'_>, limit: usize) -> Vec<Annotation> {
    let view = ReportView::of(report);
    let mut annotations = shown(
        AnnotationLevel::Error,
        &errors(&view, folders),
        MOST.min(limit),
    );
    let room = limit.saturating_sub(annotations.len());
    let warnings = shown(
        AnnotationLevel::Warning,
        &warnings(&view, folders),
        FEW.min(room),
    );
    annotations.extend(warnings);
    annotations
}

/// A possible annotation. Its text is made only if it is shown.
enum AnnotationCandidate<'a> {
    Plan(&'static str, Cow<'a, str>),
    Execution(Reason<'a>),
}

impl AnnotationCandidate<'_> {
    /// Equal for equal texts. Digits are ignored: times, ports and worker numbers vary.
    fn signature(&self) -> u64 {
        let (title, text) = match self {
            Self::Plan(title, text) => (*title, text.as_ref()),
            Self::Execution(reason) => (reason.heading, reason.first_text()),
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

    fn annotation(&self, level: AnnotationLevel) -> Annotation {
        match self {
            Self::Plan(title, text) => {
                Annotation::without_file(level, title, console_line(text, MAX_SENTENCE))
            }
            Self::Execution(reason) => Annotation {
                level,
                title: reason.title(),
                message: reason.message(),
                file: reason.location.as_ref().map(|it| it.file.clone()),
                line: reason.location.as_ref().and_then(|it| it.line),
            },
        }
    }
}

/// The first candidates; if not all fit, the last annotation counts the others.
fn shown(
    level: AnnotationLevel,
    candidates: &[AnnotationCandidate<'_>],
    most: usize,
) -> Vec<Annotation> {
    let all = candidates.len();
    let fitting = if all > most {
        most.saturating_sub(1)
    } else {
        all
    };
    let mut annotations: Vec<Annotation> = candidates[..fitting]
        .iter()
        .map(|candidate| candidate.annotation(level))
        .collect();
    if all > most && most > 0 {
        let what = match level {
            AnnotationLevel::Error => "failed or cannot be trusted",
            AnnotationLevel::Warning | AnnotationLevel::Notice => "quarantined, flaky or recovered",
        };
        let more = if fitting > 0 { " more" } else { "" };
        let message = format!("{}{more} {what}: see the job summary", all - fitting);
        annotations.push(Annotation::without_file(
            level,
            "More in the job summary",
            message,
        ));
    }
    annotations
}

fn errors<'a>(view: &ReportView<'a>, folders: Folders<'_>) -> Vec<AnnotationCandidate<'a>> {
    let report = view.report;
    let broken = view.broken();
    let sentences = broken.sentences.iter();
    let mut candidates: Vec<AnnotationCandidate<'_>> = sentences
        .map(|it| AnnotationCandidate::Plan(broken.heading, it.into()))
        .collect();
    for section in &view.sections {
        candidates.extend(
            section
                .unnamed_sentence()
                .map(|sentence| AnnotationCandidate::Plan(section.heading, sentence.into())),
        );
    }
    if report.open_at_service > 0 && report.tests().missing == 0 {
        let sentence = format!(
            "{} not done according to the service",
            report.open_at_service
        );
        let heading = view.section(SectionKind::Missing).heading;
        candidates.push(AnnotationCandidate::Plan(heading, sentence.into()));
    }
    for kind in [
        SectionKind::Missing,
        SectionKind::CouldNotRun,
        SectionKind::Failed,
    ] {
        candidates.extend(placed_first(view.section(kind), |_| true, folders));
    }
    let flaky = view.section(SectionKind::Flaky);
    candidates.extend(placed_first(flaky, |it| it.ruling.flaky_fails, folders));
    new_first(candidates)
}

fn warnings<'a>(view: &ReportView<'a>, folders: Folders<'_>) -> Vec<AnnotationCandidate<'a>> {
    let sections = [
        SectionKind::Quarantined,
        SectionKind::Flaky,
        SectionKind::Recovered,
    ];
    let notes = view.verdict_notes();
    let to_act_on = view.report.verdict_notes.to_act_on;
    let sentences = notes.sentences.iter().take(to_act_on);
    let notes = sentences.map(|it| AnnotationCandidate::Plan(notes.heading, it.into()));
    let candidates =
        sections.map(|kind| placed_first(view.section(kind), |it| !it.ruling.flaky_fails, folders));
    new_first(notes.chain(candidates.into_iter().flatten()).collect())
}

fn placed_first<'a>(
    section: &Section<'a>,
    belongs: impl Fn(&ReportEntry) -> bool,
    folders: Folders<'_>,
) -> Vec<AnnotationCandidate<'a>> {
    let (mut placed, others): (Vec<_>, Vec<_>) = section
        .primary()
        .filter(|entry| belongs(entry))
        .map(|entry| Reason::of(entry, section, folders))
        .partition(|reason| reason.location.is_some());
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
