//! One log entry of a report, a message or a verification: its result, message, text and attachments.

use super::script_location::ScriptLocation;
use crate::result_file::{
    bounded_text::{BoundedText, clip, first_line},
    case_builder::{Severity, TroubleBuilder},
    xml_stream::Attributes,
};

/// Words that Squish writes before the quoted path of a screenshot.
const SCREENSHOT_WORDS: [&str; 2] = ["saved as", "screenshot in"];
const MAX_ATTACHMENTS: usize = 100;

/// The result that the type of a log entry stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResultType {
    /// As expected, which includes an expected failure.
    Passed,
    Skipped,
    Trouble(Severity),
}

impl ResultType {
    /// `None` for a type that is no result.
    fn parse(kind: &str) -> Option<Self> {
        Some(match kind {
            "PASS" | "XFAIL" => Self::Passed,
            "SKIP" | "SKIPPED" => Self::Skipped,
            "FAIL" => Self::Trouble(Severity::Failed),
            "XPASS" | "UPASS" => Self::Trouble(Severity::UnexpectedPass),
            "ERROR" => Self::Trouble(Severity::Error),
            "FATAL" => Self::Trouble(Severity::Fatal),
            _ => return None,
        })
    }
}

/// A message, a verification or one result of it, whose element is still open.
#[derive(Debug, Default)]
pub(super) struct LogEntryBuilder {
    /// Its type in capitals, such as `FAIL`.
    pub(super) kind: String,
    /// A verification without a known result could hide a failure; a message could not.
    is_verification: bool,
    /// The results of this verification are entries of their own.
    pub(super) has_results: bool,
    /// What is verified.
    pub(super) name: String,
    pub(super) text: BoundedText,
    pub(super) detail: BoundedText,
    pub(super) location: ScriptLocation,
    attachments: Vec<String>,
}

impl LogEntryBuilder {
    pub(super) fn new(kind: &str, is_verification: bool) -> Self {
        Self {
            kind: clip(&kind.trim().to_uppercase()),
            is_verification,
            ..Self::default()
        }
    }

    /// An entry from the attributes of its element. Before 3.0 they include its location and name.
    pub(super) fn read(attributes: &Attributes, is_verification: bool) -> Self {
        Self {
            location: ScriptLocation {
                uri: attributes.get("file").to_owned(),
                line: attributes.get_number("line"),
            },
            name: clip(attributes.get("name").trim()),
            ..Self::new(attributes.get("type"), is_verification)
        }
    }

    pub(super) fn result(&self) -> Option<ResultType> {
        ResultType::parse(&self.kind)
    }

    pub(super) fn add_attachment(&mut self, uri: &str) {
        let uri = uri.trim();
        if !uri.is_empty() && self.attachments.len() < MAX_ATTACHMENTS {
            self.attachments.push(uri.to_owned());
        }
    }

    /// Completes one result of a verification with the location and name of the verification.
    pub(super) fn complete_from(&mut self, verification: &Self) {
        if self.location.uri.is_empty() {
            self.location.clone_from(&verification.location);
        }
        if self.name.is_empty() {
            self.name.clone_from(&verification.name);
        }
    }

    /// `None` for a verification that has nothing beside its results. Without a type of its own, one with results is a
    /// message.
    pub(super) fn build(mut self) -> Option<LogEntry> {
        if self.has_results && self.kind.is_empty() {
            if self.attachments.is_empty() && self.text.len() + self.detail.len() == 0 {
                return None;
            }
            "LOG".clone_into(&mut self.kind);
            self.is_verification = false;
        }
        let text = match (self.text.into_string(), self.name.as_str()) {
            (text, "") => text,
            (text, name) if text.trim().is_empty() => name.to_owned(),
            (text, name) => format!("{name}: {}", text.trim()),
        };
        let detail = self.detail.into_string();
        let (text, detail) = (text.trim(), detail.trim());
        let mut attachments = self.attachments;
        for words in [text, detail] {
            find_screenshots(words, &mut attachments);
        }
        if matches!(self.kind.as_str(), "ATTACHMENT" | "STARTVIDEO" | "ENDVIDEO")
            && attachments.is_empty()
        {
            let path = if detail.is_empty() { text } else { detail };
            attachments.push(path.to_owned());
        }
        let message = match (first_line(text), first_line(detail)) {
            (text, detail) if detail.is_empty() || text == detail => text,
            (text, detail) if text.is_empty() => detail,
            (text, detail) => clip(&format!("{}: {detail}", text.trim_end_matches(':'))),
        };
        let mut body = BoundedText::default();
        body.push(text);
        if !detail.is_empty() && detail != text {
            body.line(detail);
        }
        Some(LogEntry {
            result: ResultType::parse(&self.kind),
            kind: self.kind,
            is_verification: self.is_verification,
            message,
            body: body.into_string(),
            location: self.location,
            attachments,
        })
    }
}

/// A complete log entry.
#[derive(Debug)]
pub(super) struct LogEntry {
    pub(super) result: Option<ResultType>,
    pub(super) kind: String,
    is_verification: bool,
    /// One line.
    pub(super) message: String,
    /// All of it.
    body: String,
    pub(super) location: ScriptLocation,
    pub(super) attachments: Vec<String>,
}

impl LogEntry {
    /// The entry as a line of output; `within` names the sections and steps around it.
    pub(super) fn line(&self, within: &str) -> String {
        let kind = match self.kind.as_str() {
            "" => "LOG",
            kind => kind,
        };
        let between = if within.is_empty() { "" } else { " in " };
        let colon = if self.body.is_empty() { "" } else { ": " };
        format!("{kind}{between}{within}{colon}{}", self.body)
    }

    /// The trouble that this entry is for its case.
    pub(super) fn trouble(&self, within: &str, file: Option<&str>) -> Option<TroubleBuilder> {
        let (severity, kind, message) = match (self.result, self.kind.as_str()) {
            (Some(ResultType::Passed | ResultType::Skipped), _) => return None,
            (Some(ResultType::Trouble(severity)), kind) => {
                let is_pass = severity == Severity::UnexpectedPass;
                let kind = if is_pass { "XPASS" } else { kind };
                (severity, kind, self.message.clone())
            }
            (None, _) if !self.is_verification => return None,
            (None, "") => {
                let message = "a verification without a result".to_owned();
                (Severity::Error, "unknown", message)
            }
            (None, kind) => {
                let message = format!("a verification with an unknown result: {kind:?}");
                (Severity::Error, "unknown", message)
            }
        };
        let mut text = BoundedText::default();
        text.push(&self.line(within));
        if let Some(file) = file {
            text.push("\nat ");
            text.push(file);
            if let Some(line) = self.location.line {
                text.push(&format!(":{line}"));
            }
        }
        Some(TroubleBuilder {
            severity,
            message: if message.is_empty() {
                kind.to_owned()
            } else {
                clip(&message)
            },
            // Its text has the whole message.
            whole_message: String::new(),
            kind: kind.to_owned(),
            text,
        })
    }
}

/// Finds the paths of screenshots in a text.
fn find_screenshots(text: &str, found: &mut Vec<String>) {
    let lower = text.to_ascii_lowercase();
    for words in SCREENSHOT_WORDS {
        for (at, _) in lower.match_indices(words) {
            let rest = text[at + words.len()..].trim_start();
            let path = ['\'', '"'].iter().find_map(|quote| {
                let (path, _) = rest.strip_prefix(*quote)?.split_once(*quote)?;
                Some(path)
            });
            if let Some(path) = path
                && found.len() < MAX_ATTACHMENTS
            {
                found.push(path.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screenshots_are_found_in_texts() {
        let mut found = Vec::new();
        find_screenshots(
            "Screenshot saved as 'a b.png'. Screenshot in \"C:\\x.png\", saved as nothing, saved as 'open",
            &mut found,
        );
        assert_eq!(found, ["a b.png", "C:\\x.png"]);
    }
}
