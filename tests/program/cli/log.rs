//! The log of a small run as a CI shows it, word by word; only what differs from run to run is redacted.

use super::plan::{BREAKS, FAILS, PASSES, SKIPS, plan_for};
use crate::support::Stage;

#[test]
fn a_small_run_in_a_ci() {
    let tests = [PASSES, FAILS, SKIPS, BREAKS];
    let stage = Stage::with(&plan_for("[{ OS: Linux }]", &tests));
    let command = stage.command([
        "run",
        "--workers=1",
        "--capability=OS=Linux",
        "--title=Nightly",
    ]);
    let ended = command
        .with_all([("CI", "true"), ("TESTPLAN_WORKER", "ci")])
        .run();
    assert_eq!(ended.code, Some(3), "{ended:#?}");
    let log = redacted(&ended.stderr, &stage);
    let expected = include_str!("../../fixtures/cli/run.log");
    assert!(log == expected, "the log is now:\n{log}");
}

/// What is of this moment or machine becomes a name in capitals.
fn redacted(text: &str, stage: &Stage) -> String {
    let text = text
        .replace(env!("CARGO_BIN_EXE_testplan"), "TESTPLAN")
        .replace(&*stage.path("").to_string_lossy(), "DESK/");
    let random = regex::Regex::new(r"ci-[0-9a-f]{8}/").unwrap();
    let text = random.replace_all(&text, "ci-RANDOM/");
    let seconds = regex::Regex::new(r" *\b\d+(\.\d+)?(s|ms|m \d+s)\b").unwrap();
    seconds.replace_all(&text, " TIME").into_owned()
}
