//! Guesses the type of a file from its first characters, for the messages about files that are no result files.

/// Most characters of a file in a message.
const SHOWN: usize = 60;

/// The type that a file seems to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SniffedContent {
    /// XML, or blank so far.
    Xml,
    Empty,
    /// Another type, with a message.
    Other(String),
    /// HTML, with a message.
    Html(String),
}

impl SniffedContent {
    pub(super) fn sniff(head: &str) -> Self {
        let text = head.trim_start();
        let mut shown: String = text
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(SHOWN)
            .collect();
        if shown.len() < text.trim_end().len() {
            shown.push('…');
        }
        let begins = |what: &str| format!("{what}: begins with {shown:?}");
        let opens = |tag: &str| {
            let start = text.get(..tag.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(tag))
        };
        if head.is_empty() {
            Self::Empty
        } else if opens("<!doctype html") || opens("<html") {
            Self::Html(begins("not a result file but an HTML page"))
        } else if text.is_empty() || text.starts_with('<') {
            Self::Xml
        } else if is_json(text) {
            Self::Other(begins("not XML but JSON"))
        } else {
            Self::Other(begins("not XML"))
        }
    }
}

/// Whether a text begins like JSON and not like a line of a log, such as `[12:00:01] starting`.
fn is_json(text: &str) -> bool {
    let mut characters = text.chars().filter(|c| !c.is_whitespace());
    match (characters.next(), characters.next()) {
        (Some('{'), second) => matches!(second, Some('"' | '}') | None),
        (Some('['), second) => matches!(second, Some('{' | '[' | ']' | '"') | None),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_is_guessed_from_the_first_characters() {
        let table = [
            ("<testsuite/>", None),
            ("  \n<?xml version='1.0'?>", None),
            ("  \n ", None),
            ("<!-- html -->", None),
            ("<!DOCTYPE suite>", None),
            (
                "NO REPORT\nat all",
                Some("not XML: begins with \"NO REPORT…\""),
            ),
            ("ok", Some("not XML: begins with \"ok\"")),
            (
                "\n\u{1b}[31mred",
                Some("not XML: begins with \"\\u{1b}[31mred\""),
            ),
            ("[12:00] log", Some("not XML: begins with \"[12:00] log\"")),
            (
                "{\"a\": 1}",
                Some("not XML but JSON: begins with \"{\\\"a\\\": 1}\""),
            ),
            ("[\n {}]", Some("not XML but JSON: begins with \"[…\"")),
            (
                "<!doctype HTML>\n<html>",
                Some("not a result file but an HTML page: begins with \"<!doctype HTML>…\""),
            ),
        ];
        for (head, expected) in table {
            let found = match SniffedContent::sniff(head) {
                SniffedContent::Xml => None,
                SniffedContent::Other(words) | SniffedContent::Html(words) => Some(words),
                SniffedContent::Empty => panic!("{head:?}"),
            };
            assert_eq!(found.as_deref(), expected, "{head:?}");
        }
        assert_eq!(SniffedContent::sniff(""), SniffedContent::Empty);
        let long = "x".repeat(1000);
        let SniffedContent::Other(words) = SniffedContent::sniff(&long) else {
            panic!()
        };
        assert!(words.ends_with("x…\"") && words.len() < 100, "{words}");
    }
}
