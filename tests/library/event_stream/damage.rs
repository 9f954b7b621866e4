//! Streams that were broken off, mixed or written to do harm.

use std::collections::BTreeMap;

use proptest::prelude::*;
use testplan::result_file::{MAX_EVENT_LINE, MAX_STREAMED_TESTS, read_events};

use super::ends::results;

const PASSED: &str = r#"{"t":"test_end","pid":1,"id":"1","titles":["x"],"status":"passed"}"#;

#[test]
fn line_that_was_broken_off_costs_only_itself() {
    let stream = format!("\n{{\"t\":\"test_end\",\"pid\":2,\"id\":\"9\",\"tit\n{PASSED}\n");
    let stream = read_events("e", stream.as_bytes()).unwrap();
    assert_eq!((results(&stream).len(), stream.damaged_lines), (1, 1));
    // The same in the last line, and bytes that are no text.
    let stream = format!("\n{PASSED}\n\n{{\"t\":\"run_end\",\"pi");
    let stream = read_events("e", stream.as_bytes()).unwrap();
    assert_eq!((results(&stream).len(), stream.damaged_lines), (1, 1));
    let stream = [b"\xff\xfe\n\0\n[1]\nnull\n".as_slice(), PASSED.as_bytes()].concat();
    let stream = read_events("e", &*stream).unwrap();
    assert_eq!((results(&stream).len(), stream.damaged_lines), (1, 4));
}

#[test]
fn long_lines_are_skipped_and_texts_are_cut() {
    let line = |length: usize| {
        let text = "ä".repeat(length / 2);
        format!(
            r#"{{"t":"test_end","pid":1,"id":"1","titles":["x"],"status":"failed","text":"{text}"}}"#
        )
    };
    let long = format!("{}\n{PASSED}\n", line(MAX_EVENT_LINE + 2));
    let stream = read_events("e", long.as_bytes()).unwrap();
    assert_eq!(
        (results(&stream), stream.damaged_lines),
        (vec!["x: passed".to_owned()], 1)
    );
    let fits = line(MAX_EVENT_LINE - 200);
    let stream = read_events("e", fits.as_bytes()).unwrap();
    let case = &stream.results.cases[0];
    let testplan::model::outcome::CaseVerdict::Failed(trouble) = &case.verdict else {
        panic!("{case:?}");
    };
    assert!(trouble.text.len() < 70_000 && trouble.text.contains("bytes left out"));
}

#[test]
fn number_of_tests_is_bounded() {
    let lines = |count: usize| -> String {
        let line = |id| {
            format!(
                "{{\"t\":\"test_end\",\"pid\":1,\"id\":\"{id}\",\"titles\":[],\"status\":\"skipped\"}}"
            )
        };
        (0..count).map(line).collect::<Vec<_>>().join("\n")
    };
    let most = read_events("e", lines(MAX_STREAMED_TESTS).as_bytes()).unwrap();
    assert_eq!(most.results.counts.skipped, MAX_STREAMED_TESTS as u64);
    let error = read_events("e", lines(MAX_STREAMED_TESTS + 1).as_bytes()).unwrap_err();
    assert_eq!(error.message, "it has more than 100000 tests");
}

/// A line of a made-up stream.
#[derive(Clone, Debug)]
enum Line {
    Start(u32, u32, u32),
    End(u32, u32, u32, Option<&'static str>),
    Error(u32),
    Garbage,
}

impl Line {
    fn text(&self) -> String {
        let test = |pid: &u32, id: &u32, attempt: &u32| {
            format!(
                "\"pid\":{pid},\"id\":\"{id}\",\"titles\":[\"{pid}-{id}\"],\"attempt\":{attempt}"
            )
        };
        match self {
            Self::Start(pid, id, attempt) => {
                format!("{{\"t\":\"test_start\",{}}}", test(pid, id, attempt))
            }
            Self::End(pid, id, attempt, None) => {
                format!("{{\"t\":\"test_end\",{}}}", test(pid, id, attempt))
            }
            Self::End(pid, id, attempt, Some(status)) => format!(
                "{{\"t\":\"test_end\",{},\"status\":\"{status}\"}}",
                test(pid, id, attempt)
            ),
            Self::Error(pid) => {
                format!("{{\"t\":\"error\",\"pid\":{pid},\"message\":\"m\"}}")
            }
            Self::Garbage => "{\"t\":\"test_end\",\"pid\":".to_owned(),
        }
    }
}

/// A test of a made-up stream, by process and id.
type TestKey = (u32, u32);

/// Lines as reporters write them.
fn written(lines: &[Line]) -> String {
    lines.iter().fold(String::new(), |text, line| {
        text + "\n" + &line.text() + "\n"
    })
}

fn line() -> impl Strategy<Value = Line> {
    let status = prop::sample::select(vec![
        None,
        Some("passed"),
        Some("failed"),
        Some("error"),
        Some("skipped"),
    ]);
    prop_oneof![
        4 => (1..3_u32, 0..4_u32, 1..3_u32).prop_map(|(pid, id, n)| Line::Start(pid, id, n)),
        6 => (1..3_u32, 0..4_u32, 1..3_u32, status).prop_map(|(pid, id, n, it)| Line::End(pid, id, n, it)),
        1 => (1..3_u32).prop_map(Line::Error),
        1 => Just(Line::Garbage),
    ]
}

proptest! {
    /// The rules of docs/event-stream.md, written down a second time.
    #[test]
    fn reader_follows_the_rules(lines in prop::collection::vec(line(), 0..40)) {
        let text = written(&lines);
        let stream = read_events("e", text.as_bytes()).unwrap();
        let mut open: BTreeMap<TestKey, u32> = BTreeMap::new();
        let mut ends: BTreeMap<TestKey, Vec<(u32, Option<&str>)>> = BTreeMap::new();
        for line in &lines {
            match line {
                Line::Start(pid, id, attempt) => {
                    open.insert((*pid, *id), *attempt);
                }
                Line::End(pid, id, attempt, status) => {
                    if open.get(&(*pid, *id)).is_some_and(|open| open <= attempt) {
                        open.remove(&(*pid, *id));
                    }
                    ends.entry((*pid, *id)).or_default().push((*attempt, *status));
                }
                Line::Error(_) | Line::Garbage => {}
            }
        }
        let mut suspects: Vec<String> = open.keys().map(|(pid, id)| format!("{pid}-{id}")).collect();
        suspects.sort();
        let mut found: Vec<String> = stream.suspects.iter().map(|it| it.name.clone()).collect();
        found.sort();
        prop_assert_eq!(suspects, found);
        let rank = |status: Option<&str>| [None, Some("passed"), Some("skipped"), Some("failed"), Some("error")]
            .iter()
            .position(|it| *it == status);
        for case in stream.results.cases.iter().filter(|case| case.name.contains('-')) {
            let (pid, id) = case.name.split_once('-').unwrap();
            let key = (pid.parse().unwrap(), id.parse().unwrap());
            prop_assert!(!open.contains_key(&key));
            // In order: a higher attempt replaces, another one can only make it worse.
            let last = ends[&key].iter().copied().reduce(|last, next| {
                if next.0 > last.0 { next } else if rank(next.1) > rank(last.1) { (last.0, next.1) } else { last }
            });
            let word = results_word(&case.verdict);
            prop_assert_eq!(last.unwrap().1, Some(word));
        }
        let garbage = lines.iter().filter(|line| matches!(line, Line::Garbage)).count();
        prop_assert_eq!(stream.damaged_lines, garbage as u64);
        let errors = lines.iter().filter(|line| matches!(line, Line::Error(_))).count();
        let outside = stream.results.cases.iter().filter(|case| !case.name.contains('-')).count();
        prop_assert_eq!(errors, outside);
    }

    /// A killed process leaves a beginning: no test of it has a better result than its lines in the beginning give it.
    #[test]
    fn beginning_of_a_stream_invents_nothing(lines in prop::collection::vec(line(), 1..30), cut in 0.0..1.0_f64) {
        let text = written(&lines);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in the text")]
        let at = (text.len() as f64 * cut) as usize;
        let stream = read_events("e", &text.as_bytes()[..at]).unwrap();
        let whole: Vec<&str> = text[..at].split('\n').collect();
        for case in stream.results.cases.iter().filter(|case| case.name.contains('-')) {
            let status = format!("\"status\":\"{}\"}}", results_word(&case.verdict));
            let name = format!("\"{}\"", case.name);
            prop_assert!(whole.iter().any(|line| line.ends_with(&status) && line.contains(&name)));
        }
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let stream = read_events("e", &*bytes).unwrap();
        prop_assert!(stream.results.cases.is_empty());
    }
}

fn results_word(verdict: &testplan::model::outcome::CaseVerdict) -> &'static str {
    use testplan::model::outcome::CaseVerdict;
    match verdict {
        CaseVerdict::Passed { .. } => "passed",
        CaseVerdict::Failed(_) => "failed",
        CaseVerdict::Error(_) => "error",
        CaseVerdict::Skipped { .. } => "skipped",
    }
}
