//! The engine, a service in this process and a warm pytest together.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use testplan::{
    client::{Client, Endpoint, Patience, Sending, StartPlan, Transport},
    clock::{ServiceClock, wall},
    model::{Capabilities, Outcome, PlanKind, TestVerdict},
    run::{Observer, ProgressEvent, RunSummary, WorkOrder, worker::WorkerSettings},
    service::{Access, InProcess, Limits, Service},
    signal::Signals,
    store::{
        PlannedTest, Rules, Store, TemplateDefinition,
        sqlite::{Durability, SqliteStore},
    },
    warm::WarmRunner,
};

use super::stage::{Project, Way};

#[tokio::test(flavor = "multi_thread")]
async fn run_with_one_worker_equals_plain_pytest() {
    let Some(project) = Project::fixture("scopes") else {
        return;
    };
    let plain = project.plain();
    let (summary, verdicts) = run(&project, 1).await;
    assert_eq!(verdicts, plain);
    assert_eq!(summary.tally.errors + summary.tally.lost, 0);
    // The order of suites is the service's, so that lines of different files may stand in another order.
    let sorted = |name: &str| {
        let text = project.read(name);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.retain(|line| line.starts_with("set up") || line.starts_with("tear down"));
        lines.sort();
        lines
    };
    assert_eq!(sorted("trace.txt"), sorted("plain.txt"));
    let trace = project.read("trace.txt");
    assert_eq!(trace.lines().last(), Some("session finished"));
}

#[tokio::test(flavor = "multi_thread")]
async fn run_with_two_workers_shares_the_tests() {
    let tests = "import os, pytest\n\n@pytest.mark.parametrize('n', range(300))\ndef test_n(n, worker_id):\n    \
                 open(f'{worker_id}.txt', 'a').write('x')\n    assert n % 100\n";
    let Some(project) = Project::of_tests(tests) else {
        return;
    };
    let (summary, verdicts) = run(&project, 2).await;
    assert_eq!((summary.tally.passed, summary.tally.failed), (297, 3));
    assert_eq!(verdicts.len(), 300);
    let count = project.read("gw0.txt").len() + project.read("gw1.txt").len();
    assert_eq!(count, 300, "each test ran once");
}

/// Runs the whole plan of a project; verdicts by id.
async fn run(project: &Project, workers: usize) -> (RunSummary, BTreeMap<String, String>) {
    let way = Way::default();
    let mut host = project.host(&way);
    let collected = host.collect(Duration::from_secs(120)).await.unwrap();
    let runner = WarmRunner::new(host, project.plan(&way));
    let file = project.path("store.sqlite");
    let opened = SqliteStore::open(&file, Durability::Normal, Rules::default(), wall());
    let (store, _) = opened.unwrap();
    let template = TemplateDefinition {
        project: "p".to_owned(),
        title: "T".to_owned(),
        description: String::new(),
        tags: Vec::new(),
        executions: collected
            .tests()
            .into_iter()
            .map(|test| PlannedTest {
                test,
                required: Capabilities::default(),
            })
            .collect(),
    };
    store.publish(vec![template], wall()).await.unwrap();
    let store = Arc::new(store);
    let shared = Arc::clone(&store) as Arc<dyn Store>;
    let clock = Arc::new(ServiceClock::starting_at(wall()));
    let service = Service::new(shared, clock, Access::InProcess, Limits::default());
    let transport = Arc::new(Inside(service.in_process()));
    let endpoint = Endpoint::parse("http://localhost", false).unwrap();
    let client = Client::new(transport, endpoint, None, Patience::default()).unwrap();
    let template = client
        .find_plan("p", "T", PlanKind::Template)
        .await
        .unwrap();
    let start = StartPlan {
        project: template.project,
        template: template.id,
        title: "warm".to_owned(),
        batch: "warm".to_owned(),
        planned: None,
        linked: Vec::new(),
        tests: None,
        discovery: None,
        origin: testplan::model::PlanOrigin::default(),
    };
    let plan = client.execute_plan(&start).await.unwrap();
    let status = client
        .status(plan.id, &Capabilities::default())
        .await
        .unwrap();
    let order = WorkOrder {
        checkout: None,
        discovery: None,
        policy: None,
        client,
        plan,
        clock_ahead_ms: None,
        status,
        planned: None,
        settings: Arc::new(WorkerSettings {
            offered: Capabilities::default(),
            lease: Duration::from_secs(60),
            allocate_server: false,
            runner: Arc::new(runner),
            out: project.path("out"),
            upload: None,
            alone: false,
        }),
        workers,
        deadline: None,
        grace: Duration::from_secs(600),
        lease_files: None,
        records: project.path("out/records"),
        name: "warm".to_owned(),
    };
    let mut verdicts = Verdicts::default();
    let mut signals = Signals::noop();
    let running = testplan::run::work(order, &mut signals, &mut verdicts);
    let summary = tokio::time::timeout(Duration::from_secs(240), running).await;
    let summary = summary.expect("the run hangs").unwrap();
    service.close().await.unwrap();
    (summary, verdicts.0)
}

#[derive(Debug)]
struct Inside(InProcess);

impl Transport for Inside {
    fn send(&self, request: http::Request<Bytes>, _limit: Duration) -> Sending<'_> {
        Box::pin(async move { Ok(self.0.call(request).await) })
    }
}

#[derive(Default)]
struct Verdicts(BTreeMap<String, String>);

impl Observer for Verdicts {
    fn observe(&mut self, event: &ProgressEvent) {
        if let ProgressEvent::Finished { test, outcome, .. } = event {
            let verdict = match outcome {
                Outcome::Completed {
                    result: Some(result),
                } => match result.verdict {
                    TestVerdict::Passed => "passed".to_owned(),
                    TestVerdict::Failed => "failed".to_owned(),
                    TestVerdict::Skipped => "skipped".to_owned(),
                },
                other => format!("{other:?}"),
            };
            self.0
                .insert(format!("{}::{}", test.suite, test.testcase), verdict);
        }
    }
}
