//! A plan that a person cancels while two workers run it.

use std::time::Duration;

use super::{
    house::{House, Kind},
    reading::Junit,
};
use crate::support::{PlanFile, Process, Stage};

/// Tests of which two run at a time, until the file `go` is there.
fn house(kind: Kind) -> House {
    let stage = Stage::new();
    let test = stage.script(
        "test.sh",
        r#"echo "$2" >> begun
           while [ ! -e go ]; do sleep 0.05; done"#,
    );
    let file = PlanFile::run_with(&test).numbered("s", 8);
    House::of(kind, stage, &file)
}

/// A plan, and two workers that run a test of it each.
fn half_way(house: &House) -> (i64, Vec<Process>) {
    let plan = house.start_plan();
    let work = |name: &str| {
        let work = house.testplan("work").named(name).on(plan);
        let flags = format!("--workers 1 --lease 2s --out {name}");
        work.flags(&flags).start()
    };
    let workers = vec![work("one"), work("two")];
    house.stage.wait_for_lines("begun", 2);
    (plan, workers)
}

/// Test Center has no such call: says so, and nothing changes.
fn refused(house: &House, plan: i64, workers: Vec<Process>) {
    let cancel = house.testplan("cancel").on(plan).run();
    cancel
        .code_is(3)
        .says("the API of Test Center has no such call");
    house.stage.write("go", "");
    for worker in workers {
        worker.end().code_is(0);
    }
    assert_eq!(house.stage.lines("begun").len(), 8, "all ran");
}

fn report(house: &House, plan: i64) -> crate::support::Ended {
    house
        .testplan("report")
        .on(plan)
        .flags("--out report --records one/records two/records")
        .run()
}

pub(crate) fn running_tests_finish(kind: Kind) {
    let house = house(kind);
    let (plan, workers) = half_way(&house);
    if kind == Kind::TestCenter {
        return refused(&house, plan, workers);
    }
    let cancel = house.testplan("cancel").on(plan);
    let cancel = cancel.flags("--reason").arg("wrong branch").run();
    cancel
        .code_is(0)
        .prints("is cancelled: 6 open executions ended, 2 running may finish");
    house.stage.write("go", "");
    for worker in workers {
        worker.end().code_is(0).says("1 passed");
    }
    assert_eq!(
        house.stage.lines("begun").len(),
        2,
        "nothing more was handed out"
    );
    let report = report(&house, plan);
    report
        .code_is(3)
        .says("ERROR 6 tests not run: cancelled by token: wrong branch")
        .says("2 passed");
    let junit = Junit::of(&house.stage, "report");
    assert_eq!(junit.counts.0, 8, "{}", junit.brief());
    let html = house.stage.read("report/report.html");
    assert!(
        html.contains("cancelled by token: wrong branch"),
        "the page says it"
    );

    let again = house.testplan("cancel").on(plan).run();
    again.code_is(0).prints("nothing to cancel");
    let retry = house.testplan("retry").on(plan).flags("--out retry").run();
    retry.code_is(0).prints("6 executions");
    let work = house.testplan("work").named("three").on(plan);
    work.flags("--workers 1 --out three")
        .run()
        .code_is(0)
        .says("6 passed");
    let audit = house.testplan("audit").run();
    audit
        .code_is(0)
        .prints("cancel plan")
        .prints("wrong branch");
}

pub(crate) fn running_tests_are_stopped(kind: Kind) {
    let house = house(kind);
    let (plan, workers) = half_way(&house);
    if kind == Kind::TestCenter {
        return refused(&house, plan, workers);
    }
    let began = std::time::Instant::now();
    let cancel = house.testplan("cancel").on(plan);
    let cancel = cancel.flags("--stop-running --format json").run();
    let found = cancel.code_is(0).json();
    assert_eq!((&found["open"], &found["running"]), (&6.into(), &2.into()));
    for worker in workers {
        worker.end();
    }
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "workers learn it at a heartbeat, long before the test would end"
    );
    assert_eq!(
        house.stage.lines("begun").len(),
        2,
        "nothing more was handed out"
    );
    let report = report(&house, plan);
    report
        .code_is(3)
        .says("ERROR 8 tests not run: cancelled by token");
}
