//! What an execution costs the service: counted, never timed. A request or a transaction more per execution is a change
//! that somebody should have meant.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use testplan::{
    client::{Client, Endpoint, Patience, Sending, StartPlan, Transport},
    clock::{ServiceClock, wall},
    model::{Capabilities, Plan, PlanKind, Test},
    run::{Observer, ProgressEvent, WorkOrder, state::RunTally, worker::WorkerSettings},
    runner::{
        placeholders::PlaceholderText,
        runner_settings::{CommandSettings, ExitCodes, ResultsFormat, RunnerSettings, Tool},
    },
    service::{Access, InProcess, Limits, Service as ServiceInside},
    signal::Signals,
    single::{CommandRunner, TestSetup},
    store::{
        PlannedTest, Rules, Store, TemplateDefinition,
        sqlite::{Durability, SqliteStore},
    },
};

use crate::support::{PlanFile, Service, Stage, Tap};

const EXECUTIONS: usize = 200;
const WORKERS: usize = 4;

/// A result, and the next reservation, which travels with it.
const PER_EXECUTION: usize = 2;
/// A first reservation, and one that waits at the service for what others still run.
const PER_WORKER: usize = 2;

#[test]
fn run_sends_two_requests_per_execution() {
    // The list of executions, in parts of a hundred.
    const LIST: usize = EXECUTIONS / 100;
    // Template, title, start, status and list; in the end status by the workers, status and list by the run.
    const PER_RUN: usize = 4 + LIST + 2 + LIST;
    let stage = Stage::new();
    PlanFile::run_with(&stage.script("test.sh", "exit 0"))
        .numbered("s", EXECUTIONS)
        .on(&stage);
    let service = Service::start(&stage);
    let tap = Tap::before(&service);
    stage
        .testplan("run")
        .through(&tap, &service)
        .flags(&format!("--workers {WORKERS}"))
        .run()
        .code_is(0);
    let requests = tap.requests();
    let count = |part: &str| requests.matches(part).count();
    let all = count(" HTTP/1.1\r\n");
    let most = EXECUTIONS * PER_EXECUTION + PER_RUN + WORKERS * PER_WORKER;
    let by_call = [
        "finished/",
        "reserve/",
        "heartbeat/",
        "status/",
        "/executions",
    ]
    .map(|part| (part, count(&format!("/{part}").replace("//", "/"))));
    assert!(all <= most, "{all} requests, at most {most}: {by_call:?}");
    assert_eq!(by_call[0].1, EXECUTIONS, "the count counts: {by_call:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_cost_the_database_two_transactions_per_execution() {
    let stage = Stage::new();
    let store = store_with_template(&stage).await;
    let limits = Limits {
        // Its own housekeeping goes by the clock.
        beat: Duration::from_secs(3600),
        ..Limits::default()
    };
    let clock = Arc::new(ServiceClock::starting_at(wall()));
    let shared = Arc::clone(&store) as Arc<dyn Store>;
    let service = ServiceInside::new(shared, clock, Access::InProcess, limits);
    let client = client_of(&service);
    let plan = started(&client).await;
    let status = client
        .status(plan.id, &Capabilities::default())
        .await
        .unwrap();
    let settings = settings(&stage, &plan);
    let (requests, commits) = (client.requests(), store.commits());

    let order = WorkOrder {
        checkout: None,
        discovery: None,
        policy: None,
        client: client.clone(),
        plan,
        clock_ahead_ms: None,
        status,
        planned: None,
        settings: Arc::new(settings),
        workers: WORKERS,
        deadline: None,
        grace: Duration::from_secs(600),
        lease_files: None,
        records: stage.path("records"),
        name: "economy".to_owned(),
    };
    let end = testplan::run::work(order, &mut Signals::noop(), &mut Deaf)
        .await
        .unwrap();

    let passed = EXECUTIONS as u64;
    let all = RunTally {
        passed,
        ..RunTally::default()
    };
    assert_eq!(end.tally, all);
    // One is the workers' status in the end, which costs no transaction.
    let most = EXECUTIONS * PER_EXECUTION + WORKERS * PER_WORKER;
    let requests = client.requests() - requests;
    assert!(requests <= most as u64 + 1, "{requests} requests");
    // Each is one, or less where several meet.
    let commits = store.commits() - commits;
    assert!(commits <= most as u64, "{commits} transactions");
    assert!(
        // A worker has at most the result of one execution and the reserve of the next under way, so that no more
        // than twice as many jobs as workers share a commit, however slow it is.
        commits * WORKERS as u64 >= EXECUTIONS as u64,
        "{commits}: the count counts"
    );
    service.close().await.unwrap();
}

async fn store_with_template(stage: &Stage) -> Arc<SqliteStore> {
    let file = stage.path("economy.sqlite");
    let opened = SqliteStore::open(&file, Durability::Normal, Rules::default(), wall());
    let (store, _) = opened.unwrap();
    let executions = (0..EXECUTIONS).map(|number| PlannedTest {
        test: Test {
            suite: "s".to_owned(),
            testcase: format!("t{number}"),
        },
        required: Capabilities::default(),
    });
    let template = TemplateDefinition {
        project: "p".to_owned(),
        title: "T".to_owned(),
        description: String::new(),
        tags: Vec::new(),
        executions: executions.collect(),
    };
    store.publish(vec![template], wall()).await.unwrap();
    Arc::new(store)
}

#[derive(Debug)]
struct Inside(InProcess);

impl Transport for Inside {
    fn send(&self, request: http::Request<Bytes>, _limit: Duration) -> Sending<'_> {
        Box::pin(async move { Ok(self.0.call(request).await) })
    }
}

fn client_of(service: &ServiceInside) -> Client {
    let transport = Arc::new(Inside(service.in_process()));
    let endpoint = Endpoint::parse("http://localhost", false).unwrap();
    Client::new(transport, endpoint, None, Patience::default()).unwrap()
}

async fn started(client: &Client) -> Plan {
    let template = client
        .find_plan("p", "T", PlanKind::Template)
        .await
        .unwrap();
    let start = StartPlan {
        project: template.project,
        template: template.id,
        title: "economy".to_owned(),
        batch: "economy".to_owned(),
        planned: None,
        linked: Vec::new(),
        tests: None,
        discovery: None,
        origin: testplan::model::PlanOrigin::default(),
    };
    client.execute_plan(&start).await.unwrap()
}

fn settings(stage: &Stage, plan: &Plan) -> WorkerSettings {
    let test = stage.script("test.sh", "exit 0");
    let runner = RunnerSettings {
        tool: Tool::Command(CommandSettings {
            warm: None,
            batch: None,
            command: vec![PlaceholderText::parse(test.to_str().unwrap()).unwrap()],
            results: ResultsFormat::ExitCode,
            exit_codes: ExitCodes {
                passed: [0].into(),
                failed: [1].into(),
                counts_failures: false,
            },
        }),
        timeout: None,
        environment: [].into(),
        working_directory: None,
    };
    std::fs::create_dir(stage.path("logs")).unwrap();
    WorkerSettings {
        offered: Capabilities::default(),
        lease: Duration::from_secs(60),
        allocate_server: false,
        runner: Arc::new(CommandRunner::new(TestSetup {
            runner,
            out: stage.folder().to_owned(),
            plan: plan.id,
            offered: Capabilities::default(),
            capture_limit: 1 << 20,
        })),
        out: stage.folder().to_owned(),
        upload: None,
        alone: false,
    }
}

struct Deaf;

impl Observer for Deaf {
    fn observe(&mut self, _: &ProgressEvent) {}
}
