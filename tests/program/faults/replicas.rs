//! Two replicas of the service on one PostgreSQL database: workers go on while they are killed one after the other.

use std::collections::BTreeSet;

use testplan::{api::waiting::WaitingResponse, model::ExecutionState};

use crate::support::{PgBouncer, PlanFile, PostgresSchema, Service, Stage, SwallowingProxy, until};

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

#[test]
fn replica_logs_what_an_answer_survives_and_commits_durably_whatever_its_connections_say() {
    let Some(schema) = PostgresSchema::create() else {
        return;
    };
    let stage = Stage::new();
    let test = stage.script("test.sh", "exit 0");
    PlanFile::run_with(&test).numbered("s", 2).on(&stage);
    let start =
        |url: String| Service::start_with(&stage, |serve| serve.flags("--database").arg(url));
    let plain = start(schema.url()).stop();
    let says = "an answered result survives a crash of the server";
    assert!(plain.stderr.contains(says), "{plain}");
    assert!(!plain.stderr.contains("synchronous_commit="), "{plain}");
    // What transactions have that change something.
    schema.run_in(
        "CREATE TABLE seen (setting TEXT);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
         CREATE TRIGGER note AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION note()",
    );
    let careless = start(format!("{}%20-c%20synchronous_commit%3Doff", schema.url()));
    let plan = careless.start_plan(&stage);
    let worker = stage.testplan("work").at(&careless).on(plan);
    worker.flags("--out out").run().code_is(0);
    let careless = careless.stop();
    let says = "synchronous_commit=off is not used";
    assert!(careless.stderr.contains(says), "{careless}");
    assert_eq!(schema.texts("SELECT DISTINCT setting FROM seen"), ["on"]);
}

/// Its clients notice nothing, and its log says once what it does without.
#[test]
fn replicas_behind_a_pooler_in_transaction_mode_serve_a_plan() {
    let Some(schema) = PostgresSchema::create() else {
        return;
    };
    let Some(pooler) = PgBouncer::start(&schema.url(), 3) else {
        return;
    };
    let stage = Stage::new();
    let test = stage.script("test.sh", "exit 0");
    PlanFile::run_with(&test).numbered("s", TESTS).on(&stage);
    let url = pooler.url(&schema.url());
    let replicas =
        [(); 2].map(|()| Service::start_with(&stage, |serve| serve.flags("--database").arg(&url)));
    let plan = replicas[0].start_plan(&stage);
    let waiting = stage.testplan("wait").at(&replicas[1]).on(plan).start();
    let urls = format!("{},{}", replicas[0].url, replicas[1].url);
    let worker = stage
        .testplan("work")
        .at_url(&urls, &replicas[0].token_file())
        .on(plan);
    let worker = worker.flags("--out out --workers 16").run().code_is(0);
    waiting.end().code_is(0);
    for word in ["WARN", "ERROR"] {
        assert!(!worker.stderr.contains(word), "{word}: {worker}");
    }
    for replica in replicas {
        let ended = replica.stop();
        assert_eq!(
            ended.stderr.matches("a pooler stands before").count(),
            1,
            "{ended}"
        );
        assert!(!ended.stderr.contains("ERROR"), "{ended}");
    }
}

#[test]
fn replica_is_not_ready_while_its_database_answers_nothing() {
    let Some(schema) = PostgresSchema::create() else {
        return;
    };
    let stage = Stage::new();
    let test = stage.script("test.sh", "exit 0");
    PlanFile::run_with(&test).numbered("s", 2).on(&stage);
    let proxy = SwallowingProxy::to(schema.server());
    let url = schema
        .url()
        .replace(schema.server(), &format!("127.0.0.1:{}", proxy.port));
    let replica = Service::start_with(&stage, |serve| serve.flags("--database").arg(&url));
    assert_eq!(replica.answer("/readyz").0, 200);
    proxy.swallow(true);
    let (status, body) = until("the replica not to be ready", || {
        Some(replica.answer("/readyz")).filter(|it| it.0 != 200)
    });
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("it has not answered for"), "{body}");
    assert_eq!(replica.answer("/healthz").0, 200, "it lives");
    proxy.swallow(false);
    until("the replica to be ready", || {
        (replica.answer("/readyz").0 == 200).then_some(())
    });
    let plan = replica.start_plan(&stage);
    let worker = stage.testplan("work").at(&replica).on(plan);
    worker.flags("--out out").run().code_is(0);
}
