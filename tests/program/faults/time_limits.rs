//! Time limits: of one execution, and of the whole command. Nothing runs on past either.

use testplan::model::{Outcome, record::RecordEvent};

use crate::support::{PlanFile, Records, Service, Stage, alive};

#[test]
fn hanging_test_is_an_execution_error() {
    let stage = Stage::new();
    hanging(&stage).runner("timeout", "1s").on(&stage);
    let run = stage.testplan("run").flags("--workers 1 --out out").start();
    let tree = stage.wait_for_lines("tree", 3);
    let ended = run.end().code_is(3);
    assert_gone(&tree);
    let outcomes = Records::below(stage.path("out")).pick(|event| match event {
        RecordEvent::Ended { outcome, .. } => Some(outcome.clone()),
        _ => None,
    });
    let [Outcome::ExecutionError { message, .. }] = &outcomes[..] else {
        panic!("{outcomes:?}");
    };
    assert!(message.contains("1s"), "{message}");
    assert!(ended.stderr.contains(message), "{message} {ended}");
    assert!(stage.read("out/junit.xml").contains("errors=\"1\""));
}

#[test]
fn a_worker_past_its_deadline_gives_back_what_it_has() {
    let stage = Stage::new();
    hanging(&stage).on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let worker = stage
        .testplan("work")
        .at(&service)
        .on(plan)
        .flags("--workers 1 --deadline 4s")
        .start();
    let tree = stage.wait_for_lines("tree", 3);
    let ended = worker.end().code_is(5);
    assert_gone(&tree);
    assert!(ended.stderr.contains("deadline"), "{ended}");
    let execution = service.executions(plan)[0].execution_id.0;
    assert_eq!(service.history(plan, execution), ["reserved", "released"]);
}

#[test]
fn a_run_past_its_deadline_is_incomplete_and_reports() {
    let stage = Stage::new();
    hanging(&stage).on(&stage);
    let run = stage
        .testplan("run")
        .flags("--workers 1 --deadline 4s --out out")
        .start();
    let tree = stage.wait_for_lines("tree", 3);
    let ended = run.end().code_is(5);
    assert_gone(&tree);
    assert!(ended.stderr.contains("1 missing"), "{ended}");
    assert!(
        stage
            .read("out/summary.md")
            .contains("given back by worker")
    );
    assert!(stage.read("out/junit.xml").contains("type=\"missing\""));
}

/// A test that never ends, and neither do its children, one of which never listens.
fn hanging(stage: &Stage) -> PlanFile {
    let deaf = stage.script("deaf.sh", "trap '' TERM\necho $$ >> tree\nhang");
    let child = stage.script("child.sh", "echo $$ >> tree\nhang");
    let test = stage.script(
        "test.sh",
        &format!(
            "echo $$ >> tree\n{} &\n{} &\nhang",
            deaf.display(),
            child.display()
        ),
    );
    PlanFile::run_with(&test).numbered("s", 1)
}

fn assert_gone(tree: &[String]) {
    let left: Vec<_> = tree
        .iter()
        .filter(|pid| alive(pid.parse().unwrap()))
        .collect();
    assert!(left.is_empty(), "of {tree:?} there are still {left:?}");
}
