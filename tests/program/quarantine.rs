//! What flaky tests and tests in quarantine mean for exit code and reports, on the real binary.

use std::time::Duration;

use serde_json::{Value, json};
use testplan::{
    clock,
    model::{Day, Timestamp},
};

use crate::{
    scenarios::house::{House, Kind},
    support::{PlanFile, Stage},
};

/// Tests whose names say how they end; `flaky` fails and then passes in one result file.
const TOOL: &str = r#"
inner=
code=0
case "$2" in
*fails*) inner='<failure message="boom"/>'; code=1 ;;
*flaky*) inner='<flakyFailure message="at first"/>' ;;
*breaks*) exit 9 ;;
esac
echo "<testsuite><testcase classname='$1' name='$2'>$inner</testcase></testsuite>" >"$3/r.xml"
exit $code
"#;

fn day(days: i64) -> Day {
    let now = clock::wall().0;
    let span = i64::try_from(Duration::from_secs(86_400).as_millis()).unwrap();
    Day::of(Timestamp(now + days * span))
}

/// An entry of a quarantine file that ends in so many days.
fn entry(tests: &str, days: i64) -> Value {
    json!({ "tests": tests, "owner": "team-a", "reason": "port is taken", "until": day(days).to_string() })
}

/// A stage with these tests; `more` adds keys to testplan.yml.
fn stage(tests: &[&str], more: &Value) -> Stage {
    let stage = Stage::new();
    let tool = stage.script("tool", TOOL);
    let file = PlanFile::run_with(&tool)
        .runner(
            "command",
            json!([tool, "{suite}", "{testcase}", "{results}"]),
        )
        .runner("results", json!({ "format": "junit" }))
        .tests("s", tests.iter().copied());
    file.on(&stage);
    add(&stage, more);
    stage
}

/// Adds keys to testplan.yml.
fn add(stage: &Stage, more: &Value) {
    let mut document: Value = serde_json::from_str(&stage.read("testplan.yml")).unwrap();
    for (key, value) in more.as_object().unwrap() {
        document[key] = value.clone();
    }
    stage.write("testplan.yml", document.to_string());
}

fn quarantine(stage: &Stage, entries: &[Value]) {
    stage.write("quarantine.yml", json!(entries).to_string());
}

fn without_history() -> Value {
    json!({ "quarantine": { "file": "quarantine.yml", "broken-after": "off" } })
}

fn report(stage: &Stage, code: i32) -> Value {
    let report = stage
        .testplan("report")
        .flags("--out out --format json")
        .run()
        .code_is(code);
    serde_json::from_str(&report.stdout).unwrap()
}

#[test]
fn failure_in_quarantine_is_reported_and_does_not_decide() {
    let stage = stage(&["passes", "fails_1"], &without_history());
    quarantine(&stage, &[entry("s/fails*", 30)]);
    let run = stage.testplan("run").flags("--out out --annotations");
    run.run()
        .code_is(0)
        .says("QUARANTINED s / fails_1")
        .says("owner team-a: port is taken")
        .says("boom")
        .says("1 quarantined, 1 passed")
        .says("1 test in quarantine failed, which does not decide: s / fails_1")
        .says("conclusion: passed (exit code 0): complete, no failure decides: 1 test in quarantine failed")
        .says("::warning title=Quarantined%3A s / fails_1");
    let junit = stage.read("out/junit.xml");
    assert!(junit.contains("name=\"quarantine\""), "{junit}");
    assert!(junit.contains("<failure"), "{junit}");
    for page in ["out/summary.md", "out/report.html"] {
        let text = stage.read(page);
        for word in ["Quarantined", "team-a", "port is taken", "1 quarantined"] {
            assert!(text.contains(word), "{word} in {page}: {text}");
        }
    }
    // The records have the quarantine: another machine needs neither file.
    for file in ["testplan.yml", "quarantine.yml"] {
        std::fs::remove_file(stage.path(file)).unwrap();
    }
    let report = report(&stage, 0);
    assert_eq!(report["conclusion"], "passed");
    assert_eq!(
        (&report["failed"], &report["quarantined"]),
        (&json!(0), &json!(1))
    );
    let failed = &report["executions"][1];
    assert_eq!(failed["outcome"], "failed");
    assert_eq!(failed["counts_as_failed"], false);
    assert_eq!(failed["quarantine"]["state"], "active");
}

#[test]
fn only_failures_that_the_quarantine_covers_are_excused() {
    let stage = stage(&["passes", "fails_1", "fails_2"], &without_history());
    quarantine(&stage, &[entry("s/fails_1", 30)]);
    let run = stage.testplan("run").flags("--out out").run();
    run.code_is(1)
        .says("FAIL s / fails_2")
        .says("QUARANTINED s / fails_1");
    quarantine(
        &stage,
        &[json!({
            "tests": "s/*", "owner": "a", "reason": "b", "until": day(1).to_string(), "capabilities": { "OS": "Plan9" },
        })],
    );
    let run = stage.testplan("run").flags("--out out").run();
    run.code_is(1).says("2 failed, 1 passed");
}

#[test]
fn execution_that_could_not_run_is_never_excused() {
    let stage = stage(&["passes", "breaks"], &without_history());
    quarantine(&stage, &[entry("s/*", 30)]);
    let run = stage.testplan("run").flags("--out out").run();
    run.code_is(3).says("ERROR s / breaks");
}

#[test]
fn expired_quarantine_decides_again_and_names_its_owner() {
    let stage = stage(&["passes", "fails"], &without_history());
    quarantine(&stage, &[entry("s/fails", -1)]);
    let ended = format!("quarantine of s/fails expired on {}, owner team-a", day(-1));
    let run = stage.testplan("run").flags("--out out").run();
    run.code_is(1).says("FAIL s / fails").says(&ended);
    assert!(stage.read("out/summary.md").contains("expired on"));
    assert_eq!(
        report(&stage, 1)["executions"][1]["quarantine"]["state"],
        "expired"
    );
    stage.testplan("validate").run().code_is(0).says(&ended);
}

#[test]
fn unusable_quarantine_file_excuses_nothing_and_says_why() {
    let stage = stage(&["passes", "fails"], &without_history());
    let run = || stage.testplan("run").flags("--out out").run();
    run()
        .code_is(1)
        .says("quarantine.yml excuses nothing")
        .says("cannot be read");
    stage.write(
        "quarantine.yml",
        "- { tests: s/fails, owner: team-a, until: 2026-01-01 }\n",
    );
    run().code_is(1).says("the key `reason` is missing");
    assert!(stage.read("out/summary.md").contains("excuses nothing"));
    quarantine(&stage, &[entry("s/fails", 91)]);
    run().code_is(1).says("more than 90 days from today");
    stage
        .testplan("validate")
        .run()
        .code_is(2)
        .says("more than 90 days");
}

#[test]
fn validate_warns_of_ends_and_patterns_without_tests() {
    let stage = stage(&["passes"], &json!({ "quarantine": "quarantine.yml" }));
    quarantine(&stage, &[entry("s/passes", 7), entry("s/gone*", 8)]);
    let validated = stage.testplan("validate").run().code_is(0);
    assert!(validated.stdout.contains("quarantine.yml: 2 entries"));
    validated
        .says(&format!(
            "quarantine of s/passes ends on {}, owner team-a",
            day(7)
        ))
        .says("quarantine of s/gone* matches no test of any template, owner team-a");
    quarantine(&stage, &[entry("s/passes", 7), entry("s/passes", 8)]);
    stage
        .testplan("validate")
        .run()
        .code_is(2)
        .says("is there twice");
}

#[test]
fn flaky_test_counts_as_the_file_says() {
    let stage = stage(&["passes", "flaky"], &json!({}));
    let run = || stage.testplan("run").flags("--out out --annotations").run();
    run()
        .code_is(0)
        .says("FLAKY s / flaky")
        .says("1 flaky, 2 passed");
    add(&stage, &json!({ "flaky": "fail" }));
    run()
        .code_is(1)
        .says("1 flaky counted as failed, 2 passed")
        .says("FLAKY s / flaky: flaky, which counts as failed")
        .says("1 flaky test counts as failed")
        .says("complete, 1 test failed and then passed, which counts as failed")
        .says("::error title=Flaky%3A s / flaky");
    let json = report(&stage, 1);
    assert_eq!(
        (&json["flaky"], &json["flaky_failed"]),
        (&json!(1), &json!(1))
    );
    add(
        &stage,
        &json!({ "flaky": { "default": "fail", "rules": [{ "tests": ["s/fl*"], "verdict": "pass" }] } }),
    );
    run().code_is(0);
    let mut document: Value = serde_json::from_str(&stage.read("testplan.yml")).unwrap();
    document["templates"][0]["flaky"] = json!("fail");
    stage.write("testplan.yml", document.to_string());
    run().code_is(1);
    // A quarantine excuses it like any failure.
    add(&stage, &without_history());
    quarantine(&stage, &[entry("s", 3)]);
    run().code_is(0).says("1 test in quarantine failed");
}

/// A service with tests in quarantine.
fn house(kind: Kind, broken_after: &Value) -> House {
    let stage = stage(
        &["fails", "passes"],
        &json!({ "quarantine": { "file": "quarantine.yml", "broken-after": broken_after } }),
    );
    quarantine(&stage, &[entry("s/*", 30)]);
    House::standing(kind, stage, crate::support::test_center::Dialect::default())
}

#[test]
fn test_that_failed_in_the_last_runs_is_broken_and_decides() {
    let house = house(Kind::Ours, &json!(2));
    let run = || house.testplan("run").flags("--out out").run();
    run().code_is(0).says("fewer than 2 earlier runs of 1 test");
    run().code_is(0).says("fewer than 2 earlier runs");
    run()
        .code_is(1)
        .says("broken: it failed in each of the 2 runs before this one")
        .says("1 test in quarantine is broken, which decides: s / fails");
    assert_eq!(
        report(&house.stage, 1)["executions"][0]["quarantine"]["state"],
        "history-unknown"
    );
}

#[test]
fn workers_and_report_decide_alike() {
    let house = house(Kind::Ours, &json!(2));
    for code in [0, 0, 1] {
        let plan = house.start_plan();
        let work = house.testplan("work").on(plan).flags("--out out").run();
        work.code_is(code);
        let report = house.testplan("report").on(plan).flags("--out out").run();
        report.code_is(code);
    }
    let work = house
        .testplan("work")
        .on(house.start_plan())
        .flags("--out out");
    work.run().code_is(1).says("is broken, which decides");
}

#[test]
fn test_center_without_history_excuses_only_if_the_file_asks_none() {
    let with_history = house(Kind::TestCenter, &json!(5));
    let run = with_history.testplan("run").flags("--out out").run();
    run.code_is(1)
        .says("FAIL s / fails")
        .says("Test Center keeps no history of single tests");
    let without = house(Kind::TestCenter, &json!("off"));
    let run = without.testplan("run").flags("--out out").run();
    run.code_is(0).says("QUARANTINED s / fails");
}

#[test]
fn workers_with_different_quarantines_excuse_nothing() {
    let house = house(Kind::Ours, &json!("off"));
    let plan = house.start_plan();
    house
        .testplan("work")
        .on(plan)
        .flags("--out out")
        .run()
        .code_is(0);
    quarantine(&house.stage, &[entry("s/*", 31)]);
    let second = house.testplan("work").on(plan).flags("--out out2").run();
    second.code_is(0);
    let report = house.testplan("report").on(plan);
    report
        .flags("--out out3 --records out/records out2/records")
        .run()
        .code_is(1)
        .says("the workers read different quarantines");
}
