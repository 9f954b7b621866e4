//! What the reader makes of the lines of tests, files and runs.

use testplan::result_file::{EventStream, read_events};

/// Reads lines without `pid`; a line may name another process by `@7 `.
pub(crate) fn read(lines: &[&str]) -> EventStream {
    let mut text = String::new();
    for line in lines {
        let (pid, event) = match line.strip_prefix('@').and_then(|it| it.split_once(' ')) {
            Some((pid, event)) => (pid, event),
            None => ("1", *line),
        };
        let rest = event.strip_prefix('{').unwrap();
        text += &["\n{\"pid\":", pid, ",", rest, "\n"].concat();
    }
    read_events("events", text.as_bytes()).unwrap()
}

/// `name: verdict` of each case.
pub(crate) fn results(stream: &EventStream) -> Vec<String> {
    use testplan::model::outcome::CaseVerdict;
    let words = |case: &testplan::model::CaseResult| {
        let verdict = match &case.verdict {
            CaseVerdict::Passed { flaky: false } => "passed".to_owned(),
            CaseVerdict::Passed { flaky: true } => "flaky".to_owned(),
            CaseVerdict::Failed(it) => format!("failed {}", it.message),
            CaseVerdict::Error(it) => format!("error {}", it.message),
            CaseVerdict::Skipped { message } => format!("skipped {message}"),
        };
        format!("{}: {}", case.name, verdict.trim_end())
    };
    stream.results.cases.iter().map(words).collect()
}

const RUN: &str = r#"{"t":"run_start","v":1,"tool":"x 1"}"#;

#[test]
fn ends_with_a_status_are_results() {
    let stream = read(&[
        RUN,
        r#"{"t":"file_start","file":"d/a.js"}"#,
        r#"{"t":"test_start","id":"1","file":"d/a.js","titles":["S","a > b"],"line":3}"#,
        r#"{"t":"test_end","id":"1","file":"d/a.js","titles":["S","a > b"],"line":3,"status":"passed","ms":1.6}"#,
        r#"{"t":"test_end","id":"2","file":"d/a.js","titles":["S","c"],"project":"chrome","status":"failed","message":"one\ntwo","kind":"TypeError","text":"at c"}"#,
        r#"{"t":"test_end","id":"3","titles":["e"],"status":"error","message":"broke"}"#,
        r#"{"t":"test_end","id":"4","titles":["s"],"status":"skipped","message":"why"}"#,
        r#"{"t":"test_end","id":"5","titles":["unknown"]}"#,
        r#"{"t":"later","id":6}"#,
        r#"{"t":"file_end","file":"d/a.js"}"#,
        r#"{"t":"run_end"}"#,
    ]);
    assert_eq!(
        results(&stream),
        [
            "S > a > b: passed",
            "[chrome] S > c: failed one",
            "e: error broke",
            "s: skipped why"
        ]
    );
    let first = &stream.results.cases[0];
    assert_eq!(
        (first.classname.as_str(), first.file.as_deref()),
        ("d/a.js", Some("d/a.js"))
    );
    assert_eq!((first.line, first.duration_ms), (Some(3), Some(2)));
    let testplan::model::outcome::CaseVerdict::Failed(trouble) = &stream.results.cases[1].verdict
    else {
        panic!("{:?}", stream.results.cases[1]);
    };
    assert_eq!(
        (trouble.kind.as_str(), trouble.text.as_str()),
        ("TypeError", "one\ntwo\n\nat c")
    );
    assert!(stream.has_ended && stream.suspects.is_empty() && stream.open_files.is_empty());
    assert_eq!((stream.tool.as_str(), stream.damaged_lines), ("x 1", 0));
}

#[test]
fn started_tests_without_an_end_are_suspects() {
    let stream = read(&[
        RUN,
        r#"{"t":"file_start","file":"a"}"#,
        r#"{"t":"test_start","id":"1","file":"a","titles":["one"]}"#,
        r#"{"t":"test_start","id":"2","file":"a","titles":["two"],"line":9}"#,
        r#"{"t":"test_end","id":"1","file":"a","titles":["one"]}"#,
    ]);
    assert!(results(&stream).is_empty() && !stream.has_ended);
    let suspects: Vec<_> = stream
        .suspects
        .iter()
        .map(|it| (it.file.as_str(), it.name.as_str(), it.line))
        .collect();
    assert_eq!(suspects, [("a", "two", Some(9))]);
    assert_eq!(stream.open_files, ["a"]);
}

#[test]
fn runs_have_ended_only_if_all_have() {
    let end = r#"{"t":"run_end"}"#;
    assert!(!read(&[]).has_ended, "an empty stream");
    assert!(!read(&[end]).has_ended, "an end alone");
    assert!(read(&[RUN, end]).has_ended);
    let second = r#"@2 {"t":"run_start","v":1}"#;
    assert!(!read(&[RUN, second, end]).has_ended);
    assert!(read(&[RUN, second, end, r#"@2 {"t":"run_end"}"#]).has_ended);
    assert!(
        !read(&[RUN, end, RUN]).has_ended,
        "one process started again"
    );
}

#[test]
fn processes_have_tests_of_their_own() {
    let stream = read(&[
        r#"@1 {"t":"test_start","id":"1","file":"a","titles":["same"]}"#,
        r#"@2 {"t":"test_start","id":"1","file":"a","titles":["same"]}"#,
        r#"@1 {"t":"test_end","id":"1","file":"a","titles":["same"],"status":"passed"}"#,
    ]);
    assert_eq!(results(&stream), ["same: passed"]);
    assert_eq!(stream.suspects.len(), 1);
}

#[test]
fn errors_outside_of_tests_are_cases() {
    let stream = read(&[
        r#"{"t":"error","file":"a.js","titles":["S","T"],"message":"in a hook","text":"at hook"}"#,
        r#"{"t":"error","message":"the worker died"}"#,
        r#"{"t":"test_end","id":"1","titles":["x"],"status":"passed"}"#,
    ]);
    assert_eq!(
        results(&stream),
        [
            "x: passed",
            "(outside any test case) S > T: error in a hook",
            "(outside any test case): error the worker died"
        ]
    );
    assert_eq!(stream.results.cases[1].file.as_deref(), Some("a.js"));
    assert_eq!(stream.results.counts.errors, 2);
}

#[test]
fn other_versions_are_refused() {
    let error = read_events("e", &b"{\"t\":\"run_start\",\"pid\":1,\"v\":2}\n"[..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "e: line 1: it has version 2 of event streams, and this testplan reads version 1"
    );
}
