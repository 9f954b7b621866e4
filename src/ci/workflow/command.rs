//! Workflow commands: `::name key=value,key=value::data`, one line each.
//!
//! The escapes are those of GitHub's toolkit; the runner decodes them after it has split the line.

use std::fmt::Write as _;

use crate::model::{Annotation, AnnotationLevel};

/// Longest message of an annotation, in UTF-16 units, as the runner counts: it drops the rest.
pub const MAX_MESSAGE: usize = 4096;
/// Longest title of an annotation, in UTF-16 units.
pub(crate) const MAX_TITLE: usize = 255;

/// The command of an annotation, without a newline. Title and message are cut at [`MAX_TITLE`] and [`MAX_MESSAGE`].
pub fn annotation_line(annotation: &Annotation) -> String {
    let name = match annotation.level {
        AnnotationLevel::Error => "error",
        AnnotationLevel::Warning => "warning",
        AnnotationLevel::Notice => "notice",
    };
    let title = cut(&annotation.title, MAX_TITLE);
    let number = annotation.line.map(|line| line.to_string());
    let mut properties = Vec::with_capacity(3);
    if let Some(file) = &annotation.file {
        properties.push(("file", file.as_str()));
        if let Some(number) = &number {
            properties.push(("line", number));
        }
    }
    properties.push(("title", title.as_str()));
    line(name, &properties, &cut(&annotation.message, MAX_MESSAGE))
}

/// The command that masks a value in the log: whole, each line, and in the encodings that the runner knows. `None` for a blank
/// value, which the runner refuses. Never cut, because a part of a secret masks nothing.
pub fn mask(value: &str) -> Option<String> {
    (!value.trim().is_empty()).then(|| line("add-mask", &[], value))
}

/// A command, without a newline. Properties without a value are left out.
pub fn line(name: &'static str, properties: &[(&'static str, &str)], data: &str) -> String {
    let mut line = format!("::{name}");
    let mut before = ' ';
    for (key, value) in properties.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = write!(line, "{before}{key}={}", escape_property(value));
        before = ',';
    }
    let _ = write!(line, "::{}", escape_data(data));
    line
}

/// The percent sign first: the other escapes begin with it.
fn escape_data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// At most `max` UTF-16 units; a cut text ends in `…`.
fn cut(text: &str, max: usize) -> String {
    let mut units = 0;
    let mut room = 0;
    for (at, c) in text.char_indices() {
        units += c.len_utf16();
        if units < max {
            room = at + c.len_utf8();
        }
        if units > max {
            return format!("{}…", &text[..room]);
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_match_the_toolkit() {
        assert_eq!(line("debug", &[], ""), "::debug::");
        assert_eq!(
            line(
                "error",
                &[("file", "a:b,c%\r\n"), ("line", ""), ("title", "x=y")],
                "100%: a,b\r\n%0A::error::"
            ),
            "::error file=a%3Ab%2Cc%25%0D%0A,title=x=y::100%25: a,b%0D%0A%250A::error::"
        );
    }

    #[test]
    fn annotation_without_a_file_has_no_line() {
        let mut annotation = Annotation {
            level: AnnotationLevel::Warning,
            title: "t".into(),
            message: "m".into(),
            file: Some("src/a.rs".into()),
            line: Some(7),
        };
        assert_eq!(
            annotation_line(&annotation),
            "::warning file=src/a.rs,line=7,title=t::m"
        );
        annotation.file = None;
        assert_eq!(annotation_line(&annotation), "::warning title=t::m");
    }

    #[test]
    fn messages_are_cut_as_the_runner_counts() {
        let table = [
            ("x".repeat(4096), "x".repeat(4096)),
            ("x".repeat(4097), format!("{}…", "x".repeat(4095))),
            ("👩".repeat(2048), "👩".repeat(2048)),
            ("👩".repeat(2049), format!("{}…", "👩".repeat(2047))),
            (
                format!("{}👩", "x".repeat(4095)),
                format!("{}…", "x".repeat(4095)),
            ),
        ];
        for (text, kept) in table {
            let annotation = Annotation {
                level: AnnotationLevel::Error,
                title: String::new(),
                message: text,
                file: None,
                line: None,
            };
            assert_eq!(annotation_line(&annotation), format!("::error::{kept}"));
        }
    }

    #[test]
    fn masks_are_never_cut() {
        let secret = "s%\n".repeat(5000);
        let line = mask(&secret).unwrap();
        assert_eq!(
            line,
            format!("::add-mask::{}", "s%25%0A".repeat(5000)),
            "nothing of it is cut"
        );
        assert_eq!(mask(" \n"), None);
    }
}
