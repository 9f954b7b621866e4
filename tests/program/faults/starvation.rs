//! What nobody can ever run: told within seconds, waited for as long as somebody may still come, never hung on.

use std::time::Duration;

use testplan::{clock::wall, model::record::RecordEvent};

use crate::support::{Ended, PlanFile, Process, Records, Service, Stage, Tap};

/// A test that says that it runs, and ends once it may.
const GATED: &str = "echo $2 >> running\nwhile [ ! -e go ]; do sleep 0.05; done\nexit 0";
/// How soon after the rest is done people are told: a look at the service, and a slow machine.
const SOON: Duration = Duration::from_secs(15);

fn stage(systems: &[&str], body: &str) -> Stage {
    let stage = Stage::new();
    let test = stage.script("test.sh", body);
    PlanFile::run_with(&test)
        .on_each(systems)
        .tests("suite_main", ["tst_open"])
        .on(&stage);
    stage
}

fn work(stage: &Stage, service: &Service, plan: i64, system: &str) -> Process {
    let work = stage.testplan("work").named(system).at(service).on(plan);
    work.flags(&format!(
        "--workers 1 --capability OS={system} --out {system}"
    ))
    .start()
}

fn wait(stage: &Stage, service: &Service, plan: i64, flags: &str) -> Process {
    stage
        .testplan("wait")
        .at(service)
        .on(plan)
        .flags(flags)
        .start()
}

#[track_caller]
fn says(ended: &Ended, words: &[&str]) {
    let mut rest = ended.stderr.as_str();
    for word in words {
        let Some((_, after)) = rest.split_once(word) else {
            panic!("{word:?} is not said, or not in this order: {ended}");
        };
        rest = after;
    }
}

#[test]
fn run_gives_up_on_an_execution_without_a_worker() {
    let stage = stage(&["OS=Linux", "OS=Windows", "OS=macOS"], GATED);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let workers = ["Linux", "Windows"].map(|system| work(&stage, &service, plan, system));
    stage.wait_for_lines("running", 2);

    let mut wait = wait(&stage, &service, plan, "--grace 3s --format json");
    // Others are still at work, so that nothing is given up yet.
    wait.wait_for_word("1 open needs OS=macOS: no live worker offers it");
    assert!(
        !wait.stderr().contains("no worker or Squish server can run"),
        "{}",
        wait.stderr()
    );
    stage.write("go", "");
    for worker in workers {
        let ended = worker.end().code_is(0);
        says(
            &ended,
            &[
                "1 open needs OS=macOS: no ",
                "start a worker with OS=macOS to continue",
            ],
        );
    }
    wait.wait_for_word(
        "no worker or Squish server can run the remaining tests; exits with code 5 in 3s (--grace)",
    );
    let told = wall();
    let done = Records::below(stage.folder())
        .all()
        .iter()
        .filter(|record| matches!(record.event, RecordEvent::Confirmed { .. }))
        .map(|record| record.at)
        .max()
        .unwrap();
    assert!(told.since(done) < SOON, "{:?}", told.since(done));
    let ended = wait.end().code_is(5);
    assert!(wall().since(done) >= Duration::from_secs(3), "{ended}");
    says(
        &ended,
        &[
            "0 reserved, 2 done",
            "no worker or Squish server can run the remaining tests",
            "1 open, 0 reserved, 2 done",
            "1 open needs OS=macOS: no worker is there that offers it",
            "gave up after 3s (--grace): no worker or Squish server can run the remaining tests",
            "that stay open:",
            "suite_main / tst_open (execution ",
            ") needs OS=macOS",
            "conclusion: incomplete (exit code 5)",
        ],
    );
    let said = ended.json();
    assert_eq!(said["open"], 1, "{ended}");
    assert_eq!(said["waiting_for"][0]["capabilities"][0], "OS=macOS");
    assert_eq!(said["waiting_for"][0]["reason"], "worker");

    let report = stage.testplan("report").at(&service).on(plan);
    let report = report.flags("--records Linux/records Windows/records --out out");
    let report = report.run().code_is(5);
    let cause = "needs OS=macOS; no worker offered it (workers offered OS=Linux; OS=Windows)";
    let summary = stage.read("out/summary.md");
    assert!(
        summary.contains(&format!("suite_main / tst_open (OS=macOS): {cause}")),
        "{summary}"
    );
    let junit = stage.read("out/junit.xml");
    assert!(
        junit.contains(&format!("no counted result: {cause}")),
        "{junit}"
    );
    says(
        &report,
        &[
            cause,
            "because 1 execution needs OS=macOS",
            "conclusion: incomplete",
        ],
    );
}

#[test]
fn late_worker_within_the_grace_completes_the_plan() {
    let stage = stage(&["OS=Linux", "OS=macOS"], "exit 0");
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    work(&stage, &service, plan, "Linux").end().code_is(0);
    let mut wait = wait(&stage, &service, plan, "--grace 5m");
    wait.wait_for_word("exits with code 5 in 5m");
    work(&stage, &service, plan, "macOS").end().code_is(0);
    let ended = wait.end_within(SOON).code_is(0);
    assert!(!ended.stderr.contains("gave up"), "{ended}");
}

#[test]
fn a_run_with_its_own_service_ends_at_once() {
    let stage = stage(&["OS=Linux", "OS=macOS"], "exit 0");
    let ended = stage
        .testplan("run")
        .flags("--capability OS=Linux --workers 1 --grace 10m --out out")
        .run()
        .code_is(5);
    says(
        &ended,
        &[
            "1 of 2 executions will stay open: it needs OS=macOS",
            "[  1/2] PASS",
            "MISSING suite_main / tst_open: needs OS=macOS; no worker offered it (workers offered OS=Linux)",
            "incomplete because 1 execution needs OS=macOS, which no worker offered",
        ],
    );
    let summary = stage.read("out/summary.md");
    let cause =
        "**incomplete** (exit code 5): 1 execution needs OS=macOS, which no worker offered.";
    assert!(summary.contains(cause), "{summary}");
}

fn register(stage: &Stage, service: &Service, flags: &str) {
    let add = stage.testplan("servers add").at(service);
    add.flags(flags).run().code_is(0);
}

const LACKS: &str =
    "no registered Squish server has OS=Linux (registered: 127.0.0.1:4322 with OS=Windows)";

#[test]
fn run_gives_up_on_a_missing_squish_server() {
    let stage = stage(&["OS=Linux"], "exit 0");
    let service = Service::start(&stage);
    register(&stage, &service, "--port 4322 --label OS=Windows");
    let plan = service.start_plan(&stage);
    let mut wait = wait(&stage, &service, plan, "--grace 5m");
    let work = stage.testplan("work").at(&service).on(plan);
    let mut work = work
        .flags("--workers 2 --allocate-server --capability OS=Linux --grace 8s --out out")
        .start();
    work.wait_for_word(&format!(
        "1 open needs OS=Linux: 2 live workers offer it and ask for a Squish server, but {LACKS}"
    ));
    wait.wait_for_word("but no registered Squish server has OS=Linux");
    let ended = work.end().code_is(5);
    says(
        &ended,
        &[
            "2 workers wait here",
            "exits with code 5 in",
            "gave up after 8s (--grace): no worker or Squish server can run the remaining tests",
            "no test was run here: no Squish server became free",
            "conclusion: incomplete",
        ],
    );
    for untrue in ["for other workers", "no worker is there"] {
        assert!(!ended.stderr.contains(untrue), "{ended}");
    }
    let reason = Records::below(stage.path("out")).wait_for("the reason", |event| match event {
        RecordEvent::Starved { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(reason, LACKS);
    let report = stage.testplan("report").at(&service).on(plan);
    let report = report.flags("--records out/records --out report").run();
    let cause = format!("1 execution needs a Squish server with OS=Linux: {LACKS}");
    says(&report.code_is(5), &["incomplete because", &cause]);
    let junit = stage.read("report/junit.xml");
    assert!(
        junit.contains("needs a Squish server with OS=Linux"),
        "{junit}"
    );

    // Somebody sees to it, and the wait that was patient ends well.
    register(&stage, &service, "--host lab --port 4323 --label OS=Linux");
    let work = stage.testplan("work").named("late").at(&service).on(plan);
    work.flags("--allocate-server --capability OS=Linux --out late")
        .run()
        .code_is(0);
    wait.end_within(SOON).code_is(0);
}

#[test]
fn a_run_with_its_own_squish_servers_ends_at_once() {
    let stage = Stage::new();
    let test = stage.script("test.sh", "exit 0");
    PlanFile::run_with(&test)
        .on_each(&["OS=Linux"])
        .tests("suite_main", ["tst_open"])
        .squish_server(4322, Some("OS=Windows"))
        .on(&stage);
    let run = stage.testplan("run");
    let ended = run
        .flags("--allocate-server --capability OS=Linux --grace 10m")
        .run()
        .code_is(5);
    says(
        &ended,
        &[
            LACKS,
            "gave up: no worker or Squish server can run the remaining tests",
            "incomplete because 1 execution needs a Squish server",
        ],
    );
}

#[test]
fn a_service_that_only_counts_is_waited_for_by_what_it_counts() {
    let stage = stage(&["OS=Linux", "OS=macOS"], "exit 0");
    let service = Service::start(&stage);
    register(&stage, &service, "--host lab --port 4322 --label OS=Linux");
    let plan = service.start_plan(&stage);
    let tap = Tap::before(&service);
    tap.play_another_service();
    let wait = |name: &str, flags: &str| {
        let wait = stage.testplan("wait").named(name).through(&tap, &service);
        wait.on(plan).flags(flags).run()
    };
    let ended = wait("hinted", "--grace 1s --capability OS=macOS --format json").code_is(5);
    says(
        &ended,
        &[
            "1 open needs OS=macOS: no registered Squish server has OS=macOS",
            "1 open needs OS=Linux: lab:4322 is free",
            "this service reports neither what executions need nor which workers are running",
            "no test is running and nothing changes; exits with code 5 in 1s",
            "gave up after 1s (--grace): no test is running",
            "2 executions of plan",
        ],
    );
    assert_eq!(
        ended.json()["waiting_for"][0]["capabilities"][0],
        "OS=macOS"
    );
    assert!(
        !tap.requests().contains("/testplan/v1"),
        "it has no such paths"
    );

    let work = stage.testplan("work").through(&tap, &service).on(plan);
    let ended = work
        .flags("--workers 1 --allocate-server --capability OS=macOS --grace 1s --out mac")
        .run()
        .code_is(5);
    says(
        &ended,
        &[
            "2 open in the whole plan: 1 live worker offers it and asks for a Squish server, but no registered Squish \
             server has OS=macOS (registered: lab:4322 with OS=Linux)",
            "gave up",
        ],
    );
}
