//! A result file for one test of a call, for its upload: the call's own file also has the results of other tests, and those
//! that do not count.

use std::{fmt::Write as _, fs, path::Path};

use crate::{
    fs::write_atomic,
    model::{
        CaseResult,
        outcome::{CaseVerdict, Trouble},
    },
};

/// Writes the cases of a test into its folder, and copies their attachments from that of the call.
pub(crate) fn write(folder: &Path, call: &Path, cases: &[CaseResult]) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    fs::create_dir_all(folder).map_err(failed)?;
    for attachment in cases.iter().flat_map(|case| &case.attachments) {
        let copy = folder.join(attachment);
        if let Some(parent) = copy.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        fs::copy(call.join(attachment), copy).map_err(failed)?;
    }
    let file = folder.join("junit.xml");
    write_atomic(&file, junit(cases).as_bytes()).map_err(|error| error.to_string())
}

/// The cases as JUnit.
fn junit(cases: &[CaseResult]) -> String {
    let mut text =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite");
    let suite = cases.first().map_or("", |case| case.classname.as_str());
    attribute(&mut text, "name", suite);
    text.push_str(">\n");
    for case in cases {
        text.push_str("<testcase");
        attribute(&mut text, "classname", &case.classname);
        attribute(&mut text, "name", &case.name);
        if let Some(ms) = case.duration_ms {
            attribute(
                &mut text,
                "time",
                &format!("{}.{:03}", ms / 1000, ms % 1000),
            );
        }
        if let Some(file) = &case.file {
            attribute(&mut text, "file", file);
        }
        if let Some(line) = case.line {
            attribute(&mut text, "line", &line.to_string());
        }
        text.push('>');
        match &case.verdict {
            CaseVerdict::Passed { .. } => {}
            CaseVerdict::Failed(trouble) => element(&mut text, "failure", trouble),
            CaseVerdict::Error(trouble) => element(&mut text, "error", trouble),
            CaseVerdict::Skipped { message } => {
                text.push_str("<skipped");
                attribute(&mut text, "message", message);
                text.push_str("/>");
            }
        }
        if !case.output.is_empty() {
            text.push_str("<system-out>");
            escape(&mut text, &case.output);
            text.push_str("</system-out>");
        }
        text.push_str("</testcase>\n");
    }
    text.push_str("</testsuite>\n</testsuites>\n");
    text
}

fn element(text: &mut String, name: &str, trouble: &Trouble) {
    // Writing to a text cannot fail.
    let _ = write!(text, "<{name}");
    attribute(text, "message", &trouble.message);
    attribute(text, "type", &trouble.kind);
    text.push('>');
    escape(text, &trouble.text);
    let _ = write!(text, "</{name}>");
}

fn attribute(text: &mut String, name: &str, value: &str) {
    // As above.
    let _ = write!(text, " {name}=\"");
    escape(text, value);
    text.push('"');
}

/// Writes a text so that it is read as the same again. Characters that XML has no form for are replaced.
fn escape(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\n' => text.push_str("&#10;"),
            '\r' => text.push_str("&#13;"),
            '\t' => text.push_str("&#9;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => text.push('\u{fffd}'),
            character => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result_file::{self, Scenarios};

    #[test]
    fn written_cases_are_read_as_they_were() {
        let case = |name: &str, verdict| CaseResult {
            classname: "a <b> & \"c\"".to_owned(),
            name: name.to_owned(),
            verdict,
            duration_ms: Some(1234),
            file: Some("t.py".to_owned()),
            line: Some(3),
            output: "one\ntwo <3>".to_owned(),
            attachments: Vec::new(),
        };
        let trouble = Trouble {
            message: "1 < 2".to_owned(),
            kind: "AssertionError".to_owned(),
            text: "line 1\nline 2".to_owned(),
            is_expected: false,
        };
        let cases = vec![
            case("é [x] 'y'", CaseVerdict::Passed { flaky: false }),
            case("b", CaseVerdict::Failed(trouble.clone())),
            case("c", CaseVerdict::Error(trouble)),
            case(
                "d",
                CaseVerdict::Skipped {
                    message: "no \"luck\"".to_owned(),
                },
            ),
        ];
        let text = junit(&cases);
        let read = result_file::read("x", text.as_bytes(), Scenarios::Each).unwrap();
        assert_eq!(read.cases, cases);
    }
}
