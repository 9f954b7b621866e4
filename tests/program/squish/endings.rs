//! Every way a squishrunner ends, with what it means.

use super::told::told;
use crate::support::{Squish, alive, until};

/// Name, script, and what becomes of it: `passed`, `failed`, or words of the execution error.
const ENDINGS: [(&str, &str, &[&str]); 15] = [
    ("tst_pass", "pass it holds\nwarning slow", &["passed"]),
    (
        "tst_fail",
        "pass one\nfail 3 rows instead of 2",
        &["failed"],
    ),
    ("tst_xfail", "xfail known", &["passed"]),
    ("tst_xpass", "xpass not known any more", &["failed"]),
    ("tst_error", "error no such object", &["failed"]),
    ("tst_fatal", "fatal cannot go on", &["failed"]),
    ("tst_skip", "skip not on this system", &["skipped"]),
    ("tst_lies", "fail in the report\nexit 0", &["failed"]),
    ("tst_unexplained", "pass all\nexit 44", &["failed"]),
    (
        "tst_broken",
        "pass one\nexit 255",
        &[
            "squishrunner could not run the test: exit code 255",
            "left a report",
        ],
    ),
    (
        "tst_silent",
        "no-report 255",
        &[
            "squishrunner could not run the test: exit code 255",
            "wrote no report",
        ],
    ),
    (
        "tst_liar",
        "no-report 0",
        &["squishrunner wrote no report", "exit code 0"],
    ),
    (
        "tst_abort",
        "abort",
        &["squishrunner was killed by SIGABRT (6)"],
    ),
    (
        "tst_segv",
        "segv",
        &["squishrunner was killed by SIGSEGV (11): a crash"],
    ),
    ("tst_half", "pass one\nhalf", &["exit code 255"]),
];

fn every_ending_in(report: &str) {
    let squish = Squish::new();
    let testcases: Vec<_> = ENDINGS
        .iter()
        .map(|(name, script, _)| (*name, *script))
        .collect();
    squish.suite("suite_a", &testcases);
    let server = squish.server("server");
    let settings = format!("server: \"{}\", report: {report}", server.address());
    let ended = squish.plan(&settings, "").run().code_is(3);
    let told = told(&squish);
    for (name, _, expected) in ENDINGS {
        let words = told[name].words();
        for part in expected {
            assert!(
                words.contains(part),
                "{name}: {words:?} has no {part:?}\n{ended}"
            );
        }
        let could_run = ["passed", "failed", "skipped"].contains(&expected[0]);
        assert_eq!(could_run, !words.contains('\n'), "{name}: {words}");
    }
    // A listening Squish server is not blamed.
    assert!(!ended.stderr.contains("does not answer"), "{ended}");
    let broken = &told["tst_broken"].cases;
    assert_eq!(
        broken.len(),
        1,
        "the report of a broken end is kept: {broken:?}"
    );
}

#[test]
fn every_ending_with_squish_s_report() {
    every_ending_in("xml3.4");
}

#[test]
fn every_ending_with_a_junit_report() {
    every_ending_in("junit");
}

#[test]
fn an_aborted_report_shows_what_was_cut_off() {
    let squish = Squish::new();
    squish.suite("suite_a", &[("tst_half", "pass one\nhalf")]);
    squish.plan("server: local", "").run().code_is(3);
    let cases = &told(&squish)["tst_half"].cases;
    let text = serde_json::to_string(cases).unwrap();
    assert!(text.contains("\"error\""), "{text}");
}

#[test]
fn a_test_that_hangs_is_stopped_at_its_time_limit() {
    let squish = Squish::new();
    squish.suite("suite_a", &[("tst_hang", "hang"), ("tst_next", "pass")]);
    squish
        .plan("server: local", "  timeout: 2s")
        .run()
        .code_is(3);
    let told = told(&squish);
    assert!(
        told["tst_hang"]
            .words()
            .contains("stopped after 2s (time limit)")
    );
    assert_eq!(told["tst_next"].words(), "passed");
}

#[test]
fn what_a_test_leaves_running_is_ended() {
    let squish = Squish::new();
    let pid = squish.stage.path("pid");
    let leave = format!("leave {}\npass", pid.display());
    squish.suite("suite_a", &[("tst_leave", &leave)]);
    squish.plan("server: local", "").run().code_is(0);
    let pid = squish.stage.lines("pid")[0].parse().unwrap();
    until("the process that was left behind to be gone", || {
        (!alive(pid)).then_some(())
    });
}
