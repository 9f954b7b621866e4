//! The report as Markdown for a job summary: headline, failures, then the rest; the last line names what is left out.
//!
//! GitHub drops a summary that is one byte too long. So the page is rendered with less and less content until it fits: a
//! ladder of levels from everything down to the headline.

mod entry_name;
mod gantt;
mod listing;
mod lists;
mod markdown_page;
mod sections;

use super::{
    PlanReport,
    failure_details::FailureDetails,
    view::{ReportView, SectionKind},
};
use markdown_page::MarkdownPage;

/// Fits into GitHub's limit of 1 MiB with room for other writers of the same file, in bytes.
pub const DEFAULT_BUDGET: usize = 900 * 1024;

/// How much is shown.
#[derive(Clone, Copy, Debug)]
struct DetailLevel {
    /// List what passed.
    passed: bool,
    /// Lines kept at each end of an output; `None` for all.
    lines: Option<usize>,
    /// Failures shown with message and output.
    detailed: usize,
    /// Draw the timeline.
    timeline: bool,
    /// Names per list.
    names: usize,
    /// Rows per table.
    rows: usize,
}

const ALL: usize = usize::MAX;

/// From everything to little. After the last comes the headline alone.
const LADDER: [DetailLevel; 9] = {
    const FULL: DetailLevel = DetailLevel {
        passed: true,
        lines: None,
        detailed: ALL,
        timeline: true,
        names: ALL,
        rows: 200,
    };
    const WITHOUT_PASSED: DetailLevel = DetailLevel {
        passed: false,
        ..FULL
    };
    const SHORT_OUTPUTS: DetailLevel = DetailLevel {
        lines: Some(20),
        ..WITHOUT_PASSED
    };
    const FEWER_OUTPUTS: DetailLevel = DetailLevel {
        detailed: 50,
        ..SHORT_OUTPUTS
    };
    const WITHOUT_TIMELINE: DetailLevel = DetailLevel {
        timeline: false,
        ..FEWER_OUTPUTS
    };
    const fn few(lines: usize, detailed: usize, names: usize, rows: usize) -> DetailLevel {
        DetailLevel {
            lines: Some(lines),
            detailed,
            names,
            rows,
            ..WITHOUT_TIMELINE
        }
    }
    [
        FULL,
        WITHOUT_PASSED,
        SHORT_OUTPUTS,
        FEWER_OUTPUTS,
        WITHOUT_TIMELINE,
        few(20, 50, 500, 200),
        few(5, 10, 100, 20),
        few(2, 2, 20, 10),
        few(0, 0, 5, 5),
    ]
};

/// The sections that are shown in detail, as far as a level allows.
const DETAILED: [SectionKind; 2] = [SectionKind::Failed, SectionKind::CouldNotRun];

/// Renders the report as Markdown of at most `budget` bytes.
///
/// Fences and details are always closed, and the last line names what is left out. Below 2 KiB the headline may be cut
/// after a line.
pub fn render(report: &PlanReport, budget: usize) -> String {
    let view = ReportView::of(report);
    LADDER
        .iter()
        .find_map(|level| at_level(&view, *level, budget))
        .unwrap_or_else(|| headline_alone(&view, budget))
}

fn at_level(view: &ReportView<'_>, level: DetailLevel, budget: usize) -> Option<String> {
    let mut page = MarkdownPage::new(budget);
    sections::headline(&mut page, view, sections::MAX_TITLE);
    sections::plan(&mut page, view.report);
    sections::notes(&mut page, view);
    sections::table(&mut page, &view.capabilities(), level.rows);
    sections::sentences(&mut page, view.broken(), level.rows);
    sections::sentences(&mut page, view.verdict_notes(), level.rows);
    listing::listing(&mut page, view.report, level.rows);
    let mut detailed = level.detailed;
    for kind in DETAILED {
        sections::detailed(&mut page, view.section(kind), detailed, level);
        detailed = detailed.saturating_sub(view.section(kind).entries.len());
    }
    for kind in [
        SectionKind::Missing,
        SectionKind::Quarantined,
        SectionKind::Flaky,
        SectionKind::Recovered,
    ] {
        lists::explained(&mut page, view.section(kind), level.names);
    }
    if page.is_over() {
        // The page is dropped anyway, and the other parts look at every execution.
        return None;
    }
    lists::slowest(&mut page, view, level.detailed);
    let workers = view.workers();
    if !workers.rows.is_empty() {
        page.heading(workers.heading, workers.rows.len());
        sections::table(&mut page, &workers, level.rows);
    }
    if level.timeline {
        page.push(&gantt::timeline(view));
    }
    if level.passed {
        lists::passed(&mut page, view.section(SectionKind::Passed));
    }
    sections::sentences(&mut page, view.warnings(), level.rows);
    page.push(&left_out(view, level, budget));
    page.fitting()
}

fn headline_alone(view: &ReportView<'_>, budget: usize) -> String {
    let mut page = MarkdownPage::new(ALL);
    sections::headline(&mut page, view, sections::SHORT_TITLE);
    page.push(&format!(
        "Left out to fit into {}: everything but the counts. The JUnit file and the records have it.\n",
        size(budget)
    ));
    page.cut_to(budget)
}

/// Names what this level leaves out.
fn left_out(view: &ReportView<'_>, level: DetailLevel, budget: usize) -> String {
    let troubled: usize = DETAILED
        .map(|kind| view.section(kind).entries.len())
        .iter()
        .sum();
    let mut parts = Vec::new();
    if !level.passed && !view.section(SectionKind::Passed).entries.is_empty() {
        parts.push("the list of passed tests".to_owned());
    }
    if cuts_outputs(view, level) {
        parts.push("the middle of long outputs".to_owned());
    }
    if level.detailed < troubled {
        parts.push(format!(
            "messages and output of {} tests",
            troubled - level.detailed
        ));
    }
    if level.detailed < lists::SLOWEST {
        parts.push("some of the slowest tests".to_owned());
    }
    if !level.timeline && !view.report.workers.is_empty() {
        parts.push("the timeline".to_owned());
    }
    let sections = view.sections.iter().filter(|section| section.is_notable());
    let unnamed: usize = sections
        .filter(|section| section.kind != SectionKind::Noted)
        .map(|section| section.entries.len().saturating_sub(level.names))
        .sum();
    if unnamed > 0 {
        parts.push(format!("{unnamed} names"));
    }
    if parts.is_empty() {
        return String::new();
    }
    format!(
        "Left out to fit into {}: {}. The JUnit file and the records have all of it.\n",
        size(budget),
        parts.join("; ")
    )
}

/// Whether this level cuts an output.
fn cuts_outputs(view: &ReportView<'_>, level: DetailLevel) -> bool {
    let Some(each) = level.lines else {
        return false;
    };
    let entries = DETAILED.map(|kind| &view.section(kind).entries);
    entries
        .into_iter()
        .flatten()
        .take(level.detailed)
        .any(|entry| {
            let problem = FailureDetails::of_entry(entry);
            let texts = [problem.details(), problem.output];
            texts
                .iter()
                .any(|text| text.lines().nth(2 * each).is_some())
        })
}

fn size(bytes: usize) -> String {
    if bytes < 1024 {
        format!("{bytes} bytes")
    } else {
        format!("{} KiB", bytes / 1024)
    }
}
