//! The parts of the page that show more than names: headline, tables, failures with message and output.

use std::fmt::Write as _;

use crate::{
    exit_code::Conclusion,
    report::{
        PlanReport, ReportEntry,
        excerpt::{ends_of, suffix},
        failure_details::{FailureDetails, NO_MESSAGE},
        sanitise::{markdown_code, markdown_text},
        time_text::duration_text,
        view::{Cell, ReportView, Section, SentenceList, Table},
    },
    text::{counted, web_address},
};

use super::{
    DetailLevel,
    entry_name::{MAX_MESSAGE, MAX_NAME, entry_name},
    lists::{list, unnamed},
    markdown_page::MarkdownPage,
};

/// Longest title in the headline, in bytes of its text.
pub(super) const MAX_TITLE: usize = 200;
/// The same where every byte counts.
pub(super) const SHORT_TITLE: usize = 60;
/// Longest output of one execution, in bytes.
const MAX_OUTPUT: usize = 64 * 1024;
/// Most cases named of one execution that failed.
const MAX_CASES: usize = 5;

/// The conclusion in words and one symbol, and what it means.
pub(super) fn headline(page: &mut MarkdownPage, view: &ReportView<'_>, longest_title: usize) {
    let symbol = match view.conclusion {
        Conclusion::Passed => "✅",
        Conclusion::Failed => "❌",
        Conclusion::Usage
        | Conclusion::Infrastructure
        | Conclusion::NothingToRun
        | Conclusion::Incomplete
        | Conclusion::Bug
        | Conclusion::Interrupted
        | Conclusion::Terminated => "⚠️",
    };
    let title = markdown_text(view.title, longest_title);
    page.push(&format!("### {symbol} {title}: {}\n\n", view.headline()));
    page.push(&format!(
        "**{}** (exit code {}): {}.\n\n",
        view.conclusion.word(),
        view.conclusion.code(),
        markdown_text(&view.meaning, MAX_MESSAGE),
    ));
}

/// The plan that was run.
pub(super) fn plan(page: &mut MarkdownPage, report: &PlanReport) {
    let mut parts = vec![counted(report.tests().total, "test")];
    if let Some(plan) = &report.plan {
        parts.insert(0, format!("plan {}", plan.id));
        for (word, text) in [("project", &plan.project), ("batch", &plan.batch)] {
            if !text.is_empty() {
                parts.push(format!("{word} {}", markdown_text(text, MAX_NAME)));
            }
        }
    }
    let url = report.page_url().and_then(web_address);
    if let Some(url) = url {
        parts.push(format!("[live page]({url})"));
    }
    page.push(&format!("{}\n\n", parts.join(" · ")));
}

pub(super) fn notes(page: &mut MarkdownPage, view: &ReportView<'_>) {
    for note in &view.notes {
        let text = markdown_text(&note.text, MAX_MESSAGE);
        page.push(&match note.link {
            Some(link) => format!("{text}: [Test Center](<{link}>)\n\n"),
            None => format!("{text}.\n\n"),
        });
    }
}

/// At most `most` rows; nothing for a table without any.
pub(super) fn table(page: &mut MarkdownPage, table: &Table, most: usize) {
    if table.rows.is_empty() {
        return;
    }
    let headings = table.columns.iter().map(|it| it.heading.to_owned());
    let rules = table.columns.iter().map(|column| {
        let rule = if column.is_number { "---:" } else { "---" };
        rule.to_owned()
    });
    row(page, headings);
    row(page, rules);
    for cells in table.rows.iter().take(most) {
        row(page, cells.iter().map(cell));
    }
    if table.rows.len() > most {
        page.push(&format!("\nand {} more\n", table.rows.len() - most));
    }
    page.push("\n");
}

fn row(page: &mut MarkdownPage, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.collect();
    page.push(&format!("| {} |\n", cells.join(" | ")));
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => markdown_text(text, MAX_NAME),
        Cell::Count(count) | Cell::MarkedCount(count, _) => count.to_string(),
        Cell::Duration(duration) => duration_text(*duration),
        Cell::Percent(percent) => format!("{percent} %"),
        Cell::Marked(mark, words) => format!("{} {words}", mark.symbol),
    }
}

/// A section of which the first `detailed` executions are shown with message and output, the others by name.
pub(super) fn detailed(
    page: &mut MarkdownPage,
    section: &Section<'_>,
    detailed: usize,
    level: DetailLevel,
) {
    if section.count() == 0 {
        return;
    }
    page.heading(section.heading, section.count());
    for entry in section.entries.iter().take(detailed) {
        if page.is_over() {
            return;
        }
        page.push(&in_detail(section, entry, level.lines));
    }
    list(
        page,
        section.entries.iter().copied().skip(detailed),
        level.names.saturating_sub(detailed),
        |entry| format!("{} {}", section.mark.symbol, entry_name(entry)),
    );
    unnamed(page, section);
}

fn in_detail(section: &Section<'_>, entry: &ReportEntry, lines: Option<usize>) -> String {
    let mut block = format!("{} **{}**", section.mark.symbol, entry_name(entry));
    let facts = facts(entry);
    if !facts.is_empty() {
        let _ = write!(block, ": {}", facts.join(", "));
    }
    block.push_str("\n\n");
    let problem = FailureDetails::of_entry(entry);
    let cases = case_lines(&problem);
    if cases.is_empty() && !problem.message().is_empty() {
        let message = markdown_text(problem.message(), MAX_MESSAGE);
        let _ = write!(block, "> {message}\n\n");
    }
    for case in &cases {
        let _ = writeln!(block, "> {case}  ");
    }
    if !cases.is_empty() {
        block.push('\n');
    }
    for explanation in &entry.explanations {
        let text = markdown_text(&explanation.to_string(), MAX_MESSAGE);
        let _ = write!(block, "⚠ {text}\n\n");
    }
    let texts = [
        ("Details", problem.details()),
        ("End of the output", problem.output),
    ];
    for (title, text) in texts {
        let text = suffix(text, MAX_OUTPUT);
        let text = lines.map_or_else(|| text.to_owned(), |each| ends_of(text, each));
        if !text.trim().is_empty() {
            let code = markdown_code(&text, MAX_OUTPUT);
            let _ = write!(
                block,
                "<details><summary>{title}</summary>\n\n{code}\n</details>\n\n"
            );
        }
    }
    if let Some(log) = problem.log {
        let _ = write!(block, "log: {}\n\n", markdown_text(log, MAX_NAME));
    }
    block
}

fn facts(entry: &ReportEntry) -> Vec<String> {
    let mut facts = Vec::new();
    facts.extend(entry.duration_ms().map(duration_text));
    if let Some(attempt) = entry.counted() {
        let worker = markdown_text(&attempt.worker, MAX_NAME);
        facts.push(format!("worker {worker}"));
        if let Some(host) = &attempt.squish_server {
            facts.push(format!("Squish server {}", markdown_text(host, MAX_NAME)));
        }
    }
    if entry.attempts.len() > 1 {
        facts.push(format!("{} attempts", entry.attempts.len()));
    }
    facts
}

/// The cases that did not pass, one line each: name, message, location.
fn case_lines(problem: &FailureDetails<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for (case, trouble) in problem.cases().take(MAX_CASES) {
        let mut line = format!(
            "{}: {}",
            markdown_text(&case.name, MAX_NAME),
            markdown_text(trouble.first_line().unwrap_or(NO_MESSAGE), MAX_MESSAGE)
        );
        if let Some(file) = &case.file {
            let location = case
                .line
                .map_or_else(|| file.clone(), |line| format!("{file}:{line}"));
            let _ = write!(line, " ({})", markdown_text(&location, MAX_NAME));
        }
        match case.attachments.len() {
            0 => {}
            1 => line.push_str(", 1 attachment"),
            count => {
                let _ = write!(line, ", {count} attachments");
            }
        }
        lines.push(line);
    }
    let more = problem.case_count() - lines.len();
    if more > 0 {
        lines.push(format!("and {more} more cases"));
    }
    lines
}

/// Sentences under a heading; nothing without any.
pub(super) fn sentences(page: &mut MarkdownPage, list: SentenceList<'_>, rows: usize) {
    let count = list.sentences.len();
    if count == 0 {
        return;
    }
    page.heading(list.heading, count);
    for sentence in list.sentences.iter().take(rows) {
        page.push(&format!("- ⚠ {}\n", markdown_text(sentence, MAX_MESSAGE)));
    }
    if count > rows {
        page.push(&format!("- and {} more\n", count - rows));
    }
    page.push("\n");
}
