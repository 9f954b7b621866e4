//! `testplan run` from beginning to end.

use super::{
    house::{Held, House, Kind},
    reading::Junit,
};
use crate::support::{PlanFile, Stage, test_center::Dialect};

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
        .says("4 tests in")
        .says("passed (exit code 0)");

    let junit = Junit::of(&house.stage, "out");
    assert_eq!(junit.brief(), "t1=pass t2=pass t3=pass t4=pass");
    let summary = house.stage.read("out/summary.md");
    assert!(summary.contains("4 passed"), "{summary}");
    // The summary names what the service cannot show.
    let gap =
        summary.contains("only the workers' records say which result belongs to which execution");
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

/// With uploads, the service's own counts are what the records say: each result once, though workers tell it as well.
pub(crate) fn uploaded_results_are_counted_once(kind: Kind) {
    let stage = Stage::new();
    let test = stage.script(
        "test.sh",
        r#"case $3 in t2) inner='<failure message="no"/>' code=1;; t3) inner='<skipped/>' code=0;; *) inner= code=0;; esac
printf '<testsuite name="s"><testcase classname="s" name="%s">%s</testcase></testsuite>' "$3" "$inner" > "$1/results.xml"
exit $code"#,
    );
    stage.write(
        "testplan.yml",
        format!(
            "project: p\nrunner:\n  command: ['{}', '{{results}}', '{{suite}}', '{{testcase}}']\n  \
             results: {{ format: junit, files: '*.xml' }}\n\
             templates:\n  - title: T\n    tests: [{{ suite: s, testcases: [t1, t2, t3, t4] }}]\n",
            test.display()
        ),
    );
    let house = House::standing(kind, stage, Dialect::default());
    let plan = house.start_plan();
    let work = house.testplan("work").on(plan);
    let work = work.flags("--upload always --workers 2 --out out");
    work.run().code_is(1);
    assert_eq!(house.count("POST /import"), 4);
    house
        .testplan("wait")
        .on(plan)
        .flags("--results-patience 5s")
        .run()
        .code_is(0);
    let shown = house.testplan("plan show").on(plan).flags("--format json");
    let shown = shown.run().code_is(0).json();
    for (word, count) in [("passed", 2), ("failed", 1), ("skipped", 1)] {
        assert_eq!(shown[word], count, "{word}: {shown}");
    }
    let report = house.testplan("report").on(plan);
    let report = report.flags("--format json --out out").run().code_is(1);
    let report = report.json();
    for (word, count) in [
        ("passed", 2),
        ("failed", 1),
        ("skipped", 1),
        ("not_uploaded", 0),
    ] {
        assert_eq!(report[word], count, "{word}: {report}");
    }
    let warnings = report["warnings"].to_string();
    assert!(!warnings.contains("results so far"), "{warnings}");
    // Nothing is left to upload, however often that is asked.
    for _ in 0..2 {
        let again = house.testplan("upload").flags("--records out");
        again.run().code_is(0);
    }
    assert_eq!(house.count("POST /import"), 4);
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
