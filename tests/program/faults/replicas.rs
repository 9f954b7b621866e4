//! Two replicas of the service on one PostgreSQL database: workers go on while they are killed one after the other.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
};

use testplan::{api::waiting::WaitingResponse, model::ExecutionState};

use crate::support::{PlanFile, Service, Stage, skip, until};

const TESTS: usize = 24;

/// A schema of the database that `TESTPLAN_POSTGRES` names, dropped at the end.
struct Schema {
    database: String,
    name: String,
}

impl Schema {
    /// `None` if there is no database.
    fn create() -> Option<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let Ok(database) = std::env::var("TESTPLAN_POSTGRES") else {
            skip::missing(
                "TESTPLAN_POSTGRES names no database; examples/service/postgres.sh starts one",
            );
            return None;
        };
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let schema = Self {
            database,
            name: format!("replicas_{}_{count}", std::process::id()),
        };
        schema.run(&format!("CREATE SCHEMA {}", schema.name));
        Some(schema)
    }

    fn url(&self) -> String {
        format!("{}?options=-c%20search_path%3D{}", self.database, self.name)
    }

    fn run(&self, sql: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let connected = tokio_postgres::connect(&self.database, tokio_postgres::NoTls).await;
            let (client, connection) = connected.unwrap();
            tokio::spawn(connection);
            client.batch_execute(sql).await.unwrap();
        });
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        self.run(&format!("DROP SCHEMA {} CASCADE", self.name));
    }
}

#[test]
fn plan_goes_on_while_one_replica_after_the_other_is_killed() {
    let Some(schema) = Schema::create() else {
        return;
    };
    let stage = Stage::new();
    let test = stage.script(
        "test.sh",
        r#"echo "$2" >> ran
           [ $(wc -l < ran) -le 4 ] || while [ ! -e go ]; do sleep 0.05; done"#,
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
    let Some(schema) = Schema::create() else {
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
