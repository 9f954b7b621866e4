//! Plans that are not there, titles that are too long, and starts that leave nothing behind.

use super::plan::{FAILS, PASSES, plan};
use crate::support::{Service, Stage};

#[test]
fn unknown_plan_is_a_usage_error() {
    let stage = Stage::with(&plan(&[PASSES]));
    let service = Service::start(&stage);
    for command in [
        &["work"][..],
        &["wait"],
        &["report"],
        &["retry"],
        &["plan", "show"],
        &["plan", "status"],
        &["reserve"],
    ] {
        let ended = service.run(&stage, &[command, &["--plan-id", "999999"]].concat());
        assert_eq!(ended.code, Some(2), "{command:?}: {ended:#?}");
        assert!(
            ended.stderr.contains("correct --plan-id 999999"),
            "{command:?}: {ended:#?}"
        );
    }
}

#[test]
fn idle_worker_does_not_conclude_for_the_plan() {
    let stage = Stage::with(&plan(&[FAILS]));
    let service = Service::start(&stage);
    let started = service.run(&stage, &["execute", "--format", "json"]);
    let id = started.json()["plan_id"].to_string();
    let work = ["work", "--plan-id", &id];
    let first = service.run(&stage, &work);
    assert_eq!(first.code, Some(1), "{first:#?}");
    assert!(
        first.stderr.contains("at least one test failed here"),
        "{first:#?}"
    );
    let second = service.run(&stage, &work);
    assert_eq!(second.code, Some(0), "{second:#?}");
    assert!(
        second
            .stderr
            .contains("no test was run here; `testplan report` has the plan's result")
            && !second.stderr.contains("nothing failed"),
        "{second:#?}"
    );
}

#[test]
fn refused_execute_starts_no_plan() {
    let text = plan(&[PASSES]).replace(
        "    tests:",
        "    configurations: [{ OS: Solaris }, { OS: Linux }]\n    tests:",
    );
    let stage = Stage::with(&text);
    let service = Service::start(&stage);
    let long = "x".repeat(300);
    for (flags, says) in [
        (
            &["--runs-on", ": any", "--title", long.as_str()][..],
            "--title: 300 characters, 256 are the most",
        ),
        (
            &["--runs-on", ": any", "--batch", &long],
            "--batch: 300 characters",
        ),
        (
            &["--runs-on", ": any", "--linked-repo", "x=main"],
            "--linked-repo",
        ),
        (
            &[],
            "no runner is known for executions that need OS=Solaris",
        ),
        (&["--runs-on", ": a", "--runs-on", ": b"], "--runs-on"),
    ] {
        let ended = service.run(&stage, &[&["execute"], flags].concat());
        assert_eq!(ended.code, Some(2), "{flags:?}: {ended:#?}");
        assert!(ended.stderr.contains(says), "{flags:?}: {ended:#?}");
    }
    // The first plan after all of these has the first number after the template's.
    let started = service.run(
        &stage,
        &["execute", "--format", "json", "--runs-on", ": any"],
    );
    let template = service.run(&stage, &["template", "show", "--format", "json"]);
    let number = |text: &serde_json::Value| text.as_i64().unwrap();
    assert_eq!(
        number(&started.json()["plan_id"]),
        number(&template.json()["id"]) + 1,
        "{started:#?}"
    );
}
