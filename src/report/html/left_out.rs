//! The lines of listings that were left out of the plan.

use crate::{
    model::LeftOut,
    report::{PlanReport, discovery_text},
};

use super::{MAX_NAME, markup::Markup};

/// Most lines named above the executions.
const MAX_FIRST: usize = 20;
/// Most lines and tests named below them.
const MAX_ROWS: usize = 100;

/// Lines because of which tests may be missing; nothing if there are none.
pub(super) fn suspicious(page: &mut Markup, report: &PlanReport) {
    let Some(account) = &report.discovery else {
        return;
    };
    if account.suspicious_lines == 0 {
        return;
    }
    page.raw("<section class=\"group missing\" id=\"left-out\">\n<h2><span class=\"mark\" aria-hidden=\"true\">!</span> Tests may be missing <span class=\"count\">")
        .amount(account.suspicious_lines)
        .raw("</span></h2>\n<p class=\"quiet\">")
        .text(discovery_text::meaning(account), MAX_NAME)
        .raw(". To do: ")
        .text(discovery_text::help(account), MAX_NAME)
        .raw("</p>\n");
    rows(
        page,
        account.suspicious(),
        account.suspicious_lines,
        MAX_FIRST,
    );
    page.raw("</section>\n");
}

/// How many lines became tests, and the others, unless every line is a test.
pub(super) fn account(page: &mut Markup, report: &PlanReport) {
    let Some(account) = report.discovery.as_ref().filter(|it| !it.is_clean()) else {
        return;
    };
    page.raw("<section id=\"discovery\">\n<h2>Discovery</h2>\n<p>")
        .text(&discovery_text::sentence(account), MAX_NAME)
        .raw("</p>\n");
    let others = account
        .left_out_lines
        .saturating_sub(account.suspicious_lines);
    if others > 0 {
        page.raw("<details><summary>Other lines that were left out <span class=\"count\">")
            .amount(others)
            .raw("</span></summary>\n");
        let lines = account.left_out.iter().filter(|line| !line.suspicious);
        rows(page, lines, others, MAX_ROWS);
        page.raw("</details>\n");
    }
    if !account.duplicates.is_empty() {
        page.raw("<details><summary>Tests that were listed more than once <span class=\"count\">")
            .amount(account.duplicates.len() as u64)
            .raw("</span></summary>\n<ul class=\"sentences\">\n");
        for test in account.duplicates.iter().take(MAX_ROWS) {
            page.raw("<li>")
                .text(&test.to_string(), MAX_NAME)
                .raw("</li>\n");
        }
        more(page, "li", account.duplicates.len() as u64, MAX_ROWS);
        page.raw("</ul>\n</details>\n");
    }
    page.raw("</section>\n");
}

fn rows<'a>(page: &mut Markup, lines: impl Iterator<Item = &'a LeftOut>, all: u64, most: usize) {
    page.raw("<div class=\"wide\" role=\"region\" aria-label=\"Lines that were left out\" tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\" class=\"n\">Line</th><th scope=\"col\">Text</th><th scope=\"col\">Why it was left out</th></tr></thead>\n<tbody>\n");
    for line in lines.take(most) {
        page.raw("<tr><td class=\"n\">");
        if line.number > 0 {
            page.number(line.number);
        }
        page.raw("</td><td><code class=\"exact\">")
            .block(&line.line, 2 * MAX_NAME)
            .raw("</code></td><td>")
            .text(&line.reason, MAX_NAME)
            .raw("</td></tr>\n");
    }
    page.raw("</tbody>\n</table></div>\n");
    more(page, "p", all, most);
}

fn more(page: &mut Markup, element: &'static str, all: u64, most: usize) {
    let more = all.saturating_sub(most as u64);
    if more == 0 {
        return;
    }
    page.raw(if element == "p" {
        "<p class=\"more\">and "
    } else {
        "<li>and "
    })
    .amount(more)
    .raw(" more; <code>testplan list</code> names them")
    .raw(if element == "p" { "</p>\n" } else { "</li>\n" });
}
