//! The parts of the page that are lists of names.

use crate::report::{
    ReportEntry,
    sanitise::markdown_text,
    time_text::duration_text,
    view::{ReportView, Section, SectionKind},
};

use super::{
    entry_name::{MAX_MESSAGE, entry_name, name_with_tests},
    markdown_page::MarkdownPage,
};

/// How many of the slowest are named.
pub(super) const SLOWEST: usize = 5;

/// A section that names executions with their reasons.
pub(super) fn explained(page: &mut MarkdownPage, section: &Section<'_>, most: usize) {
    if section.count() == 0 {
        return;
    }
    page.heading(section.heading, section.count());
    list(page, section.entries.iter().copied(), most, |entry| {
        let within_one_attempt =
            section.kind == SectionKind::Flaky && entry.earlier().next().is_none();
        let reason = if within_one_attempt {
            "failed before it passed in the same attempt".to_owned()
        } else {
            let sentences = entry.explanations.iter();
            let sentences = sentences.map(|it| markdown_text(&it.to_string(), MAX_MESSAGE));
            sentences.collect::<Vec<_>>().join("; ")
        };
        format!("{} {}: {reason}", section.mark.symbol, entry_name(entry))
    });
    unnamed(page, section);
}

/// The executions of a section that are known by number only.
pub(super) fn unnamed(page: &mut MarkdownPage, section: &Section<'_>) {
    if let Some(sentence) = section.unnamed_sentence() {
        page.push(&format!("{}.\n\n", markdown_text(&sentence, MAX_MESSAGE)));
    }
}

/// At most `most` of the slowest executions.
pub(super) fn slowest(page: &mut MarkdownPage, view: &ReportView<'_>, most: usize) {
    let slowest = view.slowest(most.min(SLOWEST));
    if !slowest.is_empty() {
        page.heading("Slowest", slowest.len());
    }
    for (entry, duration) in &slowest {
        page.push(&format!(
            "- {}: {}\n",
            entry_name(entry),
            duration_text(*duration)
        ));
    }
    if !slowest.is_empty() {
        page.push("\n");
    }
}

/// Folded away.
pub(super) fn passed(page: &mut MarkdownPage, section: &Section<'_>) {
    if section.entries.is_empty() {
        return;
    }
    page.push(&format!(
        "<details><summary>{} ({})</summary>\n\n",
        section.heading,
        section.count()
    ));
    let entries = section.entries.iter().copied();
    list(page, entries, usize::MAX, |entry| {
        name_with_tests(entry, section.kind.tests(entry))
    });
    page.push("</details>\n\n");
}

/// At most `most` items, and how many more there are.
pub(super) fn list<'a>(
    page: &mut MarkdownPage,
    entries: impl Iterator<Item = &'a ReportEntry>,
    most: usize,
    item: impl Fn(&ReportEntry) -> String,
) {
    let (mut listed, mut more) = (0, 0_usize);
    for entry in entries {
        if listed == most || page.is_over() {
            more += 1;
        } else {
            page.push(&format!("- {}\n", item(entry)));
            listed += 1;
        }
    }
    if more > 0 {
        page.push(&format!("- and {more} more\n"));
    }
    if listed + more > 0 {
        page.push("\n");
    }
}
