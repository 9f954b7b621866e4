//! The parts of the page that are lists of names.

use crate::report::{EntryStatus, PlanReport, ReportEntry, sanitise::markdown_text, span::human};

use super::{MAX_MESSAGE, Page, name};

/// How many of the slowest are named.
const SLOWEST: usize = 5;

/// Planned executions without a counted result.
pub(in crate::report::summary) fn missing(page: &mut Page, report: &PlanReport, most: usize) {
    let counts = report.counts();
    if counts.missing == 0 {
        return;
    }
    page.push(&format!("#### Missing ({})\n\n", counts.missing));
    list(
        page,
        report.with_status(EntryStatus::Missing),
        most,
        |entry| format!("⚠ {}: {}", name(entry), reasons(entry)),
    );
    if report.unnamed_missing > 0 {
        let why = if report.service_counts.is_some() {
            "Test Center tells only how many"
        } else {
            "no record speaks of them and no list was given"
        };
        page.push(&format!(
            "Without a name, because {why}: {}.\n\n",
            report.unnamed_missing
        ));
    }
}

/// Lost once, with a result in the end: a trouble of machines.
pub(in crate::report::summary) fn recovered(page: &mut Page, report: &PlanReport, most: usize) {
    let chosen = || report.entries.iter().filter(|entry| entry.recovered);
    headed(page, "Recovered", chosen().count());
    list(page, chosen(), most, |entry| {
        format!("⚠ {}: {}", name(entry), reasons(entry))
    });
}

/// Failed before they passed.
pub(in crate::report::summary) fn flaky(page: &mut Page, report: &PlanReport, most: usize) {
    let chosen = || report.entries.iter().filter(|entry| entry.flaky);
    headed(page, "Flaky", chosen().count());
    list(page, chosen(), most, |entry| {
        if entry.earlier().next().is_some() {
            format!("{}: {}", name(entry), reasons(entry))
        } else {
            format!(
                "{}: failed before it passed in the same attempt",
                name(entry)
            )
        }
    });
}

/// Where the time goes.
pub(in crate::report::summary) fn slowest(page: &mut Page, report: &PlanReport) {
    let slowest = report.slowest(SLOWEST);
    headed(page, "Slowest", slowest.len());
    list(page, slowest.into_iter(), SLOWEST, |entry| {
        let duration = entry.duration_ms().unwrap_or_default();
        format!("{}: {}", name(entry), human(duration))
    });
}

/// What needs nobody's attention.
pub(in crate::report::summary) fn passed(page: &mut Page, report: &PlanReport) {
    let count = report.with_status(EntryStatus::Passed).count();
    if count == 0 {
        return;
    }
    page.push(&format!("<details><summary>Passed ({count})</summary>\n\n"));
    list(
        page,
        report.with_status(EntryStatus::Passed),
        usize::MAX,
        name,
    );
    page.push("</details>\n\n");
}

/// How many names the lists leave out if each shows `most`.
pub(in crate::report::summary) fn beyond(report: &PlanReport, most: usize) -> usize {
    [
        report.with_status(EntryStatus::Failed).count(),
        report.with_status(EntryStatus::CouldNotRun).count(),
        report.with_status(EntryStatus::Missing).count(),
        report.entries.iter().filter(|it| it.recovered).count(),
        report.entries.iter().filter(|it| it.flaky).count(),
    ]
    .iter()
    .map(|count| count.saturating_sub(most))
    .sum()
}

/// At most `most` items, and how many more there are.
pub(super) fn list<'a>(
    page: &mut Page,
    entries: impl Iterator<Item = &'a ReportEntry>,
    most: usize,
    item: impl Fn(&ReportEntry) -> String,
) {
    let (mut listed, mut more) = (0, 0_usize);
    for entry in entries {
        if listed == most || page.is_over() {
            more += 1;
        } else {
            page.push(&format!("- {}\n", item(entry)));
            listed += 1;
        }
    }
    if more > 0 {
        page.push(&format!("- and {more} more\n"));
    }
    if listed + more > 0 {
        page.push("\n");
    }
}

fn headed(page: &mut Page, heading: &str, count: usize) {
    if count > 0 {
        page.push(&format!("#### {heading} ({count})\n\n"));
    }
}

fn reasons(entry: &ReportEntry) -> String {
    let reasons: Vec<String> = entry
        .explanations
        .iter()
        .map(|explanation| markdown_text(&explanation.to_string(), MAX_MESSAGE))
        .collect();
    reasons.join("; ")
}
