//! One execution in detail: what it says of itself first, then how each attempt went.

use crate::{
    model::{
        CaseResult, Outcome,
        outcome::{CaseVerdict, Trouble},
    },
    report::{Attempt, Entry, Report},
};

use super::{
    MAX_MESSAGE, MAX_NAME, attempts,
    kind::{self, Look},
    markup::Markup,
    sections,
};

/// Most cases of an attempt shown with their words.
const MAX_CASES: usize = 20;
/// Longest text of a case or details of an error, in bytes.
const MAX_TEXT: usize = 8 * 1024;
/// Longest captured output, in bytes.
const MAX_OUTPUT: usize = 16 * 1024;

/// Writes the card. With `unfold` its first words are open from the start.
pub(super) fn card(page: &mut Markup, report: &Report, entry: &Entry, look: Look, unfold: bool) {
    let stands = kind::standing(entry.standing);
    page.raw("<article class=\"card ")
        .raw(look.class)
        .raw("\" id=\"e-")
        .number(entry.execution.0)
        .raw("\"");
    sections::filters(page, entry);
    page.raw(">\n<div class=\"head\"><h3><span class=\"mark ")
        .raw(stands.class)
        .raw("\" aria-hidden=\"true\">")
        .raw(stands.symbol)
        .raw("</span> <span class=\"off\">")
        .raw(stands.word)
        .raw(": </span>");
    name(page, entry);
    page.raw("</h3>\n<p class=\"line\"><a href=\"#e-")
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
    if let Some(attempt) = entry.counted() {
        words(page, entry, attempt, unfold);
    } else {
        let (message, details) = entry.trouble();
        said(page, &message, "", &details, unfold);
    }
    attempts::attempts(page, report, entry);
    page.raw("</article>\n");
}

/// Suite and test case, each in its own direction of writing.
pub(super) fn name(page: &mut Markup, entry: &Entry) {
    page.raw("<span class=\"name\">");
    if !entry.test.suite.trim().is_empty() {
        page.raw("<bdi class=\"suite\">")
            .text(&entry.test.suite, MAX_NAME)
            .raw("</bdi> <span class=\"suite\" aria-hidden=\"true\">›</span> ");
    }
    page.raw("<bdi class=\"case\">")
        .text(&entry.test.testcase, MAX_NAME)
        .raw("</bdi></span>");
}

/// What an attempt said: its message, the cases that did not pass, the end of its output.
pub(super) fn words(page: &mut Markup, entry: &Entry, attempt: &Attempt, unfold: bool) {
    let Some(ended) = attempt.ended() else {
        return;
    };
    if let Outcome::ExecutionError { message, details } = &ended.outcome {
        said(page, message, "", details, unfold);
    }
    let troubled = || ended.cases.iter().filter_map(|it| Some((it, trouble(it)?)));
    let count = troubled().count();
    for (index, (result, trouble)) in troubled().take(MAX_CASES).enumerate() {
        page.raw("<div class=\"result\">\n<p class=\"line\">");
        if count > 1 || result.name != entry.test.testcase {
            page.raw("<bdi>");
            if !result.classname.is_empty() {
                page.text(&result.classname, MAX_NAME).raw(" › ");
            }
            page.text(&result.name, MAX_NAME).raw("</bdi>");
        }
        if let Some(file) = &result.file {
            page.raw(" <code class=\"place\">").text(file, MAX_NAME);
            if let Some(line) = result.line {
                page.raw(":").number(line);
            }
            page.raw("</code>");
        }
        page.raw("</p>\n");
        said(
            page,
            &trouble.message,
            &trouble.kind,
            &trouble.text,
            unfold && index == 0,
        );
        folded(page, "Output of this case", &result.output, MAX_TEXT, false);
        page.raw("</div>\n");
    }
    if count > MAX_CASES {
        page.raw("<p class=\"more\">and ")
            .number(count - MAX_CASES)
            .raw(" more cases that did not pass; <code>junit.xml</code> has them</p>\n");
    }
    let silent = count == 0 && !matches!(ended.outcome, Outcome::ExecutionError { .. });
    folded(
        page,
        "Last lines of its log",
        &ended.output_tail,
        MAX_OUTPUT,
        unfold && silent,
    );
}

fn trouble(result: &CaseResult) -> Option<&Trouble> {
    match &result.verdict {
        CaseVerdict::Failed(trouble) | CaseVerdict::Error(trouble) => Some(trouble),
        CaseVerdict::Passed { .. } | CaseVerdict::Skipped { .. } => None,
    }
}

/// A message, and the longer text unless it says no more than the message.
fn said(page: &mut Markup, message: &str, kind: &str, text: &str, unfold: bool) {
    let line = if message.trim().is_empty() {
        text.lines().next().unwrap_or_default()
    } else {
        message
    };
    if !line.trim().is_empty() || !kind.is_empty() {
        page.raw("<p class=\"message\">");
        if !kind.is_empty() && !line.starts_with(kind) {
            page.raw("<b>").text(kind, MAX_NAME).raw("</b> ");
        }
        page.raw("<bdi>")
            .text(line, MAX_MESSAGE)
            .raw("</bdi></p>\n");
    }
    if text.trim() != line.trim() {
        folded(page, "Details", text, MAX_TEXT, unfold);
    }
}

fn folded(page: &mut Markup, summary: &'static str, text: &str, max: usize, open: bool) {
    if text.trim().is_empty() {
        return;
    }
    page.raw(if open {
        "<details open=\"open\">"
    } else {
        "<details>"
    })
    .raw("<summary>")
    .raw(summary)
    .raw("</summary><pre tabindex=\"0\">")
    .block(text, max)
    .raw("</pre></details>\n");
}
