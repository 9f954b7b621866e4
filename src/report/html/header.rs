//! The top of the page: conclusion, meaning, plan, counters.

use crate::{
    report::{
        Counts, PlanReport,
        excerpt::prefix,
        view::{Mark, ReportView},
    },
    text::web_address,
};

use super::{HtmlOptions, MAX_MESSAGE, MAX_NAME, conclusion, markup::Markup, proportions};

/// Digits of a commit's hash that identify it.
const SHORT_COMMIT: usize = 12;
/// Longest link, in bytes.
const MAX_LINK: usize = 1_000;

/// Everything above the sections.
pub(super) fn header(page: &mut Markup, view: &ReportView<'_>, options: &HtmlOptions<'_>) {
    let report = view.report;
    let mark = conclusion(view.conclusion);
    page.raw("<header class=\"")
        .raw(mark.class)
        .raw("\">\n<h1><span class=\"verdict\"><span class=\"seal\" aria-hidden=\"true\">")
        .raw(mark.symbol)
        .raw("</span> <span class=\"word\">")
        .raw(mark.word)
        .raw("</span></span> <span class=\"title\">")
        .text(view.title, MAX_NAME)
        .raw("</span></h1>\n<p class=\"lead\">");
    if let Some(selection) = report.selection() {
        page.text(&selection.to_string(), MAX_NAME).raw(": ");
    }
    counted(page, report.tests());
    page.raw(" in ").span(report.duration_ms());
    page.raw("</p>\n<p class=\"meaning\">")
        .text(&view.meaning, MAX_MESSAGE)
        .raw(" <span class=\"quiet\">(exit code ")
        .number(view.conclusion.code())
        .raw(")</span></p>\n");
    for note in &view.notes {
        page.raw("<p class=\"meaning quiet\">")
            .text(&note.text, MAX_MESSAGE);
        match note.link {
            Some(link) => page
                .raw(": <a href=\"")
                .text(link, MAX_MESSAGE)
                .raw("\">Test Center</a>"),
            None => page.raw("."),
        }
        .raw("</p>\n");
    }
    // Flaky and recovered ones are among the others already.
    let counts = report.tests();
    let shown = counts.marked().into_iter();
    let shown = shown
        .filter(|(_, mark)| ![Mark::FLAKY, Mark::FLAKY_FAILED, Mark::RECOVERED].contains(mark));
    proportions(page, shown, counts.total);
    facts(page, report, options);
    counters(page, report.tests());
    page.raw("</header>\n");
}

/// The counts in words, worst first, without zeros.
pub(super) fn counted(page: &mut Markup, counts: Counts) {
    let mut first = true;
    for (count, mark) in counts.marked() {
        if count > 0 {
            page.raw(if first { "" } else { ", " })
                .amount(count)
                .raw(" ")
                .raw(mark.word);
            first = false;
        }
    }
    if first {
        page.raw("nothing to run");
    }
}

fn facts(page: &mut Markup, report: &PlanReport, options: &HtmlOptions<'_>) {
    page.raw("<dl class=\"facts\">\n");
    if let Some(plan) = &report.plan {
        page.raw("<div><dt>Plan</dt><dd>#")
            .number(plan.id.0)
            .raw("</dd></div>\n");
        fact(page, "Project", &plan.project);
        fact(page, "Batch", &plan.batch);
        if let Some(url) = plan.page_url.as_deref().and_then(web_address) {
            page.raw("<div><dt>Page</dt><dd>");
            link_outside(page, url);
            page.raw("</dd></div>\n");
        }
    }
    if let Some(commit) = options.commit.filter(|commit| !commit.is_empty()) {
        page.raw("<div><dt>Commit</dt><dd><code title=\"")
            .text(commit, MAX_NAME)
            .raw("\">")
            .text(prefix(commit, SHORT_COMMIT), SHORT_COMMIT)
            .raw("</code></dd></div>\n");
    }
    page.raw("<div><dt>Tests</dt><dd>")
        .amount(report.tests().total)
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

/// A link to a page elsewhere, which shows its host. The caller has checked that it is an address of the web.
pub(crate) fn link_outside(page: &mut Markup, address: &str) {
    let host = address.split('/').nth(2).unwrap_or(address);
    page.raw("<a rel=\"noopener noreferrer\" href=\"")
        .text(address, MAX_LINK)
        .raw("\">")
        .text(host, MAX_NAME)
        .raw("</a>");
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

/// Counters link to their sections; the script turns them into filters.
fn counters(page: &mut Markup, counts: Counts) {
    page.raw("<nav aria-label=\"Executions by result\">\n<ul class=\"counters\">\n<li><a href=\"#all\" data-show=\"all\"><b>")
        .amount(counts.total)
        .raw("</b> <span>all</span></a></li>\n");
    for (count, mark) in counts.marked() {
        if count == 0 {
            continue;
        }
        let listed = [Mark::SKIPPED, Mark::PASSED].contains(&mark);
        page.raw("<li><a class=\"")
            .raw(mark.class)
            .raw("\" href=\"#")
            .raw(if listed { "all" } else { mark.class })
            .raw("\" data-show=\"")
            .raw(mark.class)
            .raw("\"><b>")
            .amount(count)
            .raw("</b> <span><span class=\"mark\" aria-hidden=\"true\">")
            .raw(mark.symbol)
            .raw("</span> ")
            .raw(mark.word)
            .raw("</span></a></li>\n");
    }
    page.raw("</ul>\n<div id=\"tools\" role=\"search\" hidden=\"hidden\"><label for=\"find\">Search</label> <input id=\"find\" type=\"search\" placeholder=\"test, worker, label, message\" autocomplete=\"off\" spellcheck=\"false\"/> <span id=\"said\" role=\"status\"></span></div>\n</nav>\n");
}
