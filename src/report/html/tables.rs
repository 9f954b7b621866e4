//! The tables: capabilities, workers, slowest executions, all executions.

use crate::report::{PlanReport, ReportEntry};

use super::{
    Detailed, MAX_NAME, card,
    kind::{self, Kind},
    markup::Markup,
    since,
};

/// Most rows of the table of all executions.
const MAX_ROWS: usize = 5_000;
/// Length after which that table ends, in bytes of the file.
const ROW_BUDGET: usize = 4 << 20;
/// Most rows of any other table.
const MAX_OTHERS: usize = 200;
/// How many of the slowest are named.
const SLOWEST: usize = 10;

/// One row per set of required capabilities.
pub(super) fn capabilities(page: &mut Markup, report: &PlanReport) {
    let table = report.by_capability();
    if table.is_empty() {
        return;
    }
    open(
        page,
        "<section id=\"capabilities\">\n<h2>By capability</h2>\n",
        "Executions by capability",
        "<th scope=\"col\">Needs</th><th scope=\"col\">planned</th><th scope=\"col\">passed</th><th scope=\"col\">failed</th><th scope=\"col\">could not run</th><th scope=\"col\">missing</th><th scope=\"col\">skipped</th><th scope=\"col\">workers</th><th scope=\"col\">busy</th>",
    );
    for (labels, row) in table.iter().take(MAX_OTHERS) {
        page.raw("<tr><th scope=\"row\"><bdi>")
            .text(&labels.to_string(), MAX_NAME)
            .raw("</bdi></th>");
        let counts = row.counts;
        for (class, count) in [
            ("", counts.total),
            ("passed", counts.passed),
            ("failed", counts.failed),
            ("error", counts.errors),
            ("missing", counts.missing),
            ("", counts.skipped),
            ("", row.workers as u64),
        ] {
            page.raw("<td class=\"n ")
                .raw(if count == 0 { "zero" } else { class })
                .raw("\">")
                .amount(count)
                .raw("</td>");
        }
        page.raw("<td class=\"n\">")
            .span(row.busy_ms)
            .raw("</td></tr>\n");
    }
    close(page, table.len(), MAX_OTHERS);
}

/// One row per worker.
pub(super) fn workers(page: &mut Markup, report: &PlanReport) {
    if report.workers.is_empty() {
        return;
    }
    open(
        page,
        "<section id=\"workers\">\n<h2>Workers</h2>\n",
        "Workers",
        "<th scope=\"col\">Worker</th><th scope=\"col\">offers</th><th scope=\"col\">attempts</th><th scope=\"col\">busy</th><th scope=\"col\">there for</th><th scope=\"col\">in use</th><th scope=\"col\">left</th>",
    );
    for worker in report.workers.iter().take(MAX_OTHERS) {
        let there = since(worker.ended, worker.began);
        page.raw("<tr><th scope=\"row\"><bdi>")
            .text(&worker.name, MAX_NAME)
            .raw("</bdi></th><td><bdi>")
            .text(&worker.capabilities.to_string(), MAX_NAME)
            .raw("</bdi></td><td class=\"n\">")
            .amount(worker.attempts)
            .raw("</td><td class=\"n\">")
            .span(worker.busy_ms)
            .raw("</td><td class=\"n\">")
            .span(there)
            .raw("</td><td class=\"n\">")
            .number(worker.busy_ms.saturating_mul(100) / there.max(1))
            .raw(" %</td><td>");
        match &worker.left {
            Some(reason) => page.raw("<bdi>").text(reason, MAX_NAME).raw("</bdi>"),
            None => page.raw("<span class=\"state lost\"><span aria-hidden=\"true\">✂</span> killed: its record has no end</span>"),
        };
        page.raw("</td></tr>\n");
    }
    close(page, report.workers.len(), MAX_OTHERS);
}

/// Where the time goes.
pub(super) fn slowest(page: &mut Markup, report: &PlanReport) {
    let slowest = report.slowest(SLOWEST);
    let Some(longest) = slowest.first().and_then(|entry| entry.duration_ms()) else {
        return;
    };
    page.raw("<section id=\"slowest\">\n<h2>Slowest</h2>\n<ol class=\"slowest\">\n");
    for entry in slowest {
        let duration = entry.duration_ms().unwrap_or_default();
        page.raw("<li><span class=\"n\">")
            .span(duration)
            .raw("</span><svg height=\"8\" aria-hidden=\"true\"><rect class=\"length\" height=\"8\" width=\"")
            .percent(duration, longest)
            .raw("\"/></svg><span class=\"name\">");
        card::name(page, entry);
        page.raw("</span></li>\n");
    }
    page.raw("</ol>\n</section>\n");
}

/// All of them, the important ones first. Rows of executions without a card carry the anchor.
pub(super) fn executions(page: &mut Markup, report: &PlanReport, detailed: &Detailed) {
    page.raw("<section id=\"all\">\n<h2>All executions <span class=\"count\">")
        .amount(report.counts().total)
        .raw("</span></h2>\n");
    if report.entries.is_empty() {
        page.raw("<p class=\"quiet\">No execution is known by its number.</p>\n</section>\n");
        return;
    }
    let servers = report.attempts().any(|(_, it)| it.squish_server.is_some());
    page.raw("<div class=\"wide\" role=\"region\" aria-label=\"All executions\" tabindex=\"0\"><table id=\"executions\">\n<thead><tr><th scope=\"col\" class=\"m\">Result</th><th scope=\"col\" class=\"n\">No.</th><th scope=\"col\">Test</th><th scope=\"col\" class=\"m\">Runs under</th><th scope=\"col\" class=\"m\">Worker</th>")
        .raw(if servers { "<th scope=\"col\" class=\"m\">Squish server</th>" } else { "" })
        .raw("<th scope=\"col\" class=\"n\">Start</th><th scope=\"col\" class=\"n\">Took</th><th scope=\"col\" class=\"n\">Attempts</th></tr></thead>\n<tbody>\n");
    let start = page.len();
    let mut shown = 0;
    for kind in Kind::ALL {
        for entry in report.entries.iter().filter(|it| Kind::of(it) == kind) {
            if shown >= MAX_ROWS || page.len() - start > ROW_BUDGET {
                break;
            }
            row(
                page,
                report,
                entry,
                servers,
                !detailed.contains(&entry.execution),
            );
            shown += 1;
        }
    }
    page.raw("</tbody>\n</table></div>\n");
    if shown < report.entries.len() {
        page.raw("<p class=\"more\">")
            .amount((report.entries.len() - shown) as u64)
            .raw(" more are left out so that this page stays quick: the least important ones, passed if there are enough of these. <code>junit.xml</code> has all of them.</p>\n");
    }
    page.raw("</section>\n");
}

fn row(page: &mut Markup, report: &PlanReport, entry: &ReportEntry, servers: bool, anchor: bool) {
    let look = kind::status(entry.status);
    page.raw("<tr");
    if anchor {
        page.raw(" id=\"e-").number(entry.execution.0).raw("\"");
    }
    kind::filters(page, entry);
    page.raw("><td class=\"state ")
        .raw(look.class)
        .raw("\"><span aria-hidden=\"true\">")
        .raw(look.symbol)
        .raw("</span> ")
        .raw(look.word);
    for (holds, word) in [(entry.flaky, ", flaky"), (entry.recovered, ", recovered")] {
        page.raw(if holds { word } else { "" });
    }
    page.raw("</td><td class=\"n\"><a href=\"#e-")
        .number(entry.execution.0)
        .raw("\">")
        .number(entry.execution.0)
        .raw("</a></td><th scope=\"row\">");
    card::name(page, entry);
    page.raw("</th><td>");
    if let Some(labels) = entry.labels() {
        page.text(&labels.to_string(), MAX_NAME);
    }
    page.raw("</td>");
    let attempt = entry.counted().or_else(|| entry.attempts.last());
    page.raw("<td>")
        .text(attempt.map_or("", |it| it.worker.as_str()), MAX_NAME)
        .raw("</td>");
    if servers {
        let server = attempt.and_then(|it| it.squish_server.as_deref());
        page.raw("<td>")
            .text(server.unwrap_or_default(), MAX_NAME)
            .raw("</td>");
    }
    match attempt {
        Some(attempt) => {
            let first = report.span.map_or(attempt.reserved, |(first, _)| first);
            let start = since(attempt.reserved, first);
            page.raw("<td class=\"n\" data-v=\"")
                .number(start)
                .raw("\">+")
                .span(start)
                .raw("</td>");
        }
        None => {
            page.raw("<td></td>");
        }
    }
    match entry.duration_ms() {
        Some(duration) => page
            .raw("<td class=\"n\" data-v=\"")
            .number(duration)
            .raw("\">")
            .span(duration)
            .raw("</td>"),
        None => page.raw("<td></td>"),
    };
    page.raw("<td class=\"n\">")
        .number(entry.attempts.len())
        .raw("</td></tr>\n");
}

/// Begins a section with a table that scrolls by itself where it is too wide.
fn open(page: &mut Markup, section: &'static str, label: &'static str, columns: &'static str) {
    page.raw(section)
        .raw("<div class=\"wide\" role=\"region\" aria-label=\"")
        .raw(label)
        .raw("\" tabindex=\"0\"><table>\n<thead><tr>")
        .raw(columns)
        .raw("</tr></thead>\n<tbody>\n");
}

fn close(page: &mut Markup, all: usize, shown: usize) {
    page.raw("</tbody>\n</table></div>\n");
    if all > shown {
        page.raw("<p class=\"more\">and ")
            .number(all - shown)
            .raw(" more; the records have them</p>\n");
    }
    page.raw("</section>\n");
}
