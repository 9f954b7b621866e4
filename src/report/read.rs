//! A record file becomes records, line by line: tolerant of what a crash leaves behind, strict about a newer format.
//! Cases of result files stay where they are.

use std::{
    borrow::Cow,
    io::{self, BufRead, BufReader, Read},
    ops::Range,
    sync::Arc,
};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::model::record::{RECORD_VERSION, Record, RecordEvent};

use super::cases::{Cases, CasesLocation, RecordSource, TextSource};

/// Most warnings kept of one file; the last one then counts the rest.
const MAX_WARNINGS: usize = 20;
/// How much is read at once, in bytes.
const BLOCK: usize = 128 * 1024;
/// Longest line that is read, in bytes: no worker writes one as long, but a damaged file may have no line breaks.
const MAX_LINE: u64 = 1 << 30;

/// A record file, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFile {
    /// What it is called in messages, usually its path.
    pub name: String,
    /// What could be read of it, in order of its lines. The cases of each [`RecordEvent::Ended`] are not in it, but in
    /// `cases`.
    pub records: Vec<Record>,
    /// The cases of each [`RecordEvent::Ended`], in the same order.
    pub cases: Vec<Cases>,
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
    /// The system cannot read it.
    #[error("records {file}: {cause}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        cause: String,
    },
}

/// Reads the text of one record file, as [`read_record_file`].
pub fn parse_record_file(name: &str, text: &str) -> Result<RecordFile, ReadError> {
    read_record_file(
        &(Arc::new(TextSource {
            name: name.to_owned(),
            text: text.as_bytes().into(),
        }) as Arc<dyn RecordSource>),
    )
}

/// Reads one record file, line by line.
///
/// A torn last line, unreadable lines and unknown events are left out with a warning: their content is missing in
/// the end and makes the report incomplete, never green. A version above [`RECORD_VERSION`] is an error.
pub fn read_record_file(source: &Arc<dyn RecordSource>) -> Result<RecordFile, ReadError> {
    let name = source.name();
    let mut file = RecordFile {
        name: name.to_owned(),
        ..RecordFile::default()
    };
    let unreadable = |error: io::Error| ReadError::Unreadable {
        file: name.to_owned(),
        cause: error.to_string(),
    };
    let mut reader = BufReader::with_capacity(BLOCK, source.open().map_err(unreadable)?);
    let (mut unkept, mut number, mut offset) = (0_usize, 0_usize, 0_u64);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let length = read_line(&mut reader, &mut bytes, MAX_LINE).map_err(unreadable)?;
        if length == 0 {
            break;
        }
        number += 1;
        let torn = !bytes.ends_with(b"\n");
        let line = Line::new(source, offset, &bytes);
        offset += length;
        if line.text.trim().is_empty() {
            continue;
        }
        match line.parse() {
            Ok((record, cases)) => {
                if matches!(record.event, RecordEvent::Ended { .. }) {
                    file.cases.push(cases);
                }
                file.records.push(record);
            }
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
    file.records.shrink_to_fit();
    file.cases.shrink_to_fit();
    if unkept > 0 {
        file.warnings
            .push(format!("{name}: {unkept} more lines left out"));
    }
    Ok(file)
}

/// Reads a line, but of one that is longer than `max` nothing at all. Answers how long it is, in bytes.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>, max: u64) -> io::Result<u64> {
    let mut length = Read::take(&mut *reader, max).read_until(b'\n', line)? as u64;
    if length < max || line.ends_with(b"\n") {
        return Ok(length);
    }
    line.clear();
    line.extend_from_slice(b"{too long\n");
    loop {
        let block = reader.fill_buf()?;
        let end = block.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(block.len(), |end| end + 1);
        reader.consume(used);
        length += used as u64;
        if end.is_some() || used == 0 {
            return Ok(length);
        }
    }
}

enum Unread {
    Newer(u64),
    Because(String),
}

/// A line of a record file, and where it is.
struct Line<'a> {
    source: &'a Arc<dyn RecordSource>,
    offset: u64,
    text: Cow<'a, str>,
}

impl<'a> Line<'a> {
    fn new(source: &'a Arc<dyn RecordSource>, offset: u64, bytes: &'a [u8]) -> Self {
        Self {
            source,
            offset,
            text: String::from_utf8_lossy(bytes),
        }
    }

    fn parse(&self) -> Result<(Record, Cases), Unread> {
        let unread = |()| why_unread(&self.text);
        let Some(span) = cases_in(&self.text) else {
            let record = record_of(&self.text).map_err(unread)?;
            return Ok((record, Cases::default()));
        };
        let rest = [&self.text[..span.start], "[]", &self.text[span.end..]].concat();
        let record = record_of(&rest).map_err(unread)?;
        let cases = Cases::scan(&self.text[span.clone()], self.location(&span))
            .map_err(|error| Unread::Because(format!("unreadable event \"ended\" ({error})")))?;
        Ok((record, cases))
    }

    fn location(&self, span: &Range<usize>) -> CasesLocation {
        match &self.text {
            Cow::Borrowed(_) => CasesLocation {
                source: Arc::clone(self.source),
                offset: self.offset + span.start as u64,
                length: span.len(),
            },
            // Not UTF-8: some bytes were replaced.
            Cow::Owned(text) => CasesLocation::of_text(self.source.name(), &text[span.clone()]),
        }
    }
}

/// Where in a line the array of cases is.
fn cases_in(line: &str) -> Option<Range<usize>> {
    #[derive(Deserialize)]
    struct WithCases<'a> {
        #[serde(borrow, default)]
        cases: Option<&'a RawValue>,
    }
    if !line.contains("\"cases\"") {
        return None;
    }
    let cases = serde_json::from_str::<WithCases<'_>>(line)
        .ok()?
        .cases?
        .get();
    let start = cases.as_ptr().addr() - line.as_ptr().addr();
    Some(start..start + cases.len())
}

/// A record of a version that this build knows.
fn record_of(line: &str) -> Result<Record, ()> {
    let record: Record = serde_json::from_str(line).map_err(drop)?;
    if record.v > RECORD_VERSION {
        return Err(());
    }
    Ok(record)
}

/// Why a line is no record; slow, for few lines are none.
fn why_unread(line: &str) -> Unread {
    let value: Value = match serde_json::from_str(line) {
        Ok(value) => value,
        Err(error) => return Unread::Because(format!("unreadable ({error})")),
    };
    let Some(version) = value.get("v").and_then(Value::as_u64) else {
        return Unread::Because("not a record: it has no version `v`".to_owned());
    };
    if version > u64::from(RECORD_VERSION) {
        return Unread::Newer(version);
    }
    let event = value
        .get("event")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let error = serde_json::from_value::<Record>(value)
        .map_or_else(|error| error.to_string(), |_| "unknown reason".to_owned());
    Unread::Because(if error.starts_with("unknown variant") {
        format!("unknown event {event:?}")
    } else {
        format!("unreadable event {event:?} ({error})")
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
    fn a_line_without_end_takes_no_memory() {
        let mut reader = BufReader::with_capacity(4, &b"abc\nabcdefghij\nabc"[..]);
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            match read_line(&mut reader, &mut line, 6).unwrap() {
                0 => break,
                length => lines.push((length, String::from_utf8(line).unwrap())),
            }
        }
        let expected = [(4, "abc\n"), (11, "{too long\n"), (3, "abc")];
        assert_eq!(
            lines,
            expected.map(|(length, line)| (length, line.to_owned()))
        );
    }

    #[test]
    fn cases_are_left_where_they_are() {
        let case = r#"{"classname":"c","name":"n","verdict":"passed","duration_ms":null}"#;
        let ended = r#"{"v":1,"at":5,"worker":"a","event":"ended","execution":1,"outcome":{"kind":"cancelled"},"duration_ms":1"#;
        let text =
            format!("{ended},\"cases\":[{case},{case}]}}\n{ended}}}\n{ended},\"cases\":[{{}}]}}\n");
        let file = parse_record_file("a", &text).unwrap();
        assert_eq!((file.records.len(), file.cases.len()), (2, 2));
        assert_eq!((file.cases[0].len(), file.cases[1].len()), (2, 0));
        assert_eq!(file.warnings.len(), 1);
        assert!(
            file.warnings[0].contains("line 3: unreadable event \"ended\" (missing field"),
            "{:?}",
            file.warnings
        );
    }

    #[test]
    fn cases_of_a_line_that_is_not_utf_8_are_kept_as_they_were_read() {
        let ended = b"{\"v\":1,\"at\":5,\"worker\":\"\xff\",\"event\":\"ended\",\"execution\":1,\"outcome\":{\"kind\":\"cancelled\"},\
            \"duration_ms\":1,\"cases\":[{\"classname\":\"c\",\"name\":\"n\",\"verdict\":\"passed\",\"duration_ms\":1}]}\n";
        let source: Arc<dyn RecordSource> = Arc::new(TextSource {
            name: "a".to_owned(),
            text: ended[..].into(),
        });
        let file = read_record_file(&source).unwrap();
        let mut names = Vec::new();
        crate::report::cases::CaseReader::default()
            .each::<crate::report::cases::ReadAgainError, _>(&file.cases[0], |case| {
                names.push(case.name.into_owned());
                Ok(())
            })
            .unwrap();
        assert_eq!(names, ["n"]);
    }

    #[test]
    fn warnings_are_bounded() {
        let file = parse_record_file("a", &"nonsense\n".repeat(500)).unwrap();
        assert_eq!(file.warnings.len(), MAX_WARNINGS + 1);
        assert_eq!(file.warnings[MAX_WARNINGS], "a: 480 more lines left out");
    }
}
