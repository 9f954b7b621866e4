//! The log of a small run as a CI shows it, word by word; only what differs from run to run is redacted.

use super::{
    plan::{BREAKS, FAILS, PASSES, SKIPS, plan_for},
    support::Desk,
};

#[test]
fn a_small_run_in_a_ci() {
    let tests = [PASSES, FAILS, SKIPS, BREAKS];
    let desk = Desk::with(&plan_for("[{ OS: Linux }]", &tests));
    let mut command = desk.testplan(&[
        "run",
        "--workers=1",
        "--capability=OS=Linux",
        "--title=Nightly",
    ]);
    let ended = super::support::run(command.envs([("CI", "true"), ("TESTPLAN_WORKER", "ci")]));
    assert_eq!(ended.code, Some(3), "{ended:#?}");
    let log = redacted(&ended.stderr, &desk);
    let expected = include_str!("../../fixtures/cli/run.log");
    assert!(log == expected, "the log is now:\n{log}");
}

/// What is of this moment or machine becomes a name in capitals.
fn redacted(text: &str, desk: &Desk) -> String {
    let text = text
        .replace(env!("CARGO_BIN_EXE_testplan"), "TESTPLAN")
        .replace(&*desk.path("").to_string_lossy(), "DESK/");
    let random = regex::Regex::new(r"ci-[0-9a-f]{8}/").unwrap();
    let text = random.replace_all(&text, "ci-RANDOM/");
    let seconds = regex::Regex::new(r" *\b\d+(\.\d+)?(s|ms|m \d+s)\b").unwrap();
    seconds.replace_all(&text, " TIME").into_owned()
}
