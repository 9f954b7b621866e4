//! One execution in detail: its texts, then its attempts.

use crate::report::{PlanReport, ReportEntry, failure_details::FailureDetails, view::Mark};

use super::{Files, MAX_MESSAGE, MAX_NAME, attempt_texts, attempts, markup::Markup};

/// Writes the card. `unfold` opens its first text.
pub(super) fn card(
    page: &mut Markup,
    report: &PlanReport,
    entry: &ReportEntry,
    mark: Mark,
    unfold: bool,
    files: Files<'_>,
) {
    let status = Mark::of_status(entry.status);
    page.raw("<article class=\"card ")
        .raw(mark.class)
        .raw("\" id=\"e-")
        .number(entry.execution.0)
        .raw("\"");
    filters(page, entry);
    page.raw(">\n<div class=\"head\"><h3><span class=\"mark ")
        .raw(status.class)
        .raw("\" aria-hidden=\"true\">")
        .raw(status.symbol)
        .raw("</span> <span class=\"off\">")
        .raw(status.word)
        .raw(": </span>");
    page.raw("<span class=\"name\">");
    name(page, entry);
    page.raw("</span></h3>\n<p class=\"line\"><a href=\"#e-")
        .number(entry.execution.0)
        .raw("\" title=\"Link to this execution\">#")
        .number(entry.execution.0)
        .raw("</a>");
    if let Some(labels) = entry.labels() {
        page.raw(" <span>")
            .text(&labels.to_string(), MAX_NAME)
            .raw("</span>");
    }
    if let Some(duration) = entry.duration_ms() {
        page.raw(" <span>").span(duration).raw("</span>");
    }
    page.raw("</p></div>\n");
    if !entry.explanations.is_empty() {
        page.raw("<ul class=\"why\">\n");
        for explanation in &entry.explanations {
            page.raw("<li>")
                .text(&explanation.to_string(), MAX_MESSAGE)
                .raw("</li>\n");
        }
        page.raw("</ul>\n");
    }
    let room = attempt_texts::COUNTED.unfolded(unfold);
    if let Some(attempt) = entry.counted() {
        attempt_texts::all(page, entry, attempt, room, files);
    } else {
        let problem = FailureDetails::of_entry(entry);
        attempt_texts::message(page, problem.message(), "", problem.details(), room);
    }
    attempts::attempts(page, report, entry, files);
    page.raw("</article>\n");
}

/// Suite and test case, each isolated for its writing direction.
pub(super) fn name(page: &mut Markup, entry: &ReportEntry) {
    if !entry.test.suite.trim().is_empty() {
        page.raw("<bdi class=\"suite\">")
            .text(&entry.test.suite, MAX_NAME)
            .raw("</bdi> ");
    }
    page.raw("<bdi>")
        .text(&entry.test.testcase, MAX_NAME)
        .raw("</bdi>");
    if let Some(tests) = entry.tests_in_words() {
        page.raw(" <span class=\"quiet\">")
            .text(&tests, MAX_NAME)
            .raw("</span>");
    }
}

/// The attribute that the filters read.
pub(super) fn filters(page: &mut Markup, entry: &ReportEntry) {
    page.raw(" data-s=\"").raw(entry.status.word());
    if entry.ruling.is_excused {
        page.raw(" quarantined");
    }
    if entry.flaky {
        page.raw(" flaky");
    }
    if entry.recovered {
        page.raw(" recovered");
    }
    page.raw("\"");
}
