//! A worker is killed (the process alone) in the middle of a test: another one brings the result.

use testplan::model::record::RecordEvent;

use crate::support::{PlanFile, Records, Service, Stage, until};

#[test]
fn execution_of_a_killed_worker_is_taken_over_after_its_lease() {
    let stage = Stage::new();
    // The first attempt of all never ends.
    let test = stage.script(
        "test.sh",
        r#"mkdir first 2>/dev/null && first=yes
           echo "$TESTPLAN_EXECUTION_ID" >> begun
           [ -z "$first" ] || hang"#,
    );
    PlanFile::run_with(&test).numbered("s", 3).on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let work = |name: &str, lease: &str| {
        stage
            .testplan("work")
            .named(name)
            .at(&service)
            .on(plan)
            .flags(&format!("--workers 1 --lease {lease} --out {name}"))
            .start()
    };

    let mut doomed = work("doomed", "3s");
    let held: i64 = stage.wait_for_lines("begun", 1)[0].parse().unwrap();
    let records = Records::below(stage.path("doomed"));
    records.wait_for("the start of the test", |event| {
        matches!(event, RecordEvent::Started { .. }).then_some(())
    });
    let heir = work("heir", "60s");
    until("the others to be done", || {
        let done = |verdict: &Option<_>| verdict.is_some();
        let all = service.executions(plan);
        (all.iter().filter(|it| done(&it.verdict)).count() == 2).then_some(())
    });
    doomed.kill();
    heir.end().code_is(0);

    assert_eq!(
        service.history(plan, held),
        ["reserved", "expired", "reserved", "finished"]
    );
    let begun = stage.lines("begun");
    assert_eq!(begun.len(), 4, "the others ran once: {begun:?}");
    let ends = records.pick(|event| match event {
        RecordEvent::Ended { .. } | RecordEvent::Left { .. } => Some(event.clone()),
        _ => None,
    });
    assert_eq!(ends, [], "the dead worker's record has no end");

    let report = stage
        .testplan("report")
        .flags("--format json --records doomed/records heir/records --out report")
        .run()
        .code_is(0)
        .json();
    for (word, count) in [
        ("total", 3),
        ("passed", 3),
        ("recovered", 1),
        ("missing", 0),
    ] {
        assert_eq!(report[word], count, "{word}");
    }
    let entry = report["executions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["execution"] == held)
        .unwrap();
    assert_eq!(entry["recovered"], true);
    let told = entry["explanations"][0].as_str().unwrap();
    assert!(
        told.contains("was killed") && told.contains("recovered by worker heir-"),
        "{told}"
    );
    let counts = |index: usize| &entry["attempts"][index]["counts"];
    assert_eq!((counts(0), counts(1)), (&false.into(), &true.into()));
    assert!(stage.read("report/summary.md").contains("was killed"));
}

#[test]
fn test_that_kills_its_workers_is_reported_after_the_third_and_the_rest_passes() {
    let stage = Stage::new();
    let test = stage.script("test.sh", r#"[ "$2" != t2 ] || kill -9 $PPID"#);
    PlanFile::run_with(&test).numbered("s", 4).on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let mut killed = Vec::new();
    for number in 1..=4 {
        let name = format!("w{number}");
        let worker = stage.testplan("work").named(&name).at(&service).on(plan);
        let worker = worker.flags(&format!("--workers 1 --lease 1s --out out/{name}"));
        match worker.run().code {
            None => killed.push(format!("{name}-")),
            code => assert_eq!(code, Some(0), "it could not run on the others"),
        }
    }
    assert_eq!(killed.len(), 3);
    let all = service.executions(plan);
    let passed = all.iter().filter(|it| it.verdict.is_some());
    assert_eq!(passed.count(), 3);
    let error = all[1].error.clone().unwrap_or_default();
    assert!(error.starts_with("abandoned after 3 expired"), "{error}");
    assert!(killed.iter().all(|name| error.contains(name)), "{error}");
}
