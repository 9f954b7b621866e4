//! Signals: a stubborn process tree ends with its worker, in time, and its execution is somebody else's at once.

use std::time::Duration;

use rustix::process::Signal;
use testplan::model::record::RecordEvent;

use crate::support::{Ended, PlanFile, Process, Records, Service, Stage, Tap, alive, until};

/// What a CI leaves between its first signal and its last is a little more.
const IN_TIME: Duration = Duration::from_secs(7);
/// Clearly less than the grace that a first signal gives to tests.
const AT_ONCE: Duration = Duration::from_millis(2500);
/// How soon a waiting worker has what was given back, in milliseconds.
const TAKEN_MS: i64 = 1000;

#[test]
fn a_terminated_worker_leaves_no_process_and_its_execution_to_others() {
    stop_worker(Signal::TERM, 143);
}

#[test]
fn interrupted_worker_ends_at_once_when_interrupted_again() {
    stop_worker(Signal::INT, 130);
}

#[test]
fn a_terminated_run_leaves_no_process() {
    let stage = Stage::new();
    let (run, tree) = start_run(&stage);
    run.send(Signal::TERM);
    let ended = run.end_within(IN_TIME).code_is(143);
    assert_gone(&tree);
    told_of_cancelled(&stage, &ended);
}

#[test]
fn an_interrupted_run_ends_at_once_when_interrupted_again() {
    let stage = Stage::new();
    let (mut run, tree) = start_run(&stage);
    run.send(Signal::INT);
    run.wait_for_word("stopping (SIGINT)");
    run.send(Signal::INT);
    let ended = run.end_within(AT_ONCE).code_is(130);
    assert_gone(&tree);
    told_of_cancelled(&stage, &ended);
}

#[test]
fn a_second_signal_ends_a_worker_at_once() {
    let stage = Stage::new();
    stubborn(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let mut worker = stage
        .testplan("work")
        .at(&service)
        .on(plan)
        .flags("--workers 1")
        .start();
    let tree = tree(&stage);
    worker.send(Signal::TERM);
    worker.wait_for_word("stopping (SIGTERM)");
    worker.send(Signal::TERM);
    worker.end_within(AT_ONCE).code_is(143);
    assert_gone(&tree);
    let execution = service.executions(plan)[0].execution_id.0;
    assert_eq!(service.history(plan, execution), ["reserved", "released"]);
}

fn stop_worker(signal: Signal, code: i32) {
    let stage = Stage::new();
    stubborn(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let tap = Tap::before(&service);
    let work = |name: &str, url: &str| {
        stage
            .testplan("work")
            .named(name)
            .flags("--url")
            .arg(url)
            .flags("--token-file")
            .arg(service.token_file())
            .on(plan)
            .flags(&format!("--workers 1 --out {name}"))
            .start()
    };
    let stopped = work("stopped", &service.url);
    let tree = tree(&stage);
    let heir = work("heir", &tap.url);
    until("a worker that waits at the service", || {
        tap.requests().contains("prefer: wait=").then_some(())
    });

    stopped.send(signal);
    stopped.end_within(IN_TIME).code_is(code);
    assert_gone(&tree);
    heir.end().code_is(0);

    let events = service.events(plan);
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["reserved", "released", "reserved", "finished"]);
    let late = events[2].at - events[1].at;
    assert!(late <= TAKEN_MS, "taken {late} ms after it was given back");
    let released = Records::below(stage.path("stopped")).pick(|event| match event {
        RecordEvent::Released { .. } => Some(()),
        _ => None,
    });
    assert_eq!(released, [()]);
}

/// A test whose processes ignore every signal that they can, at its first attempt. One leaves the group where the
/// system lets it be found again.
fn stubborn(stage: &Stage) {
    let leaf = stage.script("leaf.sh", "echo $$ >> tree\nhang");
    let leaf = leaf.display();
    let away = if cfg!(target_os = "linux") {
        format!("setsid {leaf} &")
    } else {
        format!("{leaf} &")
    };
    let child = stage.script(
        "child.sh",
        &format!("echo $$ >> tree\n{leaf} &\n{away}\nhang"),
    );
    let test = stage.script(
        "test.sh",
        &format!(
            "[ -e tree ] && exit 0\ntrap '' TERM INT HUP\necho $$ >> tree\n{} &\nhang",
            child.display()
        ),
    );
    PlanFile::run_with(&test).numbered("s", 1).on(stage);
}

/// The processes of the stubborn test, once all of them are there.
fn tree(stage: &Stage) -> Vec<u32> {
    let lines = stage.wait_for_lines("tree", 4);
    let tree: Vec<u32> = lines.iter().map(|line| line.parse().unwrap()).collect();
    assert!(tree.iter().all(|pid| alive(*pid)));
    tree
}

fn assert_gone(tree: &[u32]) {
    let left: Vec<_> = tree.iter().filter(|pid| alive(**pid)).collect();
    assert!(left.is_empty(), "of {tree:?} there are still {left:?}");
}

fn start_run(stage: &Stage) -> (Process, Vec<u32>) {
    stubborn(stage);
    let run = stage.testplan("run").flags("--workers 1 --out out").start();
    let tree = tree(stage);
    (run, tree)
}

/// A run that was cut short still reports.
fn told_of_cancelled(stage: &Stage, ended: &Ended) {
    assert!(ended.stderr.contains("cancelled"), "{ended}");
    for name in ["out/junit.xml", "out/summary.md"] {
        assert!(
            stage.read(name).contains("t1"),
            "{name} names what is missing"
        );
    }
}
