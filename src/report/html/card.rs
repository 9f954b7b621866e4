//! One execution in detail: what it says of itself first, then how each attempt went.

use crate::report::{PlanReport, ReportEntry};

use super::{
    MAX_MESSAGE, MAX_NAME, attempts,
    kind::{self, Look},
    markup::Markup,
    words,
};

/// Writes the card. With `unfold` its first words are open from the start.
pub(super) fn card(
    page: &mut Markup,
    report: &PlanReport,
    entry: &ReportEntry,
    look: Look,
    unfold: bool,
) {
    let stands = kind::status(entry.status);
    page.raw("<article class=\"card ")
        .raw(look.class)
        .raw("\" id=\"e-")
        .number(entry.execution.0)
        .raw("\"");
    kind::filters(page, entry);
    page.raw(">\n<div class=\"head\"><h3><span class=\"mark ")
        .raw(stands.class)
        .raw("\" aria-hidden=\"true\">")
        .raw(stands.symbol)
        .raw("</span> <span class=\"off\">")
        .raw(stands.word)
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
    let room = words::COUNTED.unfolded(unfold);
    if let Some(attempt) = entry.counted() {
        words::words(page, entry, attempt, room);
    } else {
        let (message, details) = entry.trouble();
        words::said(page, &message, "", &details, room);
    }
    attempts::attempts(page, report, entry);
    page.raw("</article>\n");
}

/// Suite and test case, each in its own direction of writing.
pub(super) fn name(page: &mut Markup, entry: &ReportEntry) {
    if !entry.test.suite.trim().is_empty() {
        page.raw("<bdi class=\"suite\">")
            .text(&entry.test.suite, MAX_NAME)
            .raw("</bdi> ");
    }
    page.raw("<bdi>")
        .text(&entry.test.testcase, MAX_NAME)
        .raw("</bdi>");
}
