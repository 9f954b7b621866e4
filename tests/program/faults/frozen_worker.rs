//! A worker is frozen past its lease, as a suspended machine is, and wakes when another one has done its work.

use rustix::process::Signal;
use testplan::model::{Outcome, record::RecordEvent};

use crate::support::{Ended, PlanFile, Records, Service, Stage, alive, until};

#[test]
fn frozen_worker_kills_its_test_when_it_wakes() {
    let stage = Stage::new();
    let (ended, pid) = freeze_and_wake(&stage, || {});
    until("the end of the test", || (!alive(pid)).then_some(()));
    assert!(ended.stderr.contains("not counted: s / t1"), "{ended}");
}

#[test]
fn frozen_worker_reports_no_result_after_its_lease() {
    let stage = Stage::new();
    let (ended, _) = freeze_and_wake(&stage, || {
        stage.write("go", "");
        stage.wait_for_lines("over", 1);
    });
    assert!(ended.stderr.contains("not counted: s / t1"), "{ended}");
}

/// Checks what is the same whatever the test does meanwhile. Returns the frozen worker's end and its test's process.
fn freeze_and_wake(stage: &Stage, meanwhile: impl FnOnce()) -> (Ended, u32) {
    let test = stage.script(
        "test.sh",
        r#"mkdir first 2>/dev/null && first=yes
           echo $$ >> begun
           [ -z "$first" ] && exit 0
           while [ ! -e go ] && [ -d "$PWD" ]; do sleep 0.05; done
           echo over >> over"#,
    );
    PlanFile::run_with(&test).numbered("s", 1).on(stage);
    let service = Service::start(stage);
    let plan = service.start_plan(stage);
    let work = |name: &str, lease: &str| {
        stage
            .testplan("work")
            .named(name)
            .at(&service)
            .on(plan)
            .flags(&format!("--workers 1 --lease {lease} --out {name}"))
            .start()
    };

    let frozen = work("frozen", "3s");
    let pid = stage.wait_for_lines("begun", 1)[0].parse().unwrap();
    let records = Records::below(stage.path("frozen"));
    records.wait_for("the start of the test", |event| {
        matches!(event, RecordEvent::Started { .. }).then_some(())
    });
    frozen.send(Signal::STOP);
    work("awake", "60s").end().code_is(0);
    assert!(alive(pid), "nobody can end the test of a frozen worker");
    meanwhile();
    frozen.send(Signal::CONT);
    let ended = frozen.end();

    let execution = service.executions(plan)[0].execution_id.0;
    assert_eq!(
        service.history(plan, execution),
        ["reserved", "expired", "reserved", "finished"],
        "no late result was even sent"
    );
    let outcomes = records.pick(|event| match event {
        RecordEvent::Ended { outcome, .. } => Some(outcome.clone()),
        _ => None,
    });
    assert_eq!(outcomes, [Outcome::LeaseLost]);
    let answers = records.pick(|event| match event {
        RecordEvent::Confirmed { answer, .. } => Some(answer.clone()),
        _ => None,
    });
    assert_eq!(answers, []);

    let report = stage
        .testplan("report")
        .at(&service)
        .on(plan)
        .flags("--format json --records frozen/records awake/records --out report")
        .run()
        .code_is(0)
        .json();
    for (word, count) in [("total", 1), ("passed", 1), ("recovered", 1)] {
        assert_eq!(report[word], count, "{word}");
    }
    let attempts = &report["executions"][0]["attempts"];
    assert_eq!(attempts[0]["outcome"], "lease-lost");
    assert_eq!(attempts[0]["counts"], false);
    assert_eq!(attempts[1]["counts"], true);
    (ended, pid)
}
