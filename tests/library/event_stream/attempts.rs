//! Several ends of one test, and several tests with one name.

use super::ends::{read, results};

/// The end of an attempt of test `id`.
fn end(id: u32, attempt: u32, status: &str) -> String {
    format!(
        r#"{{"t":"test_end","id":"{id}","titles":["x"],"attempt":{attempt},"status":"{status}","message":"{status} {attempt}"}}"#
    )
}

fn of(ends: &[(u32, u32, &str)]) -> Vec<String> {
    let lines: Vec<String> = ends
        .iter()
        .map(|(id, attempt, status)| end(*id, *attempt, status))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    results(&read(&lines))
}

#[test]
fn highest_attempt_counts_and_a_late_pass_is_flaky() {
    assert_eq!(
        of(&[(1, 1, "failed"), (1, 2, "error"), (1, 3, "passed")]),
        ["x: flaky"]
    );
    assert_eq!(
        of(&[(1, 1, "failed"), (1, 2, "failed")]),
        ["x: failed failed 2"]
    );
    assert_eq!(
        of(&[(1, 1, "passed"), (1, 2, "failed")]),
        ["x: failed failed 2"]
    );
    assert_eq!(
        of(&[(1, 1, "failed"), (1, 2, "skipped")]),
        ["x: skipped skipped 2"]
    );
}

#[test]
fn worse_end_of_one_attempt_counts() {
    assert_eq!(
        of(&[(1, 1, "passed"), (1, 1, "failed")]),
        ["x: failed failed 1"]
    );
    assert_eq!(
        of(&[(1, 1, "failed"), (1, 1, "passed")]),
        ["x: failed failed 1"]
    );
    // An attempt that comes late can only make the last one worse.
    assert_eq!(
        of(&[(1, 2, "passed"), (1, 1, "failed")]),
        ["x: failed failed 1"]
    );
    assert_eq!(
        of(&[(1, 2, "failed"), (1, 1, "passed")]),
        ["x: failed failed 2"]
    );
}

#[test]
fn tests_that_share_a_name_all_count() {
    assert_eq!(
        of(&[(1, 1, "passed"), (2, 1, "failed")]),
        ["x: passed", "x: failed failed 1"]
    );
}

#[test]
fn attempt_that_runs_leaves_no_result() {
    let failed = end(1, 1, "failed");
    let stream = read(&[
        &failed,
        r#"{"t":"test_start","id":"1","titles":["x"],"attempt":2}"#,
    ]);
    assert!(results(&stream).is_empty());
    assert_eq!(stream.suspects[0].name, "x");
    // The end of an earlier attempt does not end this one.
    let stream = read(&[
        r#"{"t":"test_start","id":"1","titles":["x"],"attempt":2}"#,
        &failed,
    ]);
    assert_eq!(stream.suspects.len(), 1);
}

#[test]
fn pass_that_was_retried_without_lines_is_flaky() {
    let stream =
        read(&[r#"{"t":"test_end","id":"1","titles":["x"],"status":"passed","flaky":true}"#]);
    assert_eq!(results(&stream), ["x: flaky"]);
}
