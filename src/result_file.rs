//! Reads result files of test tools as bounded streams into cases.
//!
//! [`read`] and `read_path` choose the reader of the dialect by the root element. Lenient where tools differ, strict where
//! a file could hide a failure. [`read_events`] reads what a tool reports while it runs.

mod boost_reader;
mod bounded_text;
mod case_builder;
mod case_collector;
mod charset;
mod content_sniff;
mod cpp_reader;
mod event_stream;
mod file_cases;
mod junit_reader;
mod limited_reader;
mod qt_reader;
mod squish_reader;
mod xml_stream;

use std::{fmt, fs::File, io::BufRead, io::BufReader, path::Path};

pub use bounded_text::{MAX_FIELD, MAX_TEXT};
pub(crate) use case_builder::FAILED_BEFORE;
pub(crate) use case_collector::CaseCollector;
pub use event_stream::{
    EventStream, LiveEvents, MAX_EVENT_LINE, MAX_STREAMED_TESTS, StreamedTest, read_events,
    read_meson_log,
};

use crate::model::{CaseCounts, CaseResult};

/// Why a file was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ReadError {
    /// The file, as it is named in messages.
    pub name: String,
    /// Where reading stopped, from 1. `None` if the file could not be opened.
    pub line: Option<u64>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            line,
            message,
        } = self;
        match line {
            Some(line) => write!(f, "{name}: line {line}: {message}"),
            None => write!(f, "{name}: {message}"),
        }
    }
}

/// What is a case in a Squish report of behaviour-driven tests. Other dialects have no scenarios.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scenarios {
    /// Each scenario, and each row of an outline.
    #[default]
    Each,
    /// The test case that holds them.
    Together,
}

/// The cases of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResultFile {
    /// At most [`MAX_CASES`](crate::model::record::MAX_CASES): those that matter most.
    pub cases: Vec<CaseResult>,
    /// The number of all cases.
    pub counts: CaseCounts,
}

impl ResultFile {
    /// The number of cases that are not in `cases`.
    pub fn not_kept(&self) -> CaseCounts {
        let kept = self.cases.iter().map(|case| &case.verdict).collect();
        self.counts.minus(kept)
    }
}

/// Reads a file.
pub(crate) fn read_path(path: &Path, scenarios: Scenarios) -> Result<ResultFile, ReadError> {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => read(&name, BufReader::with_capacity(64 * 1024, file), scenarios),
        Err(error) => Err(ReadError {
            name,
            line: None,
            message: format!("cannot be opened: {error}"),
        }),
    }
}

/// Reads a stream to its end. Errors have the given name.
pub fn read(
    name: &str,
    source: impl BufRead,
    scenarios: Scenarios,
) -> Result<ResultFile, ReadError> {
    xml_stream::read(source, |root, attributes| {
        Ok(if root == squish_reader::ROOT {
            Box::new(squish_reader::SquishReader::new(attributes, scenarios)?)
        } else if root == boost_reader::ROOT {
            Box::new(boost_reader::BoostReader::default())
        } else if root == qt_reader::ROOT {
            Box::new(qt_reader::QtReader::new(attributes))
        } else if cpp_reader::ROOTS.contains(&root) {
            Box::new(cpp_reader::CppReader::new(root))
        } else {
            Box::new(junit_reader::JunitReader::default())
        })
    })
    .map_err(|(line, message)| ReadError {
        name: name.to_owned(),
        line: Some(line),
        message,
    })
}
