//! The executions that need a person, worst first. Each kind has its section: a broken machine never looks like a failed
//! test.

use crate::report::view::{ReportView, Section, SentenceList};

use super::{Detailed, Files, MAX_MESSAGE, card, markup::Markup};

/// Most executions shown in detail.
const MAX_CARDS: usize = 500;
/// After this many bytes no more are shown in detail.
const CARD_BUDGET: usize = 4 << 20;
/// Cards of a section whose first text is unfolded.
const UNFOLDED: usize = 3;
/// Most sentences of a list.
const MAX_SENTENCES: usize = 100;

/// A section for each kind of executions that need a person.
pub(super) fn notable(page: &mut Markup, view: &ReportView<'_>, files: Files<'_>) -> Detailed {
    let mut detailed = Detailed::new();
    let start = page.len();
    for section in view.sections.iter().filter(|section| section.is_notable()) {
        let named = section.primary().count();
        if named == 0 && section.unnamed == 0 {
            continue;
        }
        let count = named as u64 + section.unnamed;
        let class = section.mark.class;
        page.raw("<section class=\"group ")
            .raw(class)
            .raw("\" id=\"");
        heading(
            page,
            (class, section.mark.symbol),
            (section.heading, count),
            section.meaning,
        );
        let mut shown = 0;
        for entry in section.primary() {
            if detailed.len() >= MAX_CARDS || page.len() - start > CARD_BUDGET {
                break;
            }
            card::card(
                page,
                view.report,
                entry,
                section.mark,
                shown < UNFOLDED,
                files,
            );
            detailed.insert(entry.execution);
            shown += 1;
        }
        if shown < named {
            page.raw("<p class=\"more\">")
                .amount((named - shown) as u64)
                .raw(" more are not shown in detail here. <a href=\"#all\">All tests</a> lists as many as it can; messages and output of every one are in <code>junit.xml</code>.</p>\n");
        }
        unnamed(page, section);
        page.raw("</section>\n");
    }
    detailed
}

/// What follows `<section id="`.
fn heading(
    page: &mut Markup,
    (id, symbol): (&'static str, &'static str),
    (heading, count): (&'static str, u64),
    meaning: &'static str,
) {
    page.raw(id)
        .raw("\">\n<h2><span class=\"mark\" aria-hidden=\"true\">")
        .raw(symbol)
        .raw("</span> ")
        .raw(heading)
        .raw(" <span class=\"count\">")
        .amount(count)
        .raw("</span></h2>\n<p class=\"quiet\">")
        .raw(meaning)
        .raw("</p>\n");
}

fn unnamed(page: &mut Markup, section: &Section<'_>) {
    if let Some(sentence) = section.unnamed_sentence() {
        page.raw("<p class=\"more\">")
            .text(&sentence, MAX_MESSAGE)
            .raw(".</p>\n");
    }
}

/// Sentences under a heading; nothing without any.
pub(super) fn sentences(page: &mut Markup, list: SentenceList<'_>) {
    let count = list.sentences.len();
    if count == 0 {
        return;
    }
    page.raw("<section id=\"");
    heading(
        page,
        (list.id, "!"),
        (list.heading, count as u64),
        list.meaning,
    );
    page.raw("<ul class=\"sentences\">\n");
    for sentence in list.sentences.iter().take(MAX_SENTENCES) {
        page.raw("<li>").text(sentence, MAX_MESSAGE).raw("</li>\n");
    }
    if count > MAX_SENTENCES {
        page.raw("<li>and ")
            .number(count - MAX_SENTENCES)
            .raw(" more; <code>testplan report --format json</code> has them</li>\n");
    }
    page.raw("</ul>\n</section>\n");
}
