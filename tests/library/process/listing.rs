//! Commands that are run for what they print.

use std::time::Duration;

use testplan::{
    run::process::{OutputError, run_to_end},
    runner::process_end::ProcessEnd,
};

use crate::process::stage::{LONG, Stage, within};

#[tokio::test]
async fn stdout_is_kept_whole_and_stderr_at_its_end() {
    let stage = Stage::new();
    let script = "yes complaint | head -n 10000 >&2; echo one; echo two; echo at last >&2; exit 4";
    let listed = run_to_end(&stage.command(&["sh", "-c", script]), LONG, 100)
        .await
        .unwrap();
    assert_eq!(listed.ending, ProcessEnd::Exited(4));
    assert_eq!(listed.printed, b"one\ntwo\n");
    assert!(listed.tail.len() <= 4096 && listed.tail.ends_with("complaint\nat last"));
}

#[tokio::test]
async fn exactly_the_limit_is_not_too_much() {
    let stage = Stage::new();
    let command = stage.command(&["printf", "12345"]);
    assert_eq!(
        run_to_end(&command, LONG, 5).await.unwrap().printed,
        b"12345"
    );
    let error = run_to_end(&command, LONG, 4).await.unwrap_err();
    assert!(matches!(error, OutputError::TooMuch(4)), "{error}");
}

#[tokio::test]
async fn endless_output_is_stopped_at_the_limit() {
    let stage = Stage::new();
    let mut life = stage.life();
    let error = within(run_to_end(&stage.script("exec yes"), LONG, 1 << 16))
        .await
        .unwrap_err();
    assert!(matches!(error, OutputError::TooMuch(_)), "{error}");
    assert_eq!(life.end().await, [""; 0]);
}

#[tokio::test]
async fn a_listing_that_takes_too_long_is_stopped_with_its_children() {
    let stage = Stage::new();
    let mut life = stage.life();
    let script = "echo thinking >&2; trap '' TERM; sleep 600 & wait";
    let error = within(run_to_end(
        &stage.script(script),
        Duration::from_secs(2),
        100,
    ))
    .await
    .unwrap_err();
    assert_eq!(error.to_string(), "the time limit of 2s: stopped");
    let OutputError::TimedOut(listed) = error else {
        panic!("{error}")
    };
    assert_eq!(listed.tail, "thinking");
    assert_eq!(life.end().await, [""; 0]);
}

#[tokio::test]
async fn listing_that_does_not_start_has_an_error() {
    let stage = Stage::new();
    let error = run_to_end(&stage.command(&["no-such-program-x"]), LONG, 100)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("was not found in any folder of PATH"),
        "{error}"
    );
}
