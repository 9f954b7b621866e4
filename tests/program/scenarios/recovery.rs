//! Workers that fail: killed, frozen, and what failed run again.

use rustix::process::Signal;
use testplan::model::record::RecordEvent;

use super::{
    house::{Held, House, Kind},
    reading::Junit,
};
use crate::support::{PlanFile, Process, Records, Stage, until};

/// A plan of `s` tests whose very first attempt does `first`.
fn house(kind: Kind, first: &str) -> House {
    let stage = Stage::new();
    let body = format!(
        r#"mkdir first 2>/dev/null && first=yes
           echo "$2" >> begun
           [ -z "$first" ] || {first}"#
    );
    let test = stage.script("test.sh", &body);
    House::of(kind, stage, &PlanFile::run_with(&test).numbered("s", 3))
}

fn work(house: &House, name: &str, plan: i64, lease: &str) -> Process {
    let work = house.testplan("work").named(name).on(plan);
    work.flags(&format!("--workers 1 --lease {lease} --out {name}"))
        .start()
}

/// Waits until its first test runs, and says which.
fn first_test(house: &House, name: &str) -> String {
    let test = house.stage.wait_for_lines("begun", 1)[0].clone();
    let records = Records::below(house.stage.path(name));
    records.wait_for("the start of the test", |event| {
        matches!(event, RecordEvent::Started { .. }).then_some(())
    });
    test
}

/// Waits until all tests but one are done.
fn all_but(house: &House, plan: i64, one: &str) {
    until("the others to be done", || {
        let held = house.held(plan);
        let others = held.iter().filter(|(name, _)| *name != one);
        (others.clone().count() == 2 && others.clone().all(|(_, it)| it.state == "done"))
            .then_some(())
    });
}

fn report(house: &House, plan: i64, records: &str) -> serde_json::Value {
    let report = house.testplan("report").on(plan);
    let flags = format!("--format json --out report --records {records}");
    report.flags(&flags).run().code_is(0).json()
}

pub(crate) fn a_killed_worker(kind: Kind) {
    let house = house(kind, "hang");
    let plan = house.start_plan();
    let mut doomed = work(&house, "doomed", plan, "3s");
    let test = first_test(&house, "doomed");
    let heir = work(&house, "heir", plan, "60s");
    all_but(&house, plan, &test);
    doomed.kill();
    heir.end().code_is(0).says("3 passed");

    let held = house.held(plan);
    assert_eq!(
        held[&test],
        Held::done(2),
        "its lease ended, and it was taken again"
    );
    let report = report(&house, plan, "doomed/records heir/records");
    for (word, count) in [
        ("total", 3),
        ("passed", 3),
        ("recovered", 1),
        ("missing", 0),
    ] {
        assert_eq!(report[word], count, "{word}: {report}");
    }
    let junit = Junit::of(&house.stage, "report");
    assert_eq!(junit.brief(), "t1=pass t2=pass t3=pass");
    let summary = house.stage.read("report/summary.md");
    assert!(summary.contains("was killed"), "{summary}");
}

/// A worker that sleeps through the end of its lease: what its test says then is nobody's result.
pub(crate) fn an_expired_lease(kind: Kind) {
    let house = house(kind, "until [ -e go ]; do sleep 0.1; done");
    let plan = house.start_plan();
    let frozen = work(&house, "frozen", plan, "3s");
    let test = first_test(&house, "frozen");
    frozen.send(Signal::STOP);
    let heir = work(&house, "heir", plan, "60s");
    heir.end().code_is(0).says("3 passed");
    house.stage.write("go", "");
    frozen.send(Signal::CONT);
    frozen.end().says("not counted");

    let held = house.held(plan);
    assert_eq!(
        held[&test],
        Held::done(2),
        "one result, that of the second lease"
    );
    let records = Records::below(house.stage.path("frozen"));
    let confirmed = records.pick(|event| match event {
        RecordEvent::Confirmed { answer, .. } => Some(answer.clone()),
        _ => None,
    });
    assert_eq!(confirmed, [], "nothing was sent");
    let report = report(&house, plan, "frozen/records heir/records");
    for (word, count) in [
        ("total", 3),
        ("passed", 3),
        ("recovered", 1),
        ("missing", 0),
    ] {
        assert_eq!(report[word], count, "{word}: {report}");
    }
    assert_eq!(report["broken"], serde_json::json!([]));
}

pub(crate) fn failures_run_again(kind: Kind) {
    let stage = Stage::new();
    let test = stage.script(
        "test.sh",
        r#"echo "$2" >> ran
           tries=$(grep -c "^$2\$" ran)
           case $2 in
             wavers) [ "$tries" -gt 1 ] ;;
             breaks) [ "$tries" -gt 1 ] || exit 42 ;;
           esac"#,
    );
    let file = PlanFile::run_with(&test).tests("s", ["passes", "wavers", "breaks"]);
    let house = House::of(kind, stage, &file);
    let plan = house.start_plan();
    let command = |name: &str| house.testplan(name).on(plan).flags("--out out");
    let work = || command("work").flags("--workers 1");
    work().run().code_is(3);
    let retried = command("retry").flags("--format json --rerun 1").run();
    assert_eq!(
        retried.code_is(0).json()["reset"].as_array().unwrap().len(),
        2
    );
    let held = house.held(plan);
    assert_eq!(
        (held["wavers"].state, held["breaks"].state),
        ("open", "open")
    );
    assert_eq!(held["passes"], Held::done(1));
    work().run().code_is(0);

    let report = command("report").flags("--format json").run();
    let report = report.code_is(0).json();
    for (word, count) in [("total", 3), ("passed", 3), ("flaky", 1), ("recovered", 1)] {
        assert_eq!(report[word], count, "{word}: {report}");
    }
    let held = house.held(plan);
    assert_eq!(
        (held["wavers"].handed_out, held["wavers"].results.len()),
        (2, 2)
    );
    assert_eq!(held["passes"], Held::done(1), "what passed is left alone");
    let junit = Junit::of(&house.stage, "out");
    assert_eq!(junit.brief(), "breaks=pass passes=pass wavers=pass");
}

/// GitHub's "Re-run failed jobs": the same plan, and what failed is taken once more.
pub(crate) fn failures_of_a_job_that_comes_back(kind: Kind) {
    let stage = Stage::new();
    let test = stage.script(
        "test.sh",
        r#"echo "$2" >> ran
           [ "$2" = passes ] || [ "$(grep -c "^$2\$" ran)" -gt 1 ]"#,
    );
    let file = PlanFile::run_with(&test).tests("s", ["passes", "wavers"]);
    let house = House::of(kind, stage, &file);
    let plan = house.start_plan();
    let job = |attempt: &str, out: &str| {
        let work = house.testplan("work").named("job").on(plan);
        work.flags(&format!("--workers 1 --plan-attempt 1 --out {out}"))
            .with("GITHUB_ACTIONS", "true")
            .with("GITHUB_RUN_ID", "77")
            .with("GITHUB_RUN_ATTEMPT", attempt)
    };
    job("1", "first").run().code_is(1);
    // Who cannot list what failed needs the records of the first attempt, and must not be green without them.
    let blind = job("2", "blind").run();
    let code = kind.pick(5, 0);
    let blind = blind.code_is(code);
    if kind == Kind::TestCenter {
        blind.says("give the workers' records of the earlier attempts with --records");
        assert_eq!(house.stage.lines("ran").len(), 2, "nothing was run");
        let seeing = job("2", "second").flags("--records first/records");
        seeing.run().code_is(0).says("1 passed");
    }
    let held = house.held(plan);
    assert_eq!(held["passes"], Held::done(1), "what passed is left alone");
    assert_eq!(
        (held["wavers"].handed_out, held["wavers"].state),
        (2, "done")
    );
    let again = job("2", "third").flags("--records first/records second/records");
    let again = if kind == Kind::TestCenter {
        again.run()
    } else {
        job("2", "third").run()
    };
    again.code_is(0);
    assert_eq!(house.stage.lines("ran").len(), 3, "once per attempt");
}
