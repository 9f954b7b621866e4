//! The texts of an attempt, each bounded: messages, cases that did not pass, the end of the output.

use crate::report::{AttemptReport, ReportEntry, failure_details::FailureDetails};

use super::{Files, MAX_MESSAGE, MAX_NAME, attachments::attachments, markup::Markup, value_table};

/// How much of an attempt's text is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    cases: usize,
    /// Most bytes of a case's text or output, or of an error's details.
    text: usize,
    /// Most bytes of the end of a log.
    output: usize,
    /// Whether the first text is unfolded.
    open: bool,
}

impl Room {
    pub(super) fn unfolded(self, open: bool) -> Self {
        Self { open, ..self }
    }
}

/// For the counted attempt.
pub(super) const COUNTED: Room = Room {
    cases: 20,
    text: 8 * 1024,
    output: 16 * 1024,
    open: false,
};
/// For other attempts.
pub(super) const OTHER: Room = Room {
    cases: 2,
    text: 2 * 1024,
    output: 4 * 1024,
    open: false,
};

/// Message, cases that did not pass, end of the output.
pub(super) fn all(
    page: &mut Markup,
    entry: &ReportEntry,
    attempt: &AttemptReport,
    room: Room,
    files: Files<'_>,
) {
    let problem = FailureDetails::of_attempt(attempt);
    if let Some((text, details)) = problem.error {
        message(page, text, "", details, room);
    }
    let count = problem.case_count();
    for (index, (result, trouble)) in problem.cases().take(room.cases).enumerate() {
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
        message(
            page,
            &trouble.message,
            &trouble.kind,
            &trouble.text,
            Room {
                open: room.open && index == 0,
                ..room
            },
        );
        folded(
            page,
            "Output of this case",
            &result.output,
            room.text,
            false,
        );
        attachments(page, &result.attachments, files);
        page.raw("</div>\n");
    }
    if count > room.cases {
        page.raw("<p class=\"more\">and ")
            .number(count - room.cases)
            .raw(" more cases that did not pass; <code>junit.xml</code> has them</p>\n");
    }
    if let Some(earlier) = problem.earlier_try() {
        page.raw(
            "<div class=\"result\">\n<p class=\"line quiet\">It failed before it passed:</p>\n",
        );
        message(page, earlier.message, "", earlier.text, room);
        page.raw("</div>\n");
    }
    let silent = count == 0 && problem.error.is_none();
    folded(
        page,
        "Last lines of its log",
        problem.output,
        room.output,
        room.open && silent,
    );
}

/// A message, and the longer text if it differs from the message.
pub(super) fn message(page: &mut Markup, message: &str, kind: &str, text: &str, room: Room) {
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
            .line(line, MAX_MESSAGE)
            .raw("</bdi></p>\n");
    }
    value_table(page, message, text);
    if text.trim() != line.trim() {
        folded(page, "Details", text, room.text, room.open);
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
