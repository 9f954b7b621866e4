//! A record file's text becomes records: tolerant of what a crash leaves behind, strict about a newer format.

use serde_json::Value;

use crate::model::record::{RECORD_VERSION, Record};

/// Most warnings kept of one file; the last one then counts the rest.
const MAX_WARNINGS: usize = 20;

/// A record file, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFile {
    /// What it is called in messages, usually its path.
    pub name: String,
    /// What could be read of it, in order of its lines.
    pub records: Vec<Record>,
    /// What could not, one sentence each.
    pub warnings: Vec<String>,
}

/// Why a record file cannot be used at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It was written by a testplan that knows more than this one.
    #[error(
        "{file}, line {line}: records of version {version}, but this testplan reads versions up to {RECORD_VERSION}. \
         A newer testplan wrote them: upgrade this one, so that nothing in them is overlooked"
    )]
    Newer {
        /// The file.
        file: String,
        /// Line in it, from 1.
        line: usize,
        /// The version found.
        version: u64,
    },
}

/// Reads the text of one record file.
///
/// A torn last line, unreadable lines and unknown events are left out with a warning: what they said is missing in
/// the end and makes the report incomplete, never green. A version above [`RECORD_VERSION`] is an error.
pub fn parse_record_file(name: &str, text: &str) -> Result<RecordFile, ReadError> {
    let mut file = RecordFile {
        name: name.to_owned(),
        ..RecordFile::default()
    };
    let mut unkept = 0_usize;
    let last = text.lines().count();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if line.trim().is_empty() {
            continue;
        }
        let torn = number == last && !text.ends_with('\n');
        match parse_line(line) {
            Ok(record) => file.records.push(record),
            Err(Unread::Newer(version)) => {
                return Err(ReadError::Newer {
                    file: file.name,
                    line: number,
                    version,
                });
            }
            Err(Unread::Because(_)) if torn => file.warnings.push(format!(
                "{name}, line {number}: the last line is torn, as a killed worker leaves it; left out"
            )),
            Err(Unread::Because(_)) if file.warnings.len() >= MAX_WARNINGS => unkept += 1,
            Err(Unread::Because(why)) => file
                .warnings
                .push(format!("{name}, line {number}: {why}; left out")),
        }
    }
    if unkept > 0 {
        file.warnings
            .push(format!("{name}: {unkept} more lines left out"));
    }
    Ok(file)
}

enum Unread {
    Newer(u64),
    Because(String),
}

fn parse_line(line: &str) -> Result<Record, Unread> {
    let value: Value = serde_json::from_str(line)
        .map_err(|error| Unread::Because(format!("unreadable ({error})")))?;
    let version = value
        .get("v")
        .and_then(Value::as_u64)
        .ok_or_else(|| Unread::Because("not a record: it has no version `v`".to_owned()))?;
    if version > u64::from(RECORD_VERSION) {
        return Err(Unread::Newer(version));
    }
    let event = value
        .get("event")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    serde_json::from_value(value).map_err(|error| {
        let error = error.to_string();
        Unread::Because(if error.starts_with("unknown variant") {
            format!("unknown event {event:?}")
        } else {
            format!("unreadable event {event:?} ({error})")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: &str = r#"{"v":1,"at":5,"worker":"a","event":"left","reason":"drained"}"#;

    #[test]
    fn reads_lines_and_tolerates_a_torn_end() {
        let file = parse_record_file("a.ndjson", &format!("{LEFT}\n{}", &LEFT[..30])).unwrap();
        assert_eq!(file.records.len(), 1);
        assert_eq!(file.warnings.len(), 1);
        assert!(file.warnings[0].contains("line 2: the last line is torn"));
    }

    #[test]
    fn a_whole_last_line_needs_no_newline() {
        let file = parse_record_file("a", LEFT).unwrap();
        assert_eq!((file.records.len(), file.warnings.len()), (1, 0));
    }

    #[test]
    fn unknown_events_are_named() {
        let text = "{\"v\":1,\"at\":5,\"worker\":\"a\",\"event\":\"danced\"}\n";
        let file = parse_record_file("a", text).unwrap();
        assert_eq!(
            file.warnings,
            ["a, line 1: unknown event \"danced\"; left out"]
        );
    }

    #[test]
    fn a_newer_version_says_to_upgrade() {
        let text = LEFT.replace("\"v\":1", "\"v\":2");
        let error = parse_record_file("a", &format!("{LEFT}\n{text}\n")).unwrap_err();
        assert_eq!(
            error,
            ReadError::Newer {
                file: "a".into(),
                line: 2,
                version: 2
            }
        );
        assert!(error.to_string().contains("upgrade"));
    }

    #[test]
    fn warnings_are_bounded() {
        let file = parse_record_file("a", &"nonsense\n".repeat(500)).unwrap();
        assert_eq!(file.warnings.len(), MAX_WARNINGS + 1);
        assert_eq!(file.warnings[MAX_WARNINGS], "a: 480 more lines left out");
    }
}
