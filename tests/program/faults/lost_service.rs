//! The service is gone for good: everybody gives up in time, says so, and is never green. Whoever is told to stop
//! meanwhile does not wait for it.

use std::time::Duration;

use rustix::process::Signal;
use testplan::model::record::{Confirmation, RecordEvent};

use crate::support::{PlanFile, Process, Records, Service, Stage, Testplan, alive, free_port};

/// What a CI leaves between its first signal and its last is a little more.
const IN_TIME: Duration = Duration::from_secs(7);
/// Far more than three seconds of patience and four of a lease, far less than any default.
const SOON: Duration = Duration::from_secs(30);

#[test]
fn lost_service_has_its_own_exit_code() {
    let stage = Stage::new();
    waiting_tests(&stage);
    let mut service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let flags = |out: &str| format!("--workers 3 --lease 4s --patience 3s --out {out}");
    // Of three workers one runs a test that goes on, one a test that will end, and one has nothing to do.
    let worker = stage
        .testplan("work")
        .at(&service)
        .on(plan)
        .flags(&flags("work"))
        .start();
    let run = stage
        .testplan("run")
        .at(&service)
        .flags(&flags("run"))
        .start();
    let begun = stage.wait_for_lines("begun", 4);
    service.kill();
    stage.write("go", "");
    for (process, out) in [(worker, "work"), (run, "run")] {
        let ended = process.end_within(SOON).code_is(3);
        assert!(ended.stderr.contains("infrastructure"), "{ended}");
        let answers = Records::below(stage.path(out)).pick(|event| match event {
            RecordEvent::Confirmed { answer, .. } => Some(answer.clone()),
            _ => None,
        });
        assert!(
            matches!(answers[..], [Confirmation::Undelivered { .. }]),
            "{answers:?}"
        );
        let report = stage
            .testplan("report")
            .flags(&format!("--format json --out {out}"))
            .run()
            .code_is(5)
            .json();
        assert_eq!(report["missing"], 2, "{report}");
    }
    for line in begun {
        let pid = line.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(!alive(pid), "a test runs on: {line}");
    }
}

#[test]
fn undelivered_worker_ends_on_a_signal() {
    let stage = Stage::new();
    let process = undelivered(&stage, "work");
    process.send(Signal::TERM);
    process.end_within(IN_TIME).code_is(143);
    let answers = Records::below(stage.path("out")).pick(|event| match event {
        RecordEvent::Confirmed { answer, .. } => Some(answer.clone()),
        _ => None,
    });
    assert!(
        matches!(answers[..], [Confirmation::Undelivered { .. }]),
        "{answers:?}"
    );
}

#[test]
fn undelivered_run_ends_on_a_signal_and_reports() {
    let stage = Stage::new();
    let process = undelivered(&stage, "run");
    process.send(Signal::INT);
    process.end_within(IN_TIME).code_is(130);
    for name in ["out/junit.xml", "out/summary.md"] {
        assert!(stage.read(name).contains("ends"), "{name}");
    }
}

#[test]
fn wait_for_an_unreachable_service_ends_on_a_signal() {
    let stage = Stage::new();
    waiting_tests(&stage);
    let url = format!("http://127.0.0.1:{}", free_port());
    let at_nobody = |command: Testplan| command.flags(&format!("--url {url}")).start();
    let processes = [
        at_nobody(stage.testplan("work").on(1)),
        at_nobody(stage.testplan("run")),
    ];
    for mut process in processes {
        process.wait_for_word("next try in");
        process.send(Signal::INT);
        process.end_within(IN_TIME).code_is(130);
    }
}

/// A worker or run whose test has ended, and whose service has not lived to hear of it.
fn undelivered(stage: &Stage, subcommand: &str) -> Process {
    waiting_tests(stage);
    let mut service = Service::start(stage);
    let mut command = stage
        .testplan(subcommand)
        .at(&service)
        .flags("--workers 1 --out out");
    if subcommand == "work" {
        command = command.on(service.start_plan(stage));
    }
    let mut process = command.start();
    stage.wait_for_lines("begun", 1);
    service.kill();
    stage.write("go", "");
    process.wait_for_word("finished/");
    process
}

/// Two tests: one ends when there is a file `go`, one never.
fn waiting_tests(stage: &Stage) {
    let test = stage.script(
        "test.sh",
        r#"echo "$TESTPLAN_PLAN_ID $2 $$" >> begun
           [ "$2" = ends ] || hang
           while [ ! -e go ]; do sleep 0.05; done"#,
    );
    PlanFile::run_with(&test)
        .tests("s", ["ends", "hangs"])
        .on(stage);
}
