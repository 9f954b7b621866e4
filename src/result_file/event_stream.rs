//! Reads event streams: what a test tool reported while it ran, also if its process was killed.
//!
//! docs/event-stream.md describes the format. Only an end with a status is a result; a test that has started and not
//! ended is a suspect, and a tool without an end of its run has not come to its end.

mod ended_files;
mod event_line;
mod live_events;
mod meson_log;
mod streamed_test;

use std::{
    collections::{BTreeSet, HashMap},
    io::{self, BufRead, Read as _},
};

pub use live_events::LiveEvents;
pub use meson_log::read_meson_log;
pub use streamed_test::StreamedTest;

use super::{
    CaseCollector, ReadError, ResultFile,
    bounded_text::{TextBudget, clip},
    case_builder::{CaseBuilder, OUTSIDE, TroubleBuilder},
};
use ended_files::EndedFiles;
use event_line::{ErrorLine, StreamEvent, TestLine, VERSION};
use streamed_test::{TestProgress, joined};

/// Longest line that is read, in bytes.
pub const MAX_EVENT_LINE: usize = 1024 * 1024;
/// Longest line of a log that has the output of a test, in bytes.
const MAX_LOG_LINE: usize = 16 * 1024 * 1024;
/// Longest stream, in bytes.
const MAX_STREAM: u64 = 256 * 1024 * 1024;
/// Most tests of a stream.
pub const MAX_STREAMED_TESTS: usize = 100_000;
/// Most processes, and most open files, that are told apart.
const MAX_TOLD_APART: usize = 10_000;

/// What a stream shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventStream {
    /// A case for each test with a result, in the order in which the tests began, then one for each error outside of a
    /// test.
    pub results: ResultFile,
    /// The tests that have started and not ended, in the order in which they began.
    pub suspects: Vec<StreamedTest>,
    /// The files that were begun and not ended.
    pub open_files: Vec<String>,
    /// A tool has started, and each that has started has come to the end of its run.
    pub has_ended: bool,
    /// Name and version of the tool, of the first process that has one.
    pub tool: String,
    /// Lines that are no events, or too long: results may be missing.
    pub damaged_lines: u64,
}

/// Reads a stream to its end. Errors have the given name.
pub fn read_events(name: &str, source: impl BufRead) -> Result<EventStream, ReadError> {
    let mut state = StreamState::default();
    read_lines((name, MAX_EVENT_LINE), source, |line| {
        if let Some(line) = line {
            return state.apply_line(line);
        }
        state.damaged_lines += 1;
        Ok(())
    })?;
    Ok(state.finish())
}

/// Passes on each line of a source with this name; `None` for one of more bytes than `most`.
fn read_lines(
    (name, most): (&str, usize),
    source: impl BufRead,
    mut apply: impl FnMut(Option<&[u8]>) -> Result<(), String>,
) -> Result<(), ReadError> {
    let mut source = source.take(MAX_STREAM + 1);
    let mut line = Vec::new();
    let mut number = 0;
    let failed = |line: u64, message: String| ReadError {
        name: name.to_owned(),
        line: Some(line),
        message,
    };
    loop {
        number += 1;
        line.clear();
        let read = next_line(&mut source, &mut line, most)
            .map_err(|error| failed(number, format!("cannot be read: {error}")))?;
        if source.limit() == 0 {
            let most = MAX_STREAM / (1024 * 1024);
            return Err(failed(
                number,
                format!("the stream is larger than {most} MiB"),
            ));
        }
        let whole = match read {
            LineRead::End => return Ok(()),
            LineRead::TooLong => None,
            LineRead::Whole => Some(&line[..]),
        };
        apply(whole).map_err(|message| failed(number, message))?;
    }
}

enum LineRead {
    Whole,
    /// Its beginning only is in the buffer.
    TooLong,
    End,
}

/// Reads up to the next newline or the end, and keeps at most so many bytes.
fn next_line(source: &mut impl BufRead, line: &mut Vec<u8>, most: usize) -> io::Result<LineRead> {
    if source.take(most as u64 + 1).read_until(b'\n', line)? == 0 {
        return Ok(LineRead::End);
    }
    if line.len() <= most || line.ends_with(b"\n") {
        return Ok(LineRead::Whole);
    }
    source.skip_until(b'\n')?;
    Ok(LineRead::TooLong)
}

/// The lines of a stream so far.
#[derive(Debug, Default)]
struct StreamState {
    /// In the order in which they began.
    tests: Vec<TestProgress>,
    /// Where a test is in `tests`, by process and id.
    places: HashMap<(u32, String), usize>,
    open_files: BTreeSet<(u32, String)>,
    ended_files: EndedFiles,
    /// Runs that have started and not ended, by process.
    open_runs: BTreeSet<u32>,
    has_run: bool,
    outside: CaseCollector,
    budget: TextBudget,
    tool: String,
    damaged_lines: u64,
}

impl StreamState {
    fn apply_line(&mut self, line: &[u8]) -> Result<(), String> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        match serde_json::from_slice(line) {
            Ok(event) => self.apply(event)?,
            Err(_) => self.damaged_lines += 1,
        }
        Ok(())
    }

    fn apply(&mut self, event: StreamEvent) -> Result<(), String> {
        match event {
            StreamEvent::RunStart {
                pid,
                v,
                tool,
                final_files,
            } => {
                if v != VERSION {
                    return Err(format!(
                        "it has version {v} of event streams, and this testplan reads version {VERSION}"
                    ));
                }
                if self.tool.is_empty() {
                    self.tool = clip(&tool);
                }
                self.has_run = true;
                self.ended_files.run_started(final_files);
                self.open_runs.insert(pid);
                at_most(self.open_runs.len(), MAX_TOLD_APART, "processes")?;
            }
            StreamEvent::RunEnd { pid } => {
                self.open_runs.remove(&pid);
            }
            StreamEvent::FileStart { pid, file } => {
                self.ended_files.file_started(&clip(&file));
                self.open_files.insert((pid, clip(&file)));
                at_most(self.open_files.len(), MAX_TOLD_APART, "open files")?;
            }
            StreamEvent::FileEnd { pid, file } => {
                let file = clip(&file);
                self.ended_files.file_ended(&file);
                self.open_files.remove(&(pid, file));
            }
            StreamEvent::TestStart(line) => {
                let attempt = line.attempt;
                self.test(&line)?.start(attempt);
            }
            StreamEvent::TestEnd { test: line, end } => {
                let mut budget = std::mem::take(&mut self.budget);
                let test = self.test(&line)?;
                test.end(&line, *end, &mut budget);
                self.budget = budget;
            }
            StreamEvent::Error(line) => {
                self.ended_files.error(&clip(&line.file));
                self.add_outside(&line);
            }
            StreamEvent::Other => {}
        }
        Ok(())
    }

    fn test(&mut self, line: &TestLine) -> Result<&mut TestProgress, String> {
        let key = (line.pid, line.id.clone());
        let next = self.tests.len();
        let place = *self.places.entry(key).or_insert(next);
        if place == next {
            at_most(next + 1, MAX_STREAMED_TESTS, "tests")?;
            self.tests.push(TestProgress::new(StreamedTest::of(line)));
        }
        Ok(&mut self.tests[place])
    }

    fn add_outside(&mut self, line: &ErrorLine) {
        let mut trouble = TroubleBuilder::error("");
        trouble.set_message(&line.message);
        trouble.text.push(&line.text);
        let name = match joined("", &line.titles) {
            group if group.is_empty() => OUTSIDE.to_owned(),
            group => clip(&format!("{OUTSIDE} {group}")),
        };
        let mut case = CaseBuilder::default();
        case.classname = clip(&line.file);
        case.name = name;
        case.file = Some(clip(&line.file)).filter(|file| !file.is_empty());
        case.add_trouble(trouble);
        self.outside.push(case.finish("", &mut self.budget));
    }

    fn finish(mut self) -> EventStream {
        let mut results = CaseCollector::default();
        let mut suspects = Vec::new();
        // Their texts were counted when they came.
        let mut kept = TextBudget::default();
        for test in self.tests {
            if test.is_open() {
                suspects.push(test.into_test());
            } else if let Some(case) = test.into_case(&mut kept) {
                results.push(case);
            }
        }
        results.add_file(std::mem::take(&mut self.outside).into_file(), |_| {});
        EventStream {
            results: results.into_file(),
            suspects,
            open_files: self.open_files.into_iter().map(|(_, file)| file).collect(),
            has_ended: self.has_run && self.open_runs.is_empty(),
            tool: self.tool,
            damaged_lines: self.damaged_lines,
        }
    }
}

fn at_most(count: usize, most: usize, what: &str) -> Result<(), String> {
    if count > most {
        return Err(format!("it has more than {most} {what}"));
    }
    Ok(())
}
