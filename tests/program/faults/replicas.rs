//! Two replicas of the service on one PostgreSQL database: workers go on while they are killed one after the other.

use std::collections::BTreeSet;

use testplan::{api::waiting::WaitingResponse, model::ExecutionState};

use crate::support::{PlanFile, PostgresSchema, Service, Stage, until};

const TESTS: usize = 24;

#[test]
fn plan_goes_on_while_one_replica_after_the_other_is_killed() {
    let Some(schema) = PostgresSchema::create() else {
        return;
    };
    let stage = Stage::new();
    let test = stage.script(
        "test.sh",
        r#"before=$(cat ran 2>/dev/null | wc -l)
           echo "$2" >> ran
           [ "$before" -lt 4 ] || while [ ! -e go ]; do sleep 0.05; done"#,
    );
    PlanFile::run_with(&test).numbered("s", TESTS).on(&stage);
    let mut replicas = [(); 2]
        .map(|()| Service::start_with(&stage, |serve| serve.flags("--database").arg(schema.url())));
    let plan = replicas[0].start_plan(&stage);
    let urls = format!("{},{}", replicas[0].url, replicas[1].url);
    let worker = stage
        .testplan("work")
        .at_url(&urls, &replicas[0].token_file())
        .on(plan)
        .flags("--patience 60s --out out --workers 3")
        .start();
    stage.wait_for_lines("ran", 6);
    replicas[0].kill();
    stage.write("go", "");
    stage.wait_for_lines("ran", 12);
    replicas[0].restart();
    replicas[1].kill();
    let ended = worker.end().code_is(0);
    let ran = stage.lines("ran");
    let each: BTreeSet<_> = ran.iter().collect();
    assert_eq!((ran.len(), each.len()), (TESTS, TESTS), "{ran:?}");
    let executions = replicas[0].executions(plan);
    assert!(
        executions
            .iter()
            .all(|it| it.state == ExecutionState::Done && it.attempts == 1),
        "{executions:?}"
    );
    for word in ["WARN", "ERROR", "warning", "error"] {
        assert!(!ended.stderr.contains(word), "{word}: {ended}");
    }
}

#[test]
fn replicas_know_the_workers_of_each_other() {
    let Some(schema) = PostgresSchema::create() else {
        return;
    };
    let stage = Stage::new();
    let test = stage.script("test.sh", "while [ ! -e go ]; do sleep 0.05; done");
    PlanFile::run_with(&test).numbered("s", 2).on(&stage);
    let replicas = [(); 2]
        .map(|()| Service::start_with(&stage, |serve| serve.flags("--database").arg(schema.url())));
    let plan = replicas[0].start_plan(&stage);
    let offers = || {
        let (status, body) = replicas[1].answer(&format!("/testplan/v1/plans/{plan}/waiting"));
        assert_eq!(status, 200, "{body}");
        let waiting: WaitingResponse = serde_json::from_str(&body).unwrap();
        waiting.offers.len()
    };
    assert_eq!(offers(), 0);
    let worker = stage
        .testplan("work")
        .at(&replicas[0])
        .on(plan)
        .flags("--out out")
        .start();
    until("the other replica to know the worker", || {
        (offers() == 1).then_some(())
    });
    stage.write("go", "");
    worker.end().code_is(0);
}
