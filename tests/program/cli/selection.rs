//! Plans of some tests of a template: `--only`, `--failed`, `--shard` and `--dry-run` on the real binary.

use std::{collections::BTreeSet, os::unix::fs::PermissionsExt as _};

use serde_json::json;

use crate::support::{
    Service, Stage, TestCenter,
    test_center::{Dialect, TOKEN},
};

const PLAN: &str = r#"
project: shop
runner:
  command: [/bin/sh, -c, 'echo "$1" >> ran; case "$1" in bad*) test -e fixed;; esac', sh, "{testcase}"]
  results: { format: exit-code }
templates:
  - title: T
    tests:
      - { suite: login, testcases: [ok, bad, "x[a-1]"] }
      - { suite: cart, testcases: [add, bad_sum, slow] }
"#;

/// The test cases that ran since the last look, sorted.
fn ran(stage: &Stage) -> Vec<String> {
    let mut lines = stage.lines("ran");
    lines.sort();
    stage.write("ran", "");
    lines
}

#[test]
fn failed_tests_run_again_until_none_is_left() {
    let stage = Stage::with(PLAN);
    let first = stage.run(["run", "--failed"]).code_is(4);
    assert!(
        first.stderr.contains("has no plan of an earlier"),
        "{first:#?}"
    );
    assert!(!stage.path("testplan-out/service.sqlite").exists());
    stage.run(["run"]).code_is(1);
    assert_eq!(ran(&stage).len(), 6);

    let again = stage.run(["run", "--failed"]).code_is(1);
    assert_eq!(ran(&stage), ["bad", "bad_sum"]);
    assert!(
        again.stderr.contains("plan 2 (6 tests): 2 failed"),
        "{again:#?}"
    );
    stage.write("fixed", "");
    let fixed = stage.run(["run", "--failed"]).code_is(0);
    assert_eq!(ran(&stage), ["bad", "bad_sum"]);
    assert!(
        fixed
            .stderr
            .contains("selection of 2 of 6 tests (--failed=3)\n2 tests in"),
        "{fixed:#?}"
    );

    let none = stage.run(["run", "--failed"]).code_is(4);
    assert!(
        none.stderr
            .contains("error: every test of plan 4 passed or was skipped"),
        "{none:#?}"
    );
    stage.run(["run", "--failed", "--allow-empty"]).code_is(0);
    // An empty plan has no failures to run again, so it is not the last one.
    stage.run(["run", "--failed=2"]).code_is(0);
    assert_eq!(ran(&stage), ["bad", "bad_sum"]);
    stage.run(["run"]).code_is(0);
    assert_eq!(ran(&stage).len(), 6, "the template has all tests");
}

#[test]
fn plan_of_some_tests_is_called_a_selection_everywhere() {
    let stage = Stage::with(PLAN);
    stage
        .run(["run", "--only", "login/x[a-1]", "--only", "cart/a*"])
        .code_is(0);
    assert_eq!(ran(&stage), ["add", "x[a-1]"]);
    let words = "selection of 2 of 6 tests";
    let summary = stage.read("testplan-out/summary.md");
    let headline = summary.lines().next().unwrap();
    assert!(
        headline.contains(&format!(": {words}: 2 passed")),
        "{headline}"
    );
    assert!(headline.contains("T (2 of 6 tests) ("), "{headline}");
    let html = stage.read("testplan-out/report.html");
    assert!(
        html.contains(&format!("class=\"lead\">{words}: ")),
        "{html}"
    );
    let json = stage.run(["report", "--format", "json"]).json();
    assert_eq!(
        json["discovery"]["selection"],
        json!({ "flags": "--only 'login/x[a-1]' --only 'cart/a*'", "selected": 2, "of": 6 })
    );
    stage.run(["run", "--only", "*"]).code_is(1);
    assert!(
        !stage.read("testplan-out/summary.md").contains("selection"),
        "all tests are no selection"
    );
}

#[test]
fn pattern_without_a_test_is_a_warning_and_without_any_test_an_error() {
    let stage = Stage::with(PLAN);
    let one = stage
        .run(["run", "--only", "bad_smu", "--only", "*slow"])
        .code_is(0);
    assert!(
        one.stderr
            .contains("warning: --only bad_smu: no test matches; did you mean '*bad_sum*'?"),
        "{one:#?}"
    );
    assert_eq!(ran(&stage), ["slow"]);
    let none = stage.run(["run", "--only", "nothing*"]).code_is(4);
    assert!(
        none.stderr.contains("error: no test matches the pattern"),
        "{none:#?}"
    );
    assert!(ran(&stage).is_empty());
}

#[test]
fn shards_run_each_test_once() {
    let stage = Stage::with(PLAN);
    stage.write("fixed", "");
    let mut all = Vec::new();
    for shard in ["1/4", "2/4", "3/4", "4/4"] {
        stage.run(["run", "--shard", shard]).code_is(0);
        all.extend(ran(&stage));
    }
    assert_eq!(all.len(), 6);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 6, "{all:?}");
    for wrong in ["0/3", "4/3"] {
        stage.run(["run", "--shard", wrong]).code_is(2);
    }
    let empty = stage
        .run(["run", "--only", "cart/slow", "--shard", "2/2"])
        .code_is(4);
    assert!(empty.stderr.contains("shard 2/2 has no test"), "{empty:#?}");
}

#[test]
fn dry_run_starts_nothing() {
    let stage = Stage::with(PLAN);
    let dry = stage.run(["run", "--only", "cart", "--dry-run"]).code_is(0);
    assert!(dry.stdout.contains("cart\n  add\n  bad_sum\n  slow\n"));
    assert!(dry.stdout.contains("dry run: nothing was started"));
    assert!(ran(&stage).is_empty());
    assert!(!stage.path("testplan-out").exists());

    let service = Service::start(&stage);
    let flags = [
        "execute",
        "--only",
        "cart/*",
        "--dry-run",
        "--format",
        "json",
    ];
    let dry = service.run(&stage, &flags).code_is(0).json();
    assert_eq!(dry["dry_run"], true);
    assert_eq!(dry["service"], service.url);
    assert_eq!(dry["executions"], 3);
    assert_eq!(dry["selection"]["of"], 6);
    service.run(&stage, &["run", "--dry-run"]).code_is(0);
    let failed = service
        .run(&stage, &["execute", "--failed", "--dry-run"])
        .code_is(4);
    assert!(failed.stderr.contains("has no earlier plan"), "{failed:#?}");
}

#[test]
fn service_gets_a_selection_and_keeps_its_template() {
    let stage = Stage::with(PLAN);
    let service = Service::start(&stage);
    let run = |flags: &str| {
        let flags: Vec<&str> = flags.split(' ').collect();
        service.run(&stage, &flags)
    };
    run("run --branch main").code_is(1);
    ran(&stage);
    let started = run("execute --failed --branch main --format json").code_is(0);
    let started = started.json();
    assert_eq!(started["open"], 2);
    assert_eq!(
        started["selection"],
        json!({ "flags": "--failed=2", "selected": 2, "of": 6 })
    );
    run("work --plan-id 3").code_is(1);
    assert_eq!(ran(&stage), ["bad", "bad_sum"]);
    // The report of another job knows it from the service.
    run("report --plan-id 3 --records testplan-out/records").code_is(1);
    let summary = stage.read("testplan-out/summary.md");
    assert!(
        summary.contains(": selection of 2 of 6 tests: 2 failed"),
        "{summary}"
    );

    let other = run("execute --failed --branch other").code_is(4);
    assert!(
        other
            .stderr
            .contains("template \"T\" has no earlier plan for branch \"other\""),
        "{other:#?}"
    );
    let listed = run("list --failed --branch main --only login --format json").code_is(0);
    assert_eq!(
        listed.json()["tests"],
        json!([{ "suite": "login", "testcase": "bad" }])
    );
    // A client without a list of tests gets those of the template: all of them.
    stage.write("testplan.yml", "project: shop\n");
    let all = run("execute --template T --format json").code_is(0).json();
    assert_eq!((&all["open"], &all["selection"]), (&json!(6), &json!(null)));
    let no_file = run("execute --template T --only *").code_is(2);
    assert!(
        no_file.stderr.contains("no file has template \"T\""),
        "{no_file:#?}"
    );
}

#[test]
fn test_center_is_refused_before_a_plan_starts() {
    let stage = Stage::with(PLAN);
    let center = TestCenter::start(PLAN, Dialect::default());
    let token = stage.write("token", TOKEN);
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    for command in ["run", "execute"] {
        for flag in ["--only=*", "--failed", "--shard=1/2"] {
            let refused = stage
                .testplan(command)
                .at_url(&center.url, &token)
                .arg(flag)
                .run()
                .code_is(2);
            assert!(
                refused.stderr.contains(
                    "is Test Center, which takes no list of tests; nothing was started\nhelp: "
                ),
                "{refused:#?}"
            );
        }
    }
    let dry = stage
        .testplan("execute")
        .at_url(&center.url, &token)
        .flags("--dry-run")
        .run()
        .code_is(0);
    assert!(dry.stdout.contains("the service has the tests"), "{dry:#?}");
    let starts = || center.count("POST /execution/v1/executeplan");
    assert_eq!(starts(), 0);
    assert!(ran(&stage).is_empty());
    stage
        .testplan("execute")
        .at_url(&center.url, &token)
        .args(["--runs-on", "OS=Linux: box"])
        .run()
        .code_is(0);
    assert_eq!(starts(), 1);
}
