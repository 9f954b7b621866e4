//! The attempts of an execution: worker, time, end, and whether it counts.

use crate::report::{
    AttemptReport, Counting, PlanReport, ReportEntry, time_text::millis_between, view::Mark,
};

use super::{Files, MAX_NAME, attempt_texts, markup::Markup};

/// Most attempts listed of one execution, from the end.
const MAX_ATTEMPTS: usize = 20;

/// The list of attempts, with the texts of those that do not count.
pub(super) fn attempts(
    page: &mut Markup,
    report: &PlanReport,
    entry: &ReportEntry,
    files: Files<'_>,
) {
    if entry.attempts.is_empty() {
        return;
    }
    let hidden = entry.attempts.len().saturating_sub(MAX_ATTEMPTS);
    if hidden > 0 {
        page.raw("<p class=\"more\">")
            .number(hidden)
            .raw(" earlier attempts are left out</p>\n");
    }
    page.raw("<ul class=\"attempts\" aria-label=\"Attempts\">\n");
    for (attempt, index) in entry.attempts.iter().zip(1_usize..).skip(hidden) {
        page.raw("<li>");
        line(page, report, attempt, index);
        if attempt.counting != Counting::Counts {
            attempt_texts::all(page, entry, attempt, attempt_texts::OTHER, files);
        }
        page.raw("</li>\n");
    }
    page.raw("</ul>\n");
}

fn line(page: &mut Markup, report: &PlanReport, attempt: &AttemptReport, index: usize) {
    let mark = Mark::of_attempt(attempt);
    page.raw("<p class=\"line\"><b>attempt ");
    match attempt.number {
        Some(number) => page.number(number),
        None => page.number(index),
    };
    page.raw("</b> <span class=\"state ")
        .raw(mark.class)
        .raw("\"><span aria-hidden=\"true\">")
        .raw(mark.symbol)
        .raw("</span> ")
        .raw(mark.word)
        .raw("</span> ")
        .raw(match attempt.counting {
            Counting::Counts => "<span>counted</span>",
            Counting::UntilReset => "<span>counted until it was reset</span>",
            Counting::Not => "<span class=\"not\">not counted</span>",
        })
        .raw(" <span>worker <bdi>")
        .text(&attempt.worker, MAX_NAME)
        .raw("</bdi></span>");
    if let Some(server) = &attempt.squish_server {
        page.raw(" <span>Squish server <bdi>")
            .text(server, MAX_NAME)
            .raw("</bdi></span>");
    }
    if let Some((first, _)) = report.span {
        page.raw(" <span>at +")
            .span(millis_between(first, attempt.reserved))
            .raw("</span>");
    }
    if let Some(duration) = attempt.duration_ms() {
        page.raw(" <span>took ").span(duration).raw("</span>");
    }
    if let Some(lease) = &attempt.lease {
        page.raw(" <span>lease <code>")
            .text(lease, 40)
            .raw("</code></span>");
    }
    if let Some(log) = attempt.ended().and_then(|ended| ended.log.as_ref()) {
        page.raw(" <span>log <code>")
            .file_by_path(log, MAX_NAME)
            .raw("</code></span>");
    }
    page.raw("</p>\n");
}
