//! One message or verification: what it says of its case, and in which words.

use super::script_location::ScriptLocation;
use crate::result_file::{
    bounded_text::{BoundedText, clip, first_line},
    case_builder::{Severity, TroubleBuilder},
};

/// LogEntry before the quoted path of a picture, as Squish writes them into texts.
const PICTURES: [&str; 2] = ["saved as", "screenshot in"];
/// Most attachments of one message.
const MAX_ATTACHMENTS: usize = 100;

/// What a type means for the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResultType {
    /// As expected: also a failure that was expected.
    Passed,
    /// Not run.
    Skipped,
    /// Not as expected.
    Troubled(Severity),
}

impl ResultType {
    /// What a type of a verification or message means; `None` for words that say nothing of the result.
    pub(super) fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "PASS" | "XFAIL" => Self::Passed,
            "SKIP" | "SKIPPED" => Self::Skipped,
            "FAIL" => Self::Troubled(Severity::Failed),
            "XPASS" | "UPASS" => Self::Troubled(Severity::Unexpected),
            "ERROR" => Self::Troubled(Severity::Error),
            "FATAL" => Self::Troubled(Severity::Fatal),
            _ => return None,
        })
    }
}

/// A message or the result of a verification.
#[derive(Debug, Default)]
pub(super) struct LogEntryBuilder {
    /// Its type in capitals, as `FAIL`.
    pub(super) kind: String,
    /// A result without a known type could hide a failure; a message could not.
    pub(super) is_verification: bool,
    /// What is verified, where that has a name.
    pub(super) name: String,
    pub(super) text: BoundedText,
    pub(super) detail: BoundedText,
    pub(super) place: ScriptLocation,
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

    /// What its type means, where that is a result.
    pub(super) fn meaning(&self) -> Option<ResultType> {
        ResultType::of(&self.kind)
    }

    pub(super) fn attachment(&mut self, uri: &str) {
        let uri = uri.trim();
        if !uri.is_empty() && self.attachments.len() < MAX_ATTACHMENTS {
            self.attachments.push(uri.to_owned());
        }
    }

    /// What is left of a verification whose results were heard: its own type counts too, and without one it is a message,
    /// if it says anything at all.
    pub(super) fn beside_results(mut self) -> Option<Self> {
        if !self.kind.is_empty() {
            return Some(self);
        }
        "LOG".clone_into(&mut self.kind);
        self.is_verification = false;
        let says = !self.attachments.is_empty() || self.text.len() + self.detail.len() > 0;
        says.then_some(self)
    }

    /// Puts its texts together.
    pub(super) fn into_words(self) -> LogEntry {
        let text = match (self.text.into_string(), self.name.as_str()) {
            (text, "") => text,
            (text, name) if text.trim().is_empty() => name.to_owned(),
            (text, name) => format!("{name}: {}", text.trim()),
        };
        let detail = self.detail.into_string();
        let (text, detail) = (text.trim(), detail.trim());
        let mut attachments = self.attachments;
        for words in [text, detail] {
            pictures(words, &mut attachments);
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
        LogEntry {
            meaning: ResultType::of(&self.kind),
            kind: self.kind,
            is_verification: self.is_verification,
            message,
            body: body.into_string(),
            place: self.place,
            attachments,
        }
    }
}

/// The same, complete.
#[derive(Debug)]
pub(super) struct LogEntry {
    pub(super) meaning: Option<ResultType>,
    pub(super) kind: String,
    is_verification: bool,
    /// One line.
    pub(super) message: String,
    /// All of it.
    body: String,
    pub(super) place: ScriptLocation,
    pub(super) attachments: Vec<String>,
}

impl LogEntry {
    /// As a line of output; `within` names the sections and steps it was said in.
    pub(super) fn line(&self, within: &str) -> String {
        let kind = match self.kind.as_str() {
            "" => "LOG",
            kind => kind,
        };
        let between = if within.is_empty() { "" } else { " in " };
        let colon = if self.body.is_empty() { "" } else { ": " };
        format!("{kind}{between}{within}{colon}{}", self.body)
    }

    /// What the case does not pass for, if so.
    pub(super) fn trouble(&self, within: &str, file: Option<&str>) -> Option<TroubleBuilder> {
        let (severity, kind, message) = match self.meaning {
            Some(ResultType::Troubled(Severity::Unexpected)) => {
                (Severity::Unexpected, "XPASS", self.message.clone())
            }
            Some(ResultType::Troubled(severity)) => {
                (severity, self.kind.as_str(), self.message.clone())
            }
            Some(ResultType::Passed | ResultType::Skipped) => return None,
            None if !self.is_verification => return None,
            None => {
                let message = match self.kind.as_str() {
                    "" => "a verification without a result".to_owned(),
                    kind => format!("a verification with an unknown result: {kind:?}"),
                };
                (Severity::Error, "unknown", message)
            }
        };
        let mut text = BoundedText::default();
        text.push(&self.line(within));
        if let Some(file) = file {
            text.push("\nat ");
            text.push(file);
            if let Some(line) = self.place.line {
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
            // Its text says all of it.
            whole_message: String::new(),
            kind: kind.to_owned(),
            text,
        })
    }
}

/// Collects the paths of pictures that a text speaks of.
fn pictures(text: &str, found: &mut Vec<String>) {
    let lower = text.to_ascii_lowercase();
    for words in PICTURES {
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
    fn pictures_are_found_in_texts() {
        let mut found = Vec::new();
        pictures(
            "Screenshot saved as 'a b.png'. Screenshot in \"C:\\x.png\", saved as nothing, saved as 'open",
            &mut found,
        );
        assert_eq!(found, ["a b.png", "C:\\x.png"]);
    }
}
