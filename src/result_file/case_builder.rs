//! Builds the [`CaseResult`] of one test case of any dialect.

use super::bounded_text::{BoundedText, TextBudget, clip, first_line, repeats};
use crate::model::{
    CaseResult, EARLIER_TRY,
    outcome::{CaseVerdict, Trouble},
};

/// Name of the case for trouble outside any test case.
pub(super) const OUTSIDE: &str = "(outside any test case)";
/// First line of the output of a case that passed after it had failed.
pub(crate) const FAILED_BEFORE: &str = "testplan: it failed before it passed";
const MAX_ATTACHMENTS: usize = 100;
/// Longest path of an attachment, in bytes.
const MAX_PATH: usize = 1024;

/// Why a case did not plainly pass. The highest severity decides its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// It failed before it passed.
    Flaky,
    Skipped,
    /// It passed, but was expected to fail.
    UnexpectedPass,
    /// An assertion failed.
    Failed,
    Error,
    /// An error that ended the test program.
    Fatal,
    /// It is allowed to fail: no other trouble counts.
    Excused,
}

/// One reason why a case did not plainly pass.
#[derive(Debug)]
pub(super) struct TroubleBuilder {
    pub(super) severity: Severity,
    /// One line.
    pub(super) message: String,
    /// The whole message if it has more than that line, else empty.
    pub(super) whole_message: String,
    pub(super) kind: String,
    pub(super) text: BoundedText,
}

impl TroubleBuilder {
    pub(super) fn error(message: &str) -> Self {
        Self {
            severity: Severity::Error,
            message: message.to_owned(),
            whole_message: String::new(),
            kind: String::new(),
            text: BoundedText::default(),
        }
    }

    /// Sets a message of any number of lines.
    pub(super) fn set_message(&mut self, message: &str) {
        self.message = first_line(message);
        self.whole_message = if self.message == message.trim() {
            String::new()
        } else {
            message.replace("\r\n", "\n")
        };
    }
}

/// A case whose element is still open.
#[derive(Debug, Default)]
pub(super) struct CaseBuilder {
    pub(super) classname: String,
    pub(super) name: String,
    pub(super) duration_ms: Option<u64>,
    pub(super) file: Option<String>,
    pub(super) line: Option<u32>,
    pub(super) worst: Option<Severity>,
    /// From the attributes: counts if no child element is worse.
    pub(super) by_attribute: Option<TroubleBuilder>,
    /// One of several tries failed; if none passed, another element has the failure.
    pub(super) has_failed_try: bool,
    /// It counts assertions, so something ran.
    pub(super) has_assertions: bool,
    /// It has a skip element; the tool expects a failure beside it.
    is_marked_skipped: bool,
    /// How many troubles of the worst severity follow the first.
    more: usize,
    message: String,
    kind: String,
    text: BoundedText,
    output: BoundedText,
    attachments: Vec<String>,
}

impl CaseBuilder {
    /// Adds trouble: the message is the first of the worst severity, all texts are joined. Returns whether this one is
    /// worse than those before.
    pub(super) fn add_trouble(&mut self, trouble: TroubleBuilder) -> bool {
        let text = trouble.text.into_string();
        let message = if trouble.message.is_empty() {
            first_line(&text)
        } else {
            trouble.message
        };
        self.is_marked_skipped |= trouble.severity == Severity::Skipped;
        let is_worst = self.worst.is_none_or(|worst| trouble.severity > worst);
        if is_worst {
            self.worst = Some(trouble.severity);
            self.more = 0;
            (self.message, self.kind) = (message, trouble.kind);
        } else if self.worst == Some(trouble.severity) {
            if self.message.is_empty() {
                self.message = message;
            }
            self.more += 1;
        }
        if !repeats(&text, &trouble.whole_message) {
            self.text.join(&trouble.whole_message);
        }
        self.text.join(&text);
        is_worst
    }

    /// Adds the trouble of a part of this case, and its text.
    pub(super) fn add_part(&mut self, part: Self, text: &str) {
        if part.worst > self.worst {
            self.worst = part.worst;
            self.more = part.more;
            (self.message, self.kind) = (part.message, part.kind);
            if part.file.is_some() {
                (self.file, self.line) = (part.file, part.line);
            }
        } else if part.worst.is_some() && part.worst == self.worst {
            self.more += part.more + 1;
        }
        self.text.join(text);
    }

    /// Adds an earlier try that did not pass. This one counts.
    pub(super) fn add_earlier_try(&mut self, message: &str, text: &str) {
        let mut earlier = TroubleBuilder {
            severity: Severity::Flaky,
            ..TroubleBuilder::error(message)
        };
        earlier.text.push(EARLIER_TRY);
        earlier.text.push(message);
        if !text.is_empty() && text != message {
            earlier.text.line(text);
        }
        self.add_trouble(earlier);
    }

    /// Adds an earlier try that was a case of its own.
    pub(super) fn add_earlier_case(&mut self, earlier: &CaseResult) {
        if let CaseVerdict::Failed(trouble) | CaseVerdict::Error(trouble) = &earlier.verdict {
            self.add_earlier_try(&trouble.message, &trouble.text);
        } else if earlier.verdict == (CaseVerdict::Passed { flaky: true }) {
            self.add_earlier_try("it did not pass at once", &earlier.output);
        }
        for path in &earlier.attachments {
            self.add_attachment(path);
        }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn take_text(&mut self) -> String {
        std::mem::take(&mut self.text).into_string()
    }

    /// Adds output. Lines such as `[[ATTACHMENT|path]]` become attachments.
    pub(super) fn add_output(&mut self, text: &str) {
        if !text.contains("[[ATTACHMENT|") {
            return self.output.join(text);
        }
        let mut rest = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            match line
                .trim()
                .strip_prefix("[[ATTACHMENT|")
                .and_then(|line| line.strip_suffix("]]"))
            {
                Some(path) if self.add_attachment(path) => {}
                _ => rest.push_str(line),
            }
        }
        self.output.join(&rest);
    }

    pub(super) fn add_output_line(&mut self, line: &str) {
        self.output.line(line);
    }

    /// Adds an attachment, once. `false` if the path cannot be one or there are too many.
    pub(super) fn add_attachment(&mut self, path: &str) -> bool {
        let path = path.trim();
        if path.is_empty() || path.len() > MAX_PATH || path.contains(char::is_control) {
            return false;
        }
        if self.attachments.iter().any(|known| known == path) {
            return true;
        }
        let room = self.attachments.len() < MAX_ATTACHMENTS;
        if room {
            self.attachments.push(path.to_owned());
        }
        room
    }

    /// Applies attributes and failed tries, after the last child element.
    pub(super) fn end_children(&mut self) {
        let marked = self.is_marked_skipped;
        let adds_to = |worst: Option<Severity>, severity| worst.is_none_or(|it| it < severity);
        if let Some(trouble) = self.by_attribute.take()
            && adds_to(self.worst, trouble.severity)
        {
            self.add_trouble(trouble);
        }
        if self.has_failed_try && adds_to(self.worst, Severity::Flaky) {
            let failed = TroubleBuilder::error("a try failed, and no result follows it");
            self.add_trouble(failed);
        }
        self.is_marked_skipped = marked;
    }

    /// Whether anything in it failed, even if it passed in the end.
    pub(super) fn shows_trouble(&self) -> bool {
        self.has_failed_try || self.worst.is_some_and(|worst| worst != Severity::Skipped)
    }

    /// Adds an attachment, or an output line for a path that cannot be added.
    pub(super) fn add_attachment_or_note(&mut self, path: &str) {
        let path = path.trim();
        if !path.is_empty() && !self.add_attachment(path) {
            self.note_unusable_attachment(path);
        }
    }

    pub(super) fn note_unusable_attachment(&mut self, path: &str) {
        self.output.line(&format!(
            "testplan: not an attachment, or one too many: {}",
            clip(path)
        ));
    }

    /// The result; `suite` is the class name of a case without one.
    pub(super) fn finish(mut self, suite: &str, budget: &mut TextBudget) -> CaseResult {
        if self.more > 0 && self.worst >= Some(Severity::UnexpectedPass) {
            self.message = format!("{} (and {} more)", self.message, self.more);
        }
        if self.worst < Some(Severity::UnexpectedPass) || self.worst == Some(Severity::Excused) {
            self.move_text_to_output();
        }
        let trouble = Trouble {
            message: self.message,
            kind: self.kind,
            text: budget.take(self.text),
            is_expected: self.is_marked_skipped && self.worst > Some(Severity::Skipped),
        };
        self.attachments.retain(|path| budget.spend(path.len()));
        CaseResult {
            classname: Some(self.classname)
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| clip(suite)),
            name: Some(self.name)
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| "(no name)".to_owned()),
            verdict: match self.worst {
                None => CaseVerdict::Passed { flaky: false },
                Some(Severity::Flaky) => CaseVerdict::Passed { flaky: true },
                Some(Severity::Skipped | Severity::Excused) => CaseVerdict::Skipped {
                    message: trouble.message,
                },
                Some(Severity::UnexpectedPass | Severity::Failed) => CaseVerdict::Failed(trouble),
                Some(Severity::Error | Severity::Fatal) => CaseVerdict::Error(trouble),
            },
            duration_ms: self.duration_ms,
            file: self.file,
            line: self.line,
            output: budget.take(self.output),
            attachments: self.attachments,
        }
    }

    /// A case that did not fail has at most a message: the text of a skip or of an earlier failure goes before its output.
    fn move_text_to_output(&mut self) {
        let text = self.take_text();
        let mut output = BoundedText::default();
        match self.worst {
            Some(Severity::Flaky) => {
                output.push(FAILED_BEFORE);
                if !self.message.is_empty() && !repeats(&text, &self.message) {
                    output.line(&self.message);
                }
                output.join(&text);
            }
            _ if repeats(&self.message, &text) => {}
            _ => output.join(&text),
        }
        output.join(&std::mem::take(&mut self.output).into_string());
        self.output = output;
    }
}
