//! The top of the page: what the plan came to, what that means, what was run, and the counters.

use crate::report::{Counts, PlanReport, clean::prefix, service_counts::RAN_THERE};

use super::{
    HtmlOptions, MAX_MESSAGE, MAX_NAME, conclusion,
    kind::{ERROR, FAILED, FLAKY, Look, MISSING, PASSED, RECOVERED, SKIPPED},
    markup::Markup,
    title,
};

/// How much of a commit's hash tells it from all others, in bytes.
const SHORT_COMMIT: usize = 12;

/// Everything above the sections.
pub(super) fn header(page: &mut Markup, report: &PlanReport, options: &HtmlOptions<'_>) {
    let end = report.conclusion();
    let look = conclusion(end);
    page.raw("<header class=\"")
        .raw(look.class)
        .raw("\">\n<h1><span class=\"verdict\"><span class=\"seal\" aria-hidden=\"true\">")
        .raw(look.symbol)
        .raw("</span> <span class=\"word\">")
        .raw(look.word)
        .raw("</span></span> <span class=\"title\">")
        .text(title(report), MAX_NAME)
        .raw("</span></h1>\n<p class=\"lead\">");
    counted(page, report);
    page.raw(" in ").span(report.duration_ms());
    page.raw("</p>\n<p class=\"meaning\">");
    match report.cause() {
        Some(cause) => page.text(&cause.to_string(), MAX_MESSAGE),
        None => page.raw(end.meaning()),
    }
    .raw(" <span class=\"quiet\">(exit code ")
    .number(end.code())
    .raw(")</span></p>\n");
    if report.open_at_service > 0 {
        page.raw("<p class=\"meaning\">The service says that ")
            .amount(report.open_at_service)
            .raw(" are open or reserved still.</p>\n");
    }
    let by_exit_code = report.passed_by_exit_code();
    if by_exit_code > 0 {
        page.raw("<p class=\"meaning quiet\">")
            .amount(by_exit_code)
            .raw(" passed by exit code alone: no result file shows what ran.</p>\n");
    }
    if let Some(gap) = report
        .proof
        .gap()
        .filter(|_| report.service_counts.is_none())
    {
        page.raw("<p class=\"meaning quiet\">")
            .raw(gap)
            .raw("</p>\n");
    }
    if let Some(there) = &report.service_counts {
        page.raw("<p class=\"meaning\">");
        match there.link() {
            Some(link) => page
                .text(RAN_THERE, MAX_MESSAGE)
                .raw(": <a href=\"")
                .text(link, MAX_MESSAGE)
                .raw("\">Test Center</a>"),
            None => page.text(&there.sentence(), MAX_MESSAGE),
        };
        page.raw("</p>\n");
    }
    proportions(page, report.counts());
    facts(page, report, options);
    counters(page, report.counts());
    page.raw("</header>\n");
}

/// The counts in words, worst first, without zeros.
pub(super) fn counted(page: &mut Markup, report: &PlanReport) {
    let counts = report.counts();
    let mut first = true;
    for (look, count) in looks(counts) {
        if count > 0 {
            page.raw(if first { "" } else { ", " })
                .amount(count)
                .raw(" ")
                .raw(look.word);
            first = false;
        }
    }
    if first {
        page.raw("nothing to run");
    }
}

fn looks(counts: Counts) -> [(Look, u64); 7] {
    [
        (FAILED, counts.failed),
        (ERROR, counts.errors),
        (MISSING, counts.missing),
        (FLAKY, counts.flaky),
        (RECOVERED, counts.recovered),
        (SKIPPED, counts.skipped),
        (PASSED, counts.passed),
    ]
}

/// A bar of how many stand how. It says nothing that the words above do not.
fn proportions(page: &mut Markup, counts: Counts) {
    if counts.total == 0 {
        return;
    }
    page.raw("<svg class=\"proportions\" height=\"10\" aria-hidden=\"true\">");
    let mut before = 0;
    for (look, count) in looks(counts) {
        // Flaky and recovered ones are among the others already.
        if count == 0 || [FLAKY, RECOVERED].contains(&look) {
            continue;
        }
        page.raw("<rect class=\"bar ")
            .raw(look.class)
            .raw("\" height=\"10\" x=\"")
            .percent(before, counts.total)
            .raw("\" width=\"")
            .percent(count, counts.total)
            .raw("\"/>");
        before += count;
    }
    page.raw("</svg>\n");
}

fn facts(page: &mut Markup, report: &PlanReport, options: &HtmlOptions<'_>) {
    page.raw("<dl class=\"facts\">\n");
    if let Some(plan) = &report.plan {
        page.raw("<div><dt>Plan</dt><dd>#")
            .number(plan.id.0)
            .raw("</dd></div>\n");
        fact(page, "Project", &plan.project);
        fact(page, "Batch", &plan.batch);
    }
    if let Some(commit) = options.commit.filter(|commit| !commit.is_empty()) {
        page.raw("<div><dt>Commit</dt><dd><code title=\"")
            .text(commit, MAX_NAME)
            .raw("\">")
            .text(prefix(commit, SHORT_COMMIT), SHORT_COMMIT)
            .raw("</code></dd></div>\n");
    }
    page.raw("<div><dt>Planned</dt><dd>")
        .amount(report.counts().total)
        .raw("</dd></div>\n<div><dt>Workers</dt><dd>")
        .number(report.workers.len())
        .raw("</dd></div>\n");
    if let Some((first, last)) = report.span {
        page.raw("<div><dt>From, to</dt><dd>")
            .time(first)
            .raw(" – ")
            .time(last)
            .raw("</dd></div>\n");
    }
    page.raw("</dl>\n");
}

fn fact(page: &mut Markup, name: &'static str, value: &str) {
    if !value.is_empty() {
        page.raw("<div><dt>")
            .raw(name)
            .raw("</dt><dd>")
            .text(value, MAX_NAME)
            .raw("</dd></div>\n");
    }
}

/// Counters lead to their sections; the script makes filters of them.
fn counters(page: &mut Markup, counts: Counts) {
    page.raw("<nav aria-label=\"Executions by result\">\n<ul class=\"counters\">\n<li><a href=\"#all\" data-show=\"all\"><b>")
        .amount(counts.total)
        .raw("</b> <span>all</span></a></li>\n");
    for (look, count) in looks(counts) {
        if count == 0 {
            continue;
        }
        let listed = [SKIPPED, PASSED].contains(&look);
        page.raw("<li><a class=\"")
            .raw(look.class)
            .raw("\" href=\"#")
            .raw(if listed { "all" } else { look.class })
            .raw("\" data-show=\"")
            .raw(look.class)
            .raw("\"><b>")
            .amount(count)
            .raw("</b> <span><span class=\"mark\" aria-hidden=\"true\">")
            .raw(look.symbol)
            .raw("</span> ")
            .raw(look.word)
            .raw("</span></a></li>\n");
    }
    page.raw("</ul>\n<div id=\"tools\" role=\"search\" hidden=\"hidden\"><label for=\"find\">Search</label> <input id=\"find\" type=\"search\" placeholder=\"test, worker, label, message\" autocomplete=\"off\" spellcheck=\"false\"/> <span id=\"said\" role=\"status\"></span></div>\n</nav>\n");
}
