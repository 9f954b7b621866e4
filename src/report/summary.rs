//! The report as Markdown for a job summary: headline first, failures next, whatever does not fit left out by name.
//!
//! CI throws a summary away whole when it is a byte too long. So the page is rendered again with less in it until it
//! fits: a ladder of levels, each a plain value, from everything down to the headline.

mod listing;
mod page;
mod sections;
mod timeline;

use super::PlanReport;
use page::Page;
use sections::names;

/// What fits into GitHub's limit of 1 MiB with room for others who write to the same file, in bytes.
pub const DEFAULT_BUDGET: usize = 900 * 1024;

/// How much is shown.
#[derive(Clone, Copy, Debug)]
struct Level {
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

/// From everything to little. Below the last comes the headline alone.
const LADDER: [Level; 9] = [
    Level {
        passed: true,
        lines: None,
        detailed: ALL,
        timeline: true,
        names: ALL,
        rows: 200,
    },
    Level {
        passed: false,
        lines: None,
        detailed: ALL,
        timeline: true,
        names: ALL,
        rows: 200,
    },
    Level {
        passed: false,
        lines: Some(20),
        detailed: ALL,
        timeline: true,
        names: ALL,
        rows: 200,
    },
    Level {
        passed: false,
        lines: Some(20),
        detailed: 50,
        timeline: true,
        names: ALL,
        rows: 200,
    },
    Level {
        passed: false,
        lines: Some(20),
        detailed: 50,
        timeline: false,
        names: ALL,
        rows: 200,
    },
    Level {
        passed: false,
        lines: Some(20),
        detailed: 50,
        timeline: false,
        names: 500,
        rows: 200,
    },
    Level {
        passed: false,
        lines: Some(5),
        detailed: 10,
        timeline: false,
        names: 100,
        rows: 20,
    },
    Level {
        passed: false,
        lines: Some(2),
        detailed: 2,
        timeline: false,
        names: 20,
        rows: 10,
    },
    Level {
        passed: false,
        lines: Some(0),
        detailed: 0,
        timeline: false,
        names: 5,
        rows: 5,
    },
];

/// Renders the report as Markdown of at most `budget` bytes: what the file may still take.
///
/// Fences and details are always closed, and what was left out is named at the end. Below 2 KiB even the headline
/// may be cut, at a line.
pub fn render(report: &PlanReport, budget: usize) -> String {
    LADDER
        .iter()
        .find_map(|level| at_level(report, *level, budget))
        .unwrap_or_else(|| headline_alone(report, budget))
}

fn at_level(report: &PlanReport, level: Level, budget: usize) -> Option<String> {
    let mut page = Page::new(budget);
    page.push(&sections::headline(report, sections::MAX_TITLE));
    page.push(&sections::conclusion(report));
    page.push(&sections::plan(report));
    page.push(&sections::counted_there(report));
    sections::capabilities(&mut page, report, level.rows);
    sections::broken(&mut page, report, level.rows);
    listing::listing(&mut page, report, level.rows);
    sections::failed(&mut page, report, level);
    sections::could_not_run(&mut page, report, level);
    names::missing(&mut page, report, level.names);
    names::recovered(&mut page, report, level.names);
    names::flaky(&mut page, report, level.names);
    if page.is_over() {
        // What comes now looks at every execution, for a page that is thrown away.
        return None;
    }
    names::slowest(&mut page, report);
    sections::workers(&mut page, report, level.rows);
    if level.timeline {
        page.push(&timeline::timeline(report));
    }
    if level.passed {
        names::passed(&mut page, report);
    }
    sections::warnings(&mut page, report, level.rows);
    page.push(&left_out(report, level, budget));
    page.fitting()
}

/// The last rung.
fn headline_alone(report: &PlanReport, budget: usize) -> String {
    let mut page = Page::new(ALL);
    page.push(&sections::headline(report, sections::SHORT_TITLE));
    page.push(&sections::conclusion(report));
    page.push(&format!(
        "Left out to fit into {}: everything but the counts. The JUnit file and the records have it.\n",
        size(budget)
    ));
    page.cut_to(budget)
}

/// Names what this level does not show of this report.
fn left_out(report: &PlanReport, level: Level, budget: usize) -> String {
    let counts = report.counts();
    let troubled = usize::try_from(counts.failed + counts.errors).unwrap_or(ALL);
    let mut parts = Vec::new();
    if !level.passed && counts.passed > 0 {
        parts.push("the list of passed executions".to_owned());
    }
    if sections::cuts_outputs(report, level) {
        parts.push("the middle of long outputs".to_owned());
    }
    if level.detailed < troubled {
        parts.push(format!(
            "messages and output of {} executions",
            troubled - level.detailed
        ));
    }
    if !level.timeline && !report.workers.is_empty() {
        parts.push("the timeline".to_owned());
    }
    let unnamed = names::beyond(report, level.names);
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

fn size(bytes: usize) -> String {
    if bytes < 1024 {
        format!("{bytes} bytes")
    } else {
        format!("{} KiB", bytes / 1024)
    }
}
