//! The JSON log of `meson test` as an event stream: one line for each test that ended. Its JUnit file shows the parts of TAP
//! tests alone, so that one whose output breaks off looks passed.

use std::io::BufRead;

use serde::Deserialize;

use super::{
    EventStream, MAX_LOG_LINE, StreamState, TestLine,
    event_line::{EndStatus, StreamEvent, TestEnd},
    read_lines,
};
use crate::result_file::ReadError;

/// A test that ended. Other keys, such as the variables of its process, are left alone.
#[derive(Debug, Deserialize)]
struct MesonTest {
    /// `SUITES - PROJECT:NAME`, or `PROJECT:NAME`.
    name: String,
    result: String,
    /// In seconds; none of a test that could not start.
    duration: Option<f64>,
    returncode: Option<i64>,
    #[serde(default)]
    stdout: Option<String>,
    #[serde(default)]
    stderr: Option<String>,
}

/// Reads the log to its end. Errors have the given name.
pub fn read_meson_log(name: &str, source: impl BufRead) -> Result<EventStream, ReadError> {
    let mut state = StreamState {
        has_run: true,
        tool: "Meson".to_owned(),
        ..StreamState::default()
    };
    let mut number: u32 = 0;
    read_lines((name, MAX_LOG_LINE), source, |line| {
        let Some(line) = line else {
            state.damaged_lines += 1;
            return Ok(());
        };
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        number += 1;
        match serde_json::from_slice::<MesonTest>(line) {
            Ok(test) => state.apply(event(test, number))?,
            Err(_) => state.damaged_lines += 1,
        }
        Ok(())
    })?;
    Ok(state.finish())
}

/// The end of a test; of one that Meson interrupted or does not know the end of, its start.
fn event(test: MesonTest, number: u32) -> StreamEvent {
    let (suite, name) = test.name.rsplit_once(':').unwrap_or(("", &test.name));
    let line = TestLine {
        pid: 0,
        id: number.to_string(),
        file: suite.to_owned(),
        titles: vec![name.to_owned()],
        line: None,
        project: String::new(),
        attempt: 1,
    };
    let Some(status) = status(&test.result) else {
        return StreamEvent::TestStart(line);
    };
    let is_trouble = matches!(status, EndStatus::Failed | EndStatus::Error);
    let message = match (is_trouble, test.returncode) {
        (false, _) => String::new(),
        (true, Some(code)) if code != 0 => format!("{}, exit code {code}", test.result),
        (true, _) => test.result,
    };
    let outputs = [test.stderr, test.stdout].into_iter().flatten();
    let outputs = outputs.filter(|text| is_trouble && !text.is_empty());
    StreamEvent::TestEnd {
        test: line,
        end: Box::new(TestEnd {
            status: Some(status),
            ms: test.duration.map(|seconds| seconds * 1000.0),
            message,
            text: outputs.collect::<Vec<_>>().join("\n"),
            ..TestEnd::default()
        }),
    }
}

fn status(result: &str) -> Option<EndStatus> {
    Some(match result {
        "OK" | "EXPECTEDFAIL" => EndStatus::Passed,
        "SKIP" | "IGNORED" => EndStatus::Skipped,
        "FAIL" | "UNEXPECTEDPASS" => EndStatus::Failed,
        "ERROR" | "TIMEOUT" => EndStatus::Error,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::CaseVerdict;

    #[test]
    fn results_of_meson_are_verdicts() {
        let log = r#"{"name": "p:a", "stdout": "", "result": "OK", "duration": 0.5, "returncode": 0, "env": {"A": "b"}}
{"name": "s1+s2 - p:b c", "stdout": "out", "stderr": "err", "result": "FAIL", "duration": 1, "returncode": 1}
{"name": "p:tap", "result": "ERROR", "duration": 1, "returncode": 0}
{"name": "p:x", "result": "SKIP", "duration": 1, "returncode": 77}
{"name": "p:f", "result": "EXPECTEDFAIL", "duration": 1, "returncode": 1}
{"name": "p:i", "result": "INTERRUPT", "duration": 1, "returncode": -15}
"#;
        let stream = read_meson_log("log", log.as_bytes()).unwrap();
        let case = |case: &crate::model::CaseResult| {
            let verdict = match &case.verdict {
                CaseVerdict::Passed { .. } => "passed".to_owned(),
                CaseVerdict::Skipped { .. } => "skipped".to_owned(),
                CaseVerdict::Failed(it) => format!("failed {}", it.message),
                CaseVerdict::Error(it) => format!("error {}", it.message),
            };
            format!("{}::{} {verdict}", case.classname, case.name)
        };
        let cases: Vec<String> = stream.results.cases.iter().map(case).collect();
        assert_eq!(
            cases,
            [
                "p::a passed",
                "s1+s2 - p::b c failed FAIL, exit code 1",
                "p::tap error ERROR",
                "p::x skipped",
                "p::f passed",
            ]
        );
        assert_eq!(stream.results.cases[0].duration_ms, Some(500));
        assert_eq!(stream.suspects[0].name, "i");
        assert!(stream.has_ended && stream.damaged_lines == 0);
    }

    #[test]
    fn line_that_is_cut_is_counted() {
        let log = "{\"name\": \"p:a\", \"result\": \"OK\", \"dura";
        let stream = read_meson_log("log", log.as_bytes()).unwrap();
        assert_eq!((stream.results.cases.len(), stream.damaged_lines), (0, 1));
    }
}
