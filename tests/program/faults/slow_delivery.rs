//! A result takes long to be delivered, and the lease that was given meanwhile has ended: nothing is started under it.

use testplan::model::record::RecordEvent;

use crate::support::{PlanFile, Records, Service, Stage, Tap, until};

#[test]
fn no_test_starts_after_its_lease_ended() {
    let stage = Stage::new();
    let test = stage.script("test.sh", r#"echo "$TESTPLAN_EXECUTION_ID" >> ran"#);
    PlanFile::run_with(&test)
        .on_each(&["OS=Linux", "browser=chrome"])
        .numbered("s", 1)
        .on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let tap = Tap::before(&service);
    tap.hold_back("POST /execution/v1/finished/");
    let work = |name: &str, url: &str, flags: &str| {
        stage
            .testplan("work")
            .named(name)
            .flags("--url")
            .arg(url)
            .flags("--token-file")
            .arg(service.token_file())
            .on(plan)
            .flags(&format!("--workers 1 --out {name} {flags}"))
            .start()
    };
    let slow = work(
        "slow",
        &tap.url,
        "--lease 2s --capability OS=Linux --capability browser=chrome",
    );
    until("the second lease", || {
        let events = service.events(plan);
        let given = events.iter().filter(|event| event.kind == "reserved");
        (given.count() == 2).then_some(())
    });
    // Can take the second one alone, when its lease ends.
    let quick = work("quick", &service.url, "--capability browser=chrome");
    quick.end().code_is(0);
    tap.let_go();
    slow.end().code_is(0);

    let ran = stage.lines("ran");
    assert_eq!(ran.len(), 2, "{ran:?}");
    let started = Records::below(stage.path("slow")).pick(|event| match event {
        RecordEvent::Started { .. } => Some(()),
        _ => None,
    });
    assert_eq!(started.len(), 1, "the second was not even started");
    let report = stage
        .testplan("report")
        .at(&service)
        .on(plan)
        .flags("--format json --records slow/records quick/records --out report")
        .run()
        .code_is(0)
        .json();
    for (word, count) in [("total", 2), ("passed", 2), ("recovered", 1)] {
        assert_eq!(report[word], count, "{word}");
    }
}
