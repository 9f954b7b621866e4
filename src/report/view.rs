//! What surfaces for people show, selected, ordered and worded once. A surface only renders it.

mod lanes;
mod mark;
mod section;
mod table;

use crate::{exit_code::Conclusion, text::counted};

use super::{PlanReport, ReportEntry, service_counts::RAN_THERE, time_text::duration_text};

pub(crate) use lanes::{Bar, Lane};
pub(crate) use mark::Mark;
pub(crate) use section::{Section, SectionKind};
pub(crate) use table::{Cell, Column, Table};

/// A report ready to render. The texts are raw: surfaces clean and shorten them.
#[derive(Debug)]
pub(crate) struct ReportView<'a> {
    pub(crate) report: &'a PlanReport,
    pub(crate) conclusion: Conclusion,
    pub(crate) title: &'a str,
    /// Why the plan is incomplete or who cancelled it, if that is known; otherwise what the conclusion means.
    pub(crate) meaning: String,
    /// How far the results can be trusted, and where more of them are.
    pub(crate) notes: Vec<Note<'a>>,
    /// One of each kind in order of importance, empty ones included.
    pub(crate) sections: Vec<Section<'a>>,
}

/// A sentence about the whole report.
#[derive(Debug)]
pub(crate) struct Note<'a> {
    /// Without a full stop.
    pub(crate) text: String,
    /// Where the results are, if that can be a link.
    pub(crate) link: Option<&'a str>,
}

/// Sentences under a heading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SentenceList<'a> {
    /// Anchor of its section in the page.
    pub(crate) id: &'static str,
    pub(crate) heading: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) sentences: &'a [String],
}

impl<'a> ReportView<'a> {
    pub(crate) fn of(report: &'a PlanReport) -> Self {
        let conclusion = report.conclusion();
        let title = report.plan.as_ref().map(|plan| plan.title.trim());
        Self {
            report,
            conclusion,
            title: title
                .filter(|title| !title.is_empty())
                .unwrap_or("Test plan"),
            meaning: meaning(report, conclusion),
            notes: notes(report),
            sections: section::sections(report),
        }
    }

    /// `3 failed, 2 flaky in 12m 40s`.
    pub(crate) fn headline(&self) -> String {
        let words = self.report.tests().in_words();
        let words = if words.is_empty() {
            "nothing to run"
        } else {
            &words
        };
        let words = format!("{words} in {}", duration_text(self.report.duration_ms()));
        match self.report.selection() {
            Some(selection) => format!("{selection}: {words}"),
            None => words,
        }
    }

    pub(crate) fn section(&self, kind: SectionKind) -> &Section<'a> {
        let mut sections = self.sections.iter();
        sections
            .find(|section| section.kind == kind)
            .expect("there is a section of every kind")
    }

    pub(crate) fn broken(&self) -> SentenceList<'a> {
        SentenceList {
            id: "broken",
            heading: "Broken invariants",
            meaning: "The records contradict the protocol: do not trust these results.",
            sentences: &self.report.broken,
        }
    }

    pub(crate) fn verdict_notes(&self) -> SentenceList<'a> {
        SentenceList {
            id: "verdicts",
            heading: "Quarantine and flaky tests",
            meaning: "Which failures count for the conclusion.",
            sentences: &self.report.verdict_notes.sentences,
        }
    }

    pub(crate) fn warnings(&self) -> SentenceList<'a> {
        SentenceList {
            id: "warnings",
            heading: "Warnings",
            meaning: "Unreadable or unexpected evidence.",
            sentences: &self.report.warnings,
        }
    }

    pub(crate) fn capabilities(&self) -> Table {
        table::capabilities(self.report)
    }

    pub(crate) fn workers(&self) -> Table {
        table::workers(self.report)
    }

    pub(crate) fn lanes(&self) -> Vec<Lane<'a>> {
        lanes::lanes(self.report)
    }

    /// The executions with the longest counted attempts, and the milliseconds of each.
    pub(crate) fn slowest(&self, most: usize) -> Vec<(&'a ReportEntry, u64)> {
        let entries = self.report.entries.iter();
        let mut timed: Vec<_> = entries
            .filter_map(|entry| Some((entry, entry.duration_ms()?)))
            .collect();
        timed.sort_by_key(|(_, duration)| std::cmp::Reverse(*duration));
        timed.truncate(most);
        timed
    }
}

fn meaning(report: &PlanReport, conclusion: Conclusion) -> String {
    if let Some(cause) = report.incomplete_cause() {
        return cause.to_string();
    }
    let cancels = report.cancels();
    if !cancels.is_empty() {
        return cancels.join("; ");
    }
    let counts = report.tests();
    match conclusion {
        Conclusion::Passed if report.stopped.is_none() && counts.quarantined > 0 => format!(
            "complete, no failure decides: {} in quarantine failed",
            counted(counts.quarantined, "test")
        ),
        Conclusion::Failed if counts.failed == 0 && counts.flaky_failed > 0 => format!(
            "complete, {} failed and then passed, which counts as failed",
            counted(counts.flaky_failed, "test")
        ),
        _ => conclusion.meaning().to_owned(),
    }
}

fn notes(report: &PlanReport) -> Vec<Note<'_>> {
    let plain = |text| Note { text, link: None };
    let mut notes = Vec::new();
    if let Some(selection) = report.selection() {
        notes.push(plain(format!(
            "A {selection} of the template ({}); the others were not run",
            selection.flags
        )));
    }
    if report.open_at_service > 0 {
        notes.push(plain(format!(
            "The service still has {} open or reserved",
            report.open_at_service
        )));
    }
    let by_exit_code = report.passed_by_exit_code();
    if by_exit_code > 0 {
        notes.push(plain(format!(
            "{by_exit_code} passed by exit code alone: no result file shows what ran"
        )));
    }
    match &report.service_counts {
        Some(there) => notes.push(Note {
            text: there
                .link()
                .map_or_else(|| there.sentence(), |_| RAN_THERE.to_owned()),
            link: there.link(),
        }),
        None => notes.extend(report.proof.gap().map(|gap| plain(gap.to_owned()))),
    }
    notes
}
