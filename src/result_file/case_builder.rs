//! One test case of any dialect: what its file says of it becomes a [`CaseResult`].

use super::bounded_text::{BoundedText, TextBudget, clip, first_line, repeats};
use crate::model::{
    CaseResult,
    outcome::{CaseVerdict, Trouble},
};

/// What stands for the case where something went wrong outside all.
pub(super) const OUTSIDE: &str = "(outside any test case)";
/// Most attachments of one case.
const MAX_ATTACHMENTS: usize = 100;
/// Longest path of one, in bytes.
const MAX_PATH: usize = 1024;

/// What a file says of a case, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// It failed before it passed.
    Flaky,
    /// It was not run.
    Skipped,
    /// It passed though it was expected to fail.
    Unexpected,
    /// An assertion failed.
    Failed,
    /// It broke.
    Error,
    /// It broke, and nothing after it was run.
    Fatal,
    /// It failed as it may: what else is said of it does not count.
    Excused,
}

/// One thing that a case did not pass for.
#[derive(Debug)]
pub(super) struct TroubleBuilder {
    pub(super) severity: Severity,
    /// One line.
    pub(super) message: String,
    /// The whole message where the line above is only a part of it, else empty.
    pub(super) whole_message: String,
    pub(super) kind: String,
    pub(super) text: BoundedText,
}

impl TroubleBuilder {
    /// An error in our words.
    pub(super) fn error(message: &str) -> Self {
        Self {
            severity: Severity::Error,
            message: message.to_owned(),
            whole_message: String::new(),
            kind: String::new(),
            text: BoundedText::default(),
        }
    }

    /// Takes a message of any number of lines.
    pub(super) fn set_message(&mut self, message: &str) {
        self.message = first_line(message);
        self.whole_message = if self.message == message.trim() {
            String::new()
        } else {
            message.replace("\r\n", "\n")
        };
    }

    /// Something went wrong outside any case: a collection, a set-up, the tool itself.
    pub(super) fn outside_any_case(self, suite: &str, budget: &mut TextBudget) -> CaseResult {
        let mut case = CaseBuilder {
            name: OUTSIDE.to_owned(),
            ..CaseBuilder::default()
        };
        case.trouble(self);
        case.finish(suite, budget)
    }
}

/// A case of which more is still to come.
#[derive(Debug, Default)]
pub(super) struct CaseBuilder {
    pub(super) classname: String,
    pub(super) name: String,
    pub(super) duration_ms: Option<u64>,
    pub(super) file: Option<String>,
    pub(super) line: Option<u32>,
    pub(super) worst: Option<Severity>,
    /// What its attributes say: counts where no child says worse.
    pub(super) said: Option<TroubleBuilder>,
    /// One of several tries failed; where none passed, another element says so.
    pub(super) has_failed_try: bool,
    /// It counts assertions: proof that something ran.
    pub(super) has_assertions: bool,
    /// An element says that it was skipped; with a failure beside it, the tool expects that failure.
    is_marked_skipped: bool,
    /// How many more of the worst severity there were after the first.
    more: usize,
    message: String,
    kind: String,
    text: BoundedText,
    output: BoundedText,
    attachments: Vec<String>,
}

impl CaseBuilder {
    /// Takes one more thing. The worst kind decides, its first gives the message, the texts are joined. Says whether
    /// this one is the worst so far.
    pub(super) fn trouble(&mut self, trouble: TroubleBuilder) -> bool {
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

    /// Takes what another one has that turned out to be a part of this one.
    pub(super) fn absorb(&mut self, part: Self) {
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
        self.text.join(&part.text.into_string());
    }

    /// Takes an earlier try of the same test: it did not pass, but this one counts.
    pub(super) fn earlier_try(&mut self, message: &str, text: &str) {
        let mut earlier = TroubleBuilder {
            severity: Severity::Flaky,
            ..TroubleBuilder::error(message)
        };
        earlier.text.push("Earlier try: ");
        earlier.text.push(message);
        if !text.is_empty() && text != message {
            earlier.text.line(text);
        }
        self.trouble(earlier);
    }

    /// The same, of one that was complete already.
    pub(super) fn earlier_case(&mut self, earlier: &CaseResult) {
        if let CaseVerdict::Failed(trouble) | CaseVerdict::Error(trouble) = &earlier.verdict {
            self.earlier_try(&trouble.message, &trouble.text);
        } else if earlier.verdict == (CaseVerdict::Passed { flaky: true }) {
            self.earlier_try("it did not pass at once", &earlier.output);
        }
        for path in &earlier.attachments {
            self.attachment(path);
        }
    }

    /// The one line about the worst.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// Takes the texts of what went wrong out.
    pub(super) fn take_text(&mut self) -> String {
        std::mem::take(&mut self.text).into_string()
    }

    /// Takes some of its output; lines as `[[ATTACHMENT|path]]` name attachments.
    pub(super) fn output(&mut self, text: &str) {
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
                Some(path) if self.attachment(path) => {}
                _ => rest.push_str(line),
            }
        }
        self.output.join(&rest);
    }

    /// Takes one more line of its output.
    pub(super) fn line_of_output(&mut self, line: &str) {
        self.output.line(line);
    }

    /// Takes an attachment, once; says whether it could be one.
    pub(super) fn attachment(&mut self, path: &str) -> bool {
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

    /// Weighs what attributes and failed tries say, after the last child.
    pub(super) fn settle(&mut self) {
        let marked = self.is_marked_skipped;
        let adds_to = |worst: Option<Severity>, severity| worst.is_none_or(|it| it < severity);
        if let Some(said) = self.said.take()
            && adds_to(self.worst, said.severity)
        {
            self.trouble(said);
        }
        if self.has_failed_try && adds_to(self.worst, Severity::Flaky) {
            let failed = TroubleBuilder::error("a try failed, and no result follows it");
            self.trouble(failed);
        }
        self.is_marked_skipped = marked;
    }

    /// Whether anything in it failed, whatever came of it in the end.
    pub(super) fn shows_trouble(&self) -> bool {
        self.has_failed_try || self.worst.is_some_and(|worst| worst != Severity::Skipped)
    }

    /// The same; what could not be one is a line of its output.
    pub(super) fn attachment_or_output(&mut self, path: &str) {
        if !path.trim().is_empty() && !self.attachment(path) {
            self.no_attachment(path);
        }
    }

    /// Says in its output that something could not be an attachment.
    pub(super) fn no_attachment(&mut self, path: &str) {
        let path = clip(path.trim());
        self.output.line(&format!(
            "testplan: not an attachment, or one too many: {path}"
        ));
    }

    /// The result; `suite` stands in where the case names no class.
    pub(super) fn finish(mut self, suite: &str, budget: &mut TextBudget) -> CaseResult {
        if self.more > 0 && self.worst >= Some(Severity::Unexpected) {
            self.message = format!("{} (and {} more)", self.message, self.more);
        }
        if self.worst < Some(Severity::Unexpected) || self.worst == Some(Severity::Excused) {
            self.keep_words_as_output();
        }
        let trouble = Trouble {
            message: self.message,
            kind: self.kind,
            text: budget.take(self.text),
            is_expected: self.is_marked_skipped && self.worst > Some(Severity::Skipped),
        };
        self.attachments.retain(|path| budget.spend(path.len()));
        CaseResult {
            classname: if self.classname.is_empty() {
                clip(suite)
            } else {
                self.classname
            },
            name: if self.name.is_empty() {
                "(no name)".to_owned()
            } else {
                self.name
            },
            verdict: match self.worst {
                None => CaseVerdict::Passed { flaky: false },
                Some(Severity::Flaky) => CaseVerdict::Passed { flaky: true },
                Some(Severity::Skipped | Severity::Excused) => CaseVerdict::Skipped {
                    message: trouble.message,
                },
                Some(Severity::Unexpected | Severity::Failed) => CaseVerdict::Failed(trouble),
                Some(Severity::Error | Severity::Fatal) => CaseVerdict::Error(trouble),
            },
            duration_ms: self.duration_ms,
            file: self.file,
            line: self.line,
            output: budget.take(self.output),
            attachments: self.attachments,
        }
    }

    /// Puts them back.
    pub(super) fn set_text(&mut self, text: &str) {
        self.text = BoundedText::default();
        self.text.push(text);
    }

    /// A case that did not fail has a message at most: what else was said of a skip or of an earlier failure goes before its
    /// output.
    fn keep_words_as_output(&mut self) {
        let text = self.take_text();
        let mut output = BoundedText::default();
        match self.worst {
            Some(Severity::Flaky) => {
                output.push("testplan: it failed before it passed");
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
