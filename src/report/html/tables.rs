//! The tables: capabilities, workers, slowest executions, all executions.

use crate::report::{
    PlanReport, ReportEntry,
    time_text::millis_between,
    view::{Cell, Mark, ReportView, Table},
};

use super::{
    Detailed, MAX_NAME,
    card::{self, filters},
    markup::Markup,
};

/// Most rows of the table of all executions.
const MAX_ROWS: usize = 5_000;
/// After this many bytes that table ends.
const ROW_BUDGET: usize = 4 << 20;
/// Most rows of any other table.
const MAX_OTHERS: usize = 200;
/// How many of the slowest are named.
const SLOWEST: usize = 10;

/// A section with one table; nothing for a table without rows.
pub(crate) fn table(page: &mut Markup, table: &Table) {
    if table.rows.is_empty() {
        return;
    }
    page.raw("<section id=\"")
        .raw(table.id)
        .raw("\">\n<h2>")
        .raw(table.heading)
        .raw("</h2>\n<div class=\"wide\" role=\"region\" aria-label=\"")
        .raw(table.heading)
        .raw("\" tabindex=\"0\"><table>\n<thead><tr>");
    for column in table.columns {
        page.raw(if column.is_number {
            "<th scope=\"col\" class=\"n\">"
        } else {
            "<th scope=\"col\">"
        })
        .raw(column.heading)
        .raw("</th>");
    }
    page.raw("</tr></thead>\n<tbody>\n");
    for row in table.rows.iter().take(MAX_OTHERS) {
        page.raw("<tr>");
        for (index, content) in row.iter().enumerate() {
            cell(page, content, index == 0);
        }
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table></div>\n");
    if table.rows.len() > MAX_OTHERS {
        page.raw("<p class=\"more\">and ")
            .number(table.rows.len() - MAX_OTHERS)
            .raw(" more; the records have them</p>\n");
    }
    page.raw("</section>\n");
}

fn cell(page: &mut Markup, cell: &Cell, is_heading: bool) {
    match cell {
        Cell::Text(text) if is_heading => {
            page.raw("<th scope=\"row\"><bdi>")
                .text(text, MAX_NAME)
                .raw("</bdi></th>");
        }
        Cell::Text(text) => {
            page.raw("<td><bdi>")
                .text(text, MAX_NAME)
                .raw("</bdi></td>");
        }
        Cell::Count(count) => {
            let class = if *count == 0 { "zero" } else { "" };
            number(page, class).amount(*count).raw("</td>");
        }
        Cell::MarkedCount(count, mark) => {
            let class = if *count == 0 { "zero" } else { mark.class };
            number(page, class).amount(*count).raw("</td>");
        }
        Cell::Duration(duration) => {
            number(page, "").span(*duration).raw("</td>");
        }
        Cell::Percent(percent) => {
            number(page, "").number(*percent).raw(" %</td>");
        }
        Cell::Marked(mark, words) => {
            page.raw("<td>");
            state(page, *mark, words).raw("</td>");
        }
    }
}

fn number<'a>(page: &'a mut Markup, class: &'static str) -> &'a mut Markup {
    page.raw("<td class=\"n ").raw(class).raw("\">")
}

/// A state in its colour, with its symbol.
pub(crate) fn state<'a>(page: &'a mut Markup, mark: Mark, words: &'static str) -> &'a mut Markup {
    page.raw("<span class=\"state ")
        .raw(mark.class)
        .raw("\"><span aria-hidden=\"true\">")
        .raw(mark.symbol)
        .raw("</span> ")
        .raw(words)
        .raw("</span>")
}

pub(super) fn slowest(page: &mut Markup, view: &ReportView<'_>) {
    let slowest = view.slowest(SLOWEST);
    let Some((_, longest)) = slowest.first().copied() else {
        return;
    };
    page.raw("<section id=\"slowest\">\n<h2>Slowest</h2>\n<ol class=\"slowest\">\n");
    for (entry, duration) in slowest {
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

/// All tests, the important ones first. Rows of executions without a card have the anchor.
pub(super) fn executions(page: &mut Markup, view: &ReportView<'_>, detailed: &Detailed) {
    let report = view.report;
    page.raw("<section id=\"all\">\n<h2>All tests <span class=\"count\">")
        .amount(report.tests().total)
        .raw("</span></h2>\n");
    if report.entries.is_empty() {
        page.raw("<p class=\"quiet\">No execution is known by its number.</p>\n</section>\n");
        return;
    }
    let servers = report.attempts().any(|(_, it)| it.squish_server.is_some());
    page.raw("<div class=\"wide\" role=\"region\" aria-label=\"All tests\" tabindex=\"0\"><table id=\"executions\">\n<thead><tr><th scope=\"col\" class=\"m\">Result</th><th scope=\"col\" class=\"n\">No.</th><th scope=\"col\">Test</th><th scope=\"col\" class=\"m\">Runs under</th><th scope=\"col\" class=\"m\">Worker</th>")
        .raw(if servers { "<th scope=\"col\" class=\"m\">Squish server</th>" } else { "" })
        .raw("<th scope=\"col\" class=\"n\">Start</th><th scope=\"col\" class=\"n\">Took</th><th scope=\"col\" class=\"n\">Attempts</th></tr></thead>\n<tbody>\n");
    let start = page.len();
    let mut shown = 0;
    for section in &view.sections {
        for entry in section.primary() {
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
    let mark = Mark::of_status(entry.status);
    page.raw("<tr");
    if anchor {
        page.raw(" id=\"e-").number(entry.execution.0).raw("\"");
    }
    filters(page, entry);
    page.raw("><td class=\"state ")
        .raw(mark.class)
        .raw("\"><span aria-hidden=\"true\">")
        .raw(mark.symbol)
        .raw("</span> ")
        .raw(mark.word);
    for (holds, word) in [
        (entry.ruling.is_excused, ", quarantined"),
        (entry.flaky, ", flaky"),
        (entry.recovered, ", recovered"),
    ] {
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
            let start = millis_between(first, attempt.reserved);
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
