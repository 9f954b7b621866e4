//! What needs a person, worst first: each kind of trouble a section of its own, so that a broken machine never looks like
//! a failed test.

use crate::report::PlanReport;

use super::{Detailed, MAX_MESSAGE, card, kind::Kind, markup::Markup};

/// Most executions shown in detail.
const MAX_CARDS: usize = 500;
/// Length after which no more are shown in detail, in bytes of the file.
const CARD_BUDGET: usize = 4 << 20;
/// Cards whose first words are unfolded.
const UNFOLDED: usize = 3;
/// Most sentences of a list.
const MAX_SENTENCES: usize = 100;

/// A section for each kind of trouble there is.
pub(super) fn troubles(page: &mut Markup, report: &PlanReport) -> Detailed {
    let mut detailed = Detailed::new();
    let start = page.len();
    for kind in Kind::ALL {
        let Some((look, heading, meaning)) = kind.section() else {
            continue;
        };
        let of_kind = || report.entries.iter().filter(move |it| Kind::of(it) == kind);
        let named = of_kind().count();
        let unnamed = match kind {
            Kind::Missing => report.unnamed_missing,
            Kind::Failed => report
                .service_counts
                .as_ref()
                .map_or(0, |there| there.failed),
            _ => 0,
        };
        if named == 0 && unnamed == 0 {
            continue;
        }
        page.raw("<section class=\"group ")
            .raw(look.class)
            .raw("\" id=\"")
            .raw(look.class)
            .raw("\">\n<h2><span class=\"mark\" aria-hidden=\"true\">")
            .raw(look.symbol)
            .raw("</span> ")
            .raw(heading)
            .raw(" <span class=\"count\">")
            .amount(named as u64 + unnamed)
            .raw("</span></h2>\n<p class=\"quiet\">")
            .raw(meaning)
            .raw("</p>\n");
        let mut shown = 0;
        for entry in of_kind() {
            if detailed.len() >= MAX_CARDS || page.len() - start > CARD_BUDGET {
                break;
            }
            card::card(page, report, entry, look, shown < UNFOLDED);
            detailed.insert(entry.execution);
            shown += 1;
        }
        if shown < named {
            page.raw("<p class=\"more\">")
                .amount((named - shown) as u64)
                .raw(" more are not shown in detail here. <a href=\"#all\">All executions</a> lists as many as it can; messages and output of every one are in <code>junit.xml</code>.</p>\n");
        }
        if unnamed > 0 {
            page.raw("<p class=\"more\">")
                .amount(unnamed)
                .raw(" without a name: ")
                .raw(if report.service_counts.is_some() {
                    "Test Center ran them and tells only how many"
                } else {
                    "no record speaks of them and no list was given"
                })
                .raw(".</p>\n");
        }
        page.raw("</section>\n");
    }
    detailed
}

/// Promises of the protocol that the records show broken.
pub(super) fn broken(page: &mut Markup, report: &PlanReport) {
    sentences(
        page,
        "broken",
        "Broken promises",
        "The records contradict the protocol: do not trust these results.",
        &report.broken,
    );
}

/// What could not be read or looks odd.
pub(super) fn warnings(page: &mut Markup, report: &PlanReport) {
    sentences(
        page,
        "warnings",
        "Warnings",
        "What could not be read or looks odd.",
        &report.warnings,
    );
}

fn sentences(
    page: &mut Markup,
    id: &'static str,
    heading: &'static str,
    meaning: &'static str,
    list: &[String],
) {
    if list.is_empty() {
        return;
    }
    page.raw("<section id=\"")
        .raw(id)
        .raw("\">\n<h2><span class=\"mark\" aria-hidden=\"true\">!</span> ")
        .raw(heading)
        .raw(" <span class=\"count\">")
        .number(list.len())
        .raw("</span></h2>\n<p class=\"quiet\">")
        .raw(meaning)
        .raw("</p>\n<ul class=\"sentences\">\n");
    for sentence in list.iter().take(MAX_SENTENCES) {
        page.raw("<li>").text(sentence, MAX_MESSAGE).raw("</li>\n");
    }
    if list.len() > MAX_SENTENCES {
        page.raw("<li>and ")
            .number(list.len() - MAX_SENTENCES)
            .raw(" more; <code>testplan report --format json</code> has them</li>\n");
    }
    page.raw("</ul>\n</section>\n");
}
