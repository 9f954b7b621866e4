//! Reads an event stream while it is written.

use std::io::{self, Read};

use super::{MAX_EVENT_LINE, MAX_STREAM, StreamState, StreamedTest, streamed_test::TestProgress};
use crate::{
    model::CaseResult,
    result_file::{CaseCollector, bounded_text::TextBudget},
};

/// A stream so far.
#[derive(Debug, Default)]
pub struct LiveEvents {
    state: StreamState,
    /// The beginning of a line whose end is not written yet.
    line: Vec<u8>,
    read: u64,
    /// Something could not be read: what else is there is left to the end.
    is_broken: bool,
}

impl LiveEvents {
    /// Reads what was added to the stream, from where the last call ended.
    pub fn read(&mut self, mut source: impl Read) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        while !self.is_broken {
            let count = match source.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.read += count as u64;
            self.add(&buffer[..count]);
            self.is_broken |= self.read > MAX_STREAM || self.line.len() > MAX_EVENT_LINE;
        }
        Ok(())
    }

    fn add(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.is_broken |= self.state.apply_line(&self.line).is_err();
                self.line.clear();
            }
        }
        self.is_broken |= self.state.damaged_lines > 0;
    }

    /// The results of the files that are done and whose tests cannot get another result, each once. Tests of one file come
    /// together.
    pub fn take_final(&mut self) -> Vec<CaseResult> {
        if self.is_broken {
            return Vec::new();
        }
        let mut results = CaseCollector::default();
        // Their texts were counted when they came.
        let mut kept = TextBudget::default();
        for file in self.state.ended_files.take() {
            let is_open = |test: &TestProgress| test.file() == file && test.is_open();
            if self.state.tests.iter().any(is_open) {
                continue;
            }
            for test in self.state.tests.iter_mut().filter(|it| it.file() == file) {
                let taken = std::mem::replace(test, TestProgress::new(StreamedTest::default()));
                if let Some(case) = taken.into_case(&mut kept) {
                    results.push(case);
                }
            }
        }
        results.into_file().cases
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "{\"t\":\"run_start\",\"pid\":1,\"v\":1,\"final_files\":true}\n";

    fn line(kind: &str, file: &str, rest: &str) -> String {
        format!("\n{{\"t\":\"{kind}\",\"pid\":1,\"file\":\"{file}\"{rest}}}\n")
    }

    fn test(file: &str, id: u32) -> String {
        let names = format!(",\"id\":\"{id}\",\"titles\":[\"t{id}\"]");
        let end = format!("{names},\"status\":\"passed\"");
        line("test_start", file, &names) + &line("test_end", file, &end)
    }

    fn names(cases: &[CaseResult]) -> Vec<String> {
        let name = |case: &CaseResult| format!("{}::{}", case.classname, case.name);
        cases.iter().map(name).collect()
    }

    #[test]
    fn tests_of_a_file_come_when_the_next_one_is_done() {
        let stream = [
            START.to_owned(),
            line("file_start", "a", ""),
            test("a", 1),
            test("a", 2),
            line("file_end", "a", ""),
            line("file_start", "b", ""),
            test("b", 3),
        ];
        let mut events = LiveEvents::default();
        events.read(stream.concat().as_bytes()).unwrap();
        assert!(events.take_final().is_empty());
        // A line may be read in two pieces.
        let end = line("file_end", "b", "");
        let (one, two) = end.split_at(9);
        events.read(one.as_bytes()).unwrap();
        assert!(events.take_final().is_empty());
        events.read(two.as_bytes()).unwrap();
        assert_eq!(names(&events.take_final()), ["a::t1", "a::t2"]);
        assert!(events.take_final().is_empty());
    }

    #[test]
    fn file_with_a_running_test_is_left_to_the_end() {
        let stream = [
            START.to_owned(),
            line("test_start", "a", ",\"id\":\"7\",\"titles\":[\"open\"]"),
            test("a", 1),
            line("file_end", "a", ""),
            test("b", 2),
            line("file_end", "b", ""),
            line("file_end", "c", ""),
        ];
        let mut events = LiveEvents::default();
        events.read(stream.concat().as_bytes()).unwrap();
        assert_eq!(names(&events.take_final()), ["b::t2"]);
    }

    #[test]
    fn damaged_stream_is_left_to_the_end() {
        let stream = [
            START.to_owned(),
            test("a", 1),
            line("file_end", "a", ""),
            "no event\n".to_owned(),
            line("file_end", "b", ""),
        ];
        let mut events = LiveEvents::default();
        events.read(stream.concat().as_bytes()).unwrap();
        assert!(events.take_final().is_empty());
    }
}
