//! `testplan run` from beginning to end.

use super::{
    house::{Held, House, Kind},
    reading::Junit,
};
use crate::support::{PlanFile, Stage};

/// A plan whose tests do what their names say.
fn house(kind: Kind, testcases: &[&str]) -> House {
    let stage = Stage::new();
    let test = stage.script(
        "test.sh",
        "case $2 in
             fails*) exit 1 ;;
             breaks*) exit 42 ;;
           esac",
    );
    let file = PlanFile::run_with(&test).tests("s", testcases.iter().copied());
    House::of(kind, stage, &file)
}

/// The number of the plan that a run started.
fn plan(kind: Kind) -> i64 {
    kind.pick(105, 2)
}

pub(crate) fn a_whole_run(kind: Kind) {
    let house = house(kind, &["t1", "t2", "t3", "t4"]);
    let run = house.testplan("run").flags("--workers 2 --out out");
    run.run()
        .code_is(0)
        .says("4 planned")
        .says("passed (exit code 0)");

    let junit = Junit::of(&house.stage, "out");
    assert_eq!(junit.brief(), "t1=pass t2=pass t3=pass t4=pass");
    let summary = house.stage.read("out/summary.md");
    assert!(summary.contains("4 passed"), "{summary}");
    // What the service cannot show is said.
    let gap = summary.contains("which result belongs to which execution is the workers' word");
    assert_eq!(gap, kind.pick(true, false), "{summary}");
    assert!(house.stage.read("out/report.html").contains("</html>"));
    house.all_done_once(plan(kind), 4);
    assert_eq!(house.plans(), 1);
    if let Some(center) = house.center() {
        for call in center.calls() {
            assert_eq!(call.json()["time"], serde_json::Value::Null, "{call:?}");
        }
    }
}

pub(crate) fn failing_tests(kind: Kind) {
    let house = house(kind, &["t1", "fails1", "fails2"]);
    let run = house.testplan("run").flags("--workers 1 --out out");
    run.run()
        .code_is(1)
        .says("FAIL s / fails1")
        .says("failed (exit code 1)");

    let junit = Junit::of(&house.stage, "out");
    assert_eq!(junit.brief(), "fails1=failure fails2=failure t1=pass");
    let summary = house.stage.read("out/summary.md");
    assert!(summary.contains("2 failed"), "{summary}");
    // A failed test ran: what is sent of it is no error.
    house.all_done_once(plan(kind), 3);
}

pub(crate) fn executions_that_could_not_run(kind: Kind) {
    let house = house(kind, &["t1", "breaks", "fails"]);
    let run = house.testplan("run").flags("--workers 1 --out out");
    run.run()
        .code_is(3)
        .says("ERROR s / breaks")
        .says("infrastructure (exit code 3)");

    let junit = Junit::of(&house.stage, "out");
    assert_eq!(junit.brief(), "breaks=error fails=failure t1=pass");
    let held = house.held(plan(kind));
    assert_eq!(held["t1"], Held::done(1));
    assert_eq!(held["fails"], Held::done(1));
    let message = &held["breaks"].results[..];
    assert!(
        matches!(message, [one] if one.contains("42")),
        "the service is told why: {message:?}"
    );
}

/// Test Center counts what is uploaded: where that is less than was run, it is said.
pub(crate) fn fewer_results_than_records(kind: Kind) {
    let house = house(kind, &["t1", "t2", "t3"]);
    let upload = house.testplan("run").flags("--workers 1 --out out").run();
    upload.code_is(0);
    if let Some(center) = house.center() {
        center.world().plans[0].passes = 1;
    }
    let report = house.testplan("report").on(plan(kind));
    let report = report
        .flags("--format json --out out")
        .run()
        .code_is(0)
        .json();
    assert_eq!(report["proof"], kind.pick("counts", "list"));
    let warnings = report["warnings"].to_string();
    let told = warnings.contains("shows 1 results so far, the records have 3");
    assert_eq!(told, kind == Kind::TestCenter, "{warnings}");
}

pub(crate) fn an_empty_plan(kind: Kind) {
    let house = house(kind, &["t1"]);
    let Some(center) = house.center() else {
        // Ours refuses the template.
        return;
    };
    center.world().templates[0].tests.clear();
    let run = || house.testplan("run").flags("--out out");
    run().run().code_is(4).says("nothing-to-run (exit code 4)");
    run().flags("--allow-empty").run().code_is(0);
}
