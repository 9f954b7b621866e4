//! What must hold of every file, whatever is in it. The rooms under test are taken in by their paths: the whole crate
//! would take minutes to build.

#[path = "../../src"]
mod rooms {
    pub mod model;
    pub mod result_file;
}

pub use rooms::{model, result_file};

use model::{
    CaseResult,
    outcome::{CaseVerdict, Trouble},
    record::MAX_CASES,
};
use result_file::{MAX_FIELD, MAX_TEXT, ReadError, ResultFile, Scenarios, read_events};

/// Longest name, place, kind or attachment; a message has a few words of ours more.
const MAX_LINE: usize = 1100;
/// A note that something was left out is not counted as kept text.
const MAX_NOTE: usize = 64;

/// Reads a file in both ways and holds what is promised; a broken promise panics. What takes too long or too much memory
/// is for the fuzzer's own limits to find.
pub fn hold(bytes: &[u8]) {
    for scenarios in [Scenarios::Each, Scenarios::Together] {
        match read(bytes, scenarios) {
            Ok(file) => {
                bounded(&file.cases);
                counted(&file);
                assert_eq!(read(bytes, scenarios).as_ref(), Ok(&file), "the same twice");
                doctype_refused(bytes);
            }
            Err(error) => {
                assert!(error.line.is_some_and(|line| line > 0), "{error:?}");
                assert!(!error.message.is_empty() && error.name == "fuzzed");
            }
        }
    }
}

/// Reads an event stream and holds what is promised; so do its first and its second half, as a process that is killed
/// may leave them.
pub fn hold_events(bytes: &[u8]) {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    for part in [bytes, first, second] {
        match read_events("fuzzed", part) {
            Ok(stream) => {
                bounded(&stream.results.cases);
                counted(&stream.results);
                let suspects = stream.suspects.iter();
                for name in suspects.flat_map(|test| [&test.file, &test.name]) {
                    assert!(name.len() <= MAX_LINE, "{} bytes: {name:.200}", name.len());
                }
                let again = read_events("fuzzed", part);
                assert_eq!(again.as_ref(), Ok(&stream), "the same twice");
            }
            Err(error) => {
                assert!(error.line.is_some_and(|line| line > 0), "{error:?}");
                assert!(!error.message.is_empty() && error.name == "fuzzed");
            }
        }
    }
}

fn read(bytes: &[u8], scenarios: Scenarios) -> Result<ResultFile, ReadError> {
    result_file::read("fuzzed", bytes, scenarios)
}

fn bounded(cases: &[CaseResult]) {
    assert!(cases.len() <= MAX_CASES, "{} cases", cases.len());
    let mut kept = 0;
    for case in cases {
        let empty = Trouble::default();
        let (message, kind, text) = match &case.verdict {
            CaseVerdict::Failed(it) | CaseVerdict::Error(it) => (&it.message, &it.kind, &it.text),
            CaseVerdict::Skipped { message } => (message, &empty.kind, &empty.text),
            CaseVerdict::Passed { .. } => (&empty.message, &empty.kind, &empty.text),
        };
        let file = case.file.iter();
        for line in [&case.classname, &case.name, message, kind]
            .into_iter()
            .chain(file)
            .chain(&case.attachments)
        {
            assert!(line.len() <= MAX_LINE, "{} bytes: {line:.200}", line.len());
        }
        assert!(!case.name.is_empty());
        for text in [text, &case.output] {
            assert!(
                text.len() <= MAX_FIELD + MAX_NOTE,
                "{} bytes of text",
                text.len()
            );
            kept += text.len().saturating_sub(MAX_NOTE);
        }
        kept += case.attachments.iter().map(String::len).sum::<usize>();
    }
    assert!(kept <= MAX_TEXT, "{kept} bytes kept");
}

/// No case is lost from the counts, and a failure is kept before anything else.
fn counted(file: &ResultFile) {
    let (all, beside) = (file.counts, file.not_kept());
    assert_eq!(all.total(), beside.total() + file.cases.len() as u64);
    if beside.failed + beside.errors > 0 {
        assert_eq!(file.cases.len(), MAX_CASES);
    }
    assert!(all.flaky <= all.passed);
}

/// A file that is read is refused as soon as a DOCTYPE is before its root.
fn doctype_refused(bytes: &[u8]) {
    // One of ASCII would be no markup in UTF-16.
    if bytes
        .iter()
        .take(2)
        .any(|byte| matches!(byte, 0 | 0xfe | 0xff))
    {
        return;
    }
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let after = match start.strip_prefix(b"<?xml") {
        Some(rest) => match rest.windows(2).position(|two| two == b"?>") {
            Some(at) => bytes.len() - rest.len() + at + 2,
            None => return,
        },
        None => bytes.len() - start.len(),
    };
    let (before, rest) = bytes.split_at(after);
    for doctype in [
        &b"<!DOCTYPE x>"[..],
        b"<!DOCTYPE x [<!ENTITY a 'b'>]>\n",
        b"<!doctype x SYSTEM 'y'>",
    ] {
        let error = read(&[before, doctype, rest].concat(), Scenarios::Each)
            .expect_err("a file with a DOCTYPE is read");
        assert!(error.message.contains("DOCTYPE"), "{error}");
    }
}
