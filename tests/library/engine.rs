//! The engine with sessions that take several executions, and a service in this process. The sessions have no processes:
//! each does what its test says.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use serde_json::Value;
use testplan::{
    client::{
        BatchOptions, Client, Endpoint, Granted, Patience, Sending, ServiceKind, StartPlan,
        Transport,
    },
    clock::{ServiceClock, wall},
    model::{Capabilities, ExecutionId, Outcome, Plan, PlanKind, Test, TestResult, TestVerdict},
    run::{
        Attempt, Disposition, Observer, Phase, ProgressEvent, RunSummary, Runner, Session,
        SessionEvent, WorkItem, WorkOrder, worker::WorkerSettings,
    },
    service::{Access, InProcess, Limits, Service},
    signal::Signals,
    store::{
        PlannedTest, Rules, Store, TemplateDefinition,
        sqlite::{Durability, SqliteStore},
    },
};
use tokio::sync::watch;

/// What happens to executions that were taken together.
type Running = BoxFuture<'static, Vec<SessionEvent>>;
type Run = Arc<dyn Fn(Vec<WorkItem>, watch::Receiver<Phase>) -> Running + Send + Sync>;

/// Runs whatever it gets as `run` says.
struct Scripted {
    wanted: BatchOptions,
    run: Run,
}

impl Scripted {
    fn new<F, R>(max: u32, run: F) -> Arc<Self>
    where
        F: Fn(Vec<WorkItem>, watch::Receiver<Phase>) -> R + Send + Sync + 'static,
        R: Future<Output = Vec<SessionEvent>> + Send + 'static,
    {
        let wanted = BatchOptions {
            max,
            work: Some(Duration::from_secs(3600)),
            near: None,
            single_calls: max,
        };
        let run: Run = Arc::new(move |work, phase| run(work, phase).boxed());
        Arc::new(Self { wanted, run })
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

impl Runner for Scripted {
    fn start(&self, phase: watch::Receiver<Phase>) -> Box<dyn Session> {
        Box::new(ScriptedSession {
            wanted: self.wanted.clone(),
            run: Arc::clone(&self.run),
            phase,
            is_waiting: false,
            running: None,
            events: VecDeque::new(),
        })
    }
}

struct ScriptedSession {
    wanted: BatchOptions,
    run: Run,
    phase: watch::Receiver<Phase>,
    is_waiting: bool,
    running: Option<Running>,
    events: VecDeque<SessionEvent>,
}

impl Session for ScriptedSession {
    fn take(&mut self, work: Vec<WorkItem>) {
        assert!(work.len() <= self.wanted.max as usize);
        self.is_waiting = false;
        self.running = Some((self.run)(work, self.phase.clone()));
    }

    fn next(&mut self) -> BoxFuture<'_, SessionEvent> {
        Box::pin(async {
            loop {
                if let Some(event) = self.events.pop_front() {
                    return event;
                }
                match &mut self.running {
                    Some(running) => {
                        self.events.extend(running.await);
                        self.running = None;
                    }
                    None if self.is_waiting => std::future::pending().await,
                    None => {
                        self.is_waiting = true;
                        return SessionEvent::Wants(self.wanted.clone());
                    }
                }
            }
        })
    }
}

fn attempt(outcome: Outcome) -> Attempt {
    Attempt {
        outcome,
        ..Attempt::could_not_run(Duration::from_millis(5), "", "")
    }
}

fn ended(item: &WorkItem, attempt: Attempt) -> SessionEvent {
    SessionEvent::Ended {
        execution: item.granted.execution,
        attempt: Box::new(attempt),
    }
}

fn passed(item: &WorkItem) -> SessionEvent {
    let result = TestResult {
        verdict: TestVerdict::Passed,
        duration_ms: 5,
        flaky: false,
    };
    let outcome = Outcome::Completed {
        result: Some(result),
    };
    ended(item, attempt(outcome))
}

/// A request: its path and its body.
type Request = (String, Value);

#[derive(Debug)]
struct Inside {
    service: InProcess,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Transport for Inside {
    fn send(&self, request: http::Request<Bytes>, _limit: Duration) -> Sending<'_> {
        let body = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
        let sent = (request.uri().path().to_owned(), body);
        self.requests.lock().unwrap().push(sent);
        Box::pin(async move { Ok(self.service.call(request).await) })
    }
}

async fn started(client: &Client) -> Plan {
    let template = client
        .find_plan("p", "T", PlanKind::Template)
        .await
        .unwrap();
    let start = StartPlan {
        project: template.project,
        template: template.id,
        title: "many".to_owned(),
        batch: "many".to_owned(),
        planned: None,
        linked: Vec::new(),
        tests: None,
        discovery: None,
        origin: testplan::model::PlanOrigin::default(),
    };
    client.execute_plan(&start).await.unwrap()
}

/// A service with a started plan, whose tests have run before.
struct World {
    folder: tempfile::TempDir,
    service: Service,
    client: Client,
    plan: Plan,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl World {
    async fn with_tests(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.sqlite");
        let opened = SqliteStore::open(&file, Durability::Normal, Rules::default(), wall());
        let (store, _) = opened.unwrap();
        let executions = (0..count).map(|number| PlannedTest {
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
        let clock = Arc::new(ServiceClock::starting_at(wall()));
        let store = Arc::new(store) as Arc<dyn Store>;
        let service = Service::new(store, clock, Access::InProcess, Limits::default());
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let transport = Arc::new(Inside {
            service: service.in_process(),
            requests: Arc::clone(&requests),
        });
        let endpoint = Endpoint::parse("http://localhost", false).unwrap();
        let client = Client::new(transport, endpoint, None, Patience::default()).unwrap();
        let plan = started(&client).await;
        assert_eq!(client.service_kind(), ServiceKind::Testplan);
        let mut world = Self {
            folder,
            service,
            client,
            plan,
            requests,
        };
        // From now on the service predicts how long each takes, and hands out as many as are wanted.
        let most = u32::try_from(count).unwrap();
        let runner = Scripted::new(
            most,
            |work, _| async move { work.iter().map(passed).collect() },
        );
        let with = With {
            name: "before",
            ..With::default()
        };
        world.run(runner, with).await;
        world.plan = started(&world.client).await;
        world
    }

    /// Works on the plan with these sessions.
    async fn run(&self, runner: Arc<dyn Runner>, with: With) -> RunSummary {
        let everything = Capabilities::default();
        let status = self.client.status(self.plan.id, &everything).await.unwrap();
        self.requests.lock().unwrap().clear();
        let order = WorkOrder {
            checkout: None,
            discovery: None,
            policy: None,
            client: self.client.clone(),
            plan: self.plan.clone(),
            clock_ahead_ms: None,
            status,
            planned: None,
            settings: Arc::new(WorkerSettings {
                offered: everything,
                lease: with.lease,
                allocate_server: false,
                runner,
                out: self.folder.path().to_owned(),
                upload: None,
                alone: with.alone,
            }),
            workers: with.workers,
            deadline: with.deadline,
            grace: Duration::from_secs(600),
            lease_files: None,
            records: self.folder.path().join("records"),
            name: with.name.to_owned(),
        };
        let (mut signals, mut observer) = (Signals::noop(), Deaf);
        let running = testplan::run::work(order, &mut signals, &mut observer);
        let summary = tokio::time::timeout(Duration::from_secs(60), running).await;
        summary.expect("the run hangs").unwrap()
    }

    /// The bodies of the requests whose path has this part.
    fn bodies(&self, part: &str) -> Vec<Value> {
        let requests = self.requests.lock().unwrap();
        let matching = requests.iter().filter(|(path, _)| path.contains(part));
        matching.map(|(_, body)| body.clone()).collect()
    }

    fn count(&self, part: &str) -> usize {
        self.bodies(part).len()
    }

    /// How many executions are open, reserved and done.
    async fn counts(&self) -> (u64, u64, u64) {
        let everything = Capabilities::default();
        let status = self.client.status(self.plan.id, &everything).await.unwrap();
        (status.open, status.reserved, status.done)
    }

    async fn close(self) {
        self.service.close().await.unwrap();
    }
}

struct With {
    name: &'static str,
    workers: usize,
    lease: Duration,
    deadline: Option<Duration>,
    alone: bool,
}

impl Default for With {
    fn default() -> Self {
        Self {
            name: "many",
            workers: 1,
            lease: Duration::from_secs(60),
            deadline: None,
            alone: false,
        }
    }
}

struct Deaf;

impl Observer for Deaf {
    fn observe(&mut self, _: &ProgressEvent) {}
}

const LIST_OF_RESULTS: &str = "/finished";
const LIST_OF_HEARTBEATS: &str = "/heartbeat";

/// What is sent for one execution has its number behind a slash.
fn single(call: &str) -> String {
    format!("/execution/v1/{call}/")
}

#[tokio::test(flavor = "multi_thread")]
async fn executions_that_come_and_end_together_cost_one_call_each() {
    let world = World::with_tests(64).await;
    let runner = Scripted::new(16, |work, _| async move {
        let mut events: Vec<_> = work.iter().map(passed).collect();
        let last = events.pop();
        events.push(SessionEvent::StartCost(Duration::from_millis(1234)));
        events.extend(last);
        events
    });
    let summary = world.run(runner, With::default()).await;
    assert_eq!((summary.tally.passed, summary.tally.lost), (64, 0));
    assert_eq!(world.counts().await, (0, 0, 64));
    // Four that hand out sixteen; one that finds nothing, and one that waits where the last results are on their way.
    let reservations = world.count(&single("reserve"));
    assert!((5..=6).contains(&reservations), "{reservations}");
    let results = world.bodies(LIST_OF_RESULTS);
    assert_eq!(results.len(), 4, "{results:?}");
    for list in &results {
        assert_eq!(list["start_ms"], 1234);
        assert_eq!(list["entries"].as_array().unwrap().len(), 16);
    }
    assert_eq!(world.count(&single("finished")), 0);
    assert_eq!(world.count("heartbeat"), 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_execution_at_a_time_costs_the_single_calls() {
    let world = World::with_tests(6).await;
    let runner = Scripted {
        wanted: BatchOptions::one(),
        run: Arc::new(|work, _| async move { work.iter().map(passed).collect() }.boxed()),
    };
    let summary = world.run(Arc::new(runner), With::default()).await;
    assert_eq!(summary.tally.passed, 6);
    assert_eq!(world.count(&single("finished")), 6);
    assert_eq!(world.count(LIST_OF_RESULTS), 6, "and no list");
    assert!(
        world
            .bodies(&single("reserve"))
            .iter()
            .all(|body| body.get("max").is_none())
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_of_a_worker_are_renewed_by_one_call() {
    let world = World::with_tests(20).await;
    let runner = Scripted::new(20, |work, _| async move {
        tokio::time::sleep(Duration::from_millis(2500)).await;
        work.iter().map(passed).collect()
    });
    let with = With {
        lease: Duration::from_secs(3),
        ..With::default()
    };
    let summary = world.run(runner, with).await;
    assert_eq!(summary.tally.passed, 20);
    // A beat comes about every second.
    let beats = world.bodies(LIST_OF_HEARTBEATS);
    assert!((1..=3).contains(&beats.len()), "{beats:?}");
    for list in beats {
        assert_eq!(list["entries"].as_array().unwrap().len(), 20);
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_heartbeat_costs_its_execution_alone() {
    let world = World::with_tests(8).await;
    let stranger = world.client.clone();
    let runner = Scripted::new(8, move |work, _| {
        let stranger = stranger.clone();
        async move {
            if work.len() < 8 {
                return work.iter().map(passed).collect();
            }
            let Granted {
                execution, lease, ..
            } = &*work[3].granted;
            stranger.release(*execution, lease.as_ref()).await.unwrap();
            let lost = work[3].lease.lost().await;
            assert!(!lost.is_empty());
            let mut events = Vec::new();
            for item in &work {
                let is_lost = item.granted.execution == *execution;
                assert_eq!(item.lease.loss().is_some(), is_lost);
                events.push(if is_lost {
                    ended(item, attempt(Outcome::LeaseLost))
                } else {
                    passed(item)
                });
            }
            events
        }
    });
    let with = With {
        lease: Duration::from_secs(6),
        ..With::default()
    };
    let summary = world.run(runner, with).await;
    assert_eq!((summary.tally.passed, summary.tally.lost), (8, 1));
    assert_eq!(world.counts().await, (0, 0, 8));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn released_executions_run_elsewhere_and_those_to_run_alone_by_themselves() {
    let world = World::with_tests(12).await;
    let groups = Arc::<Mutex<Vec<Vec<ExecutionId>>>>::default();
    let seen = Arc::clone(&groups);
    let runner = Scripted::new(12, move |work, _| {
        let ids = work.iter().map(|item| item.granted.execution);
        let mut groups = seen.lock().unwrap();
        let is_first = groups.is_empty();
        groups.push(ids.collect());
        async move {
            let end = |(at, item): (usize, &WorkItem)| match at {
                0..=1 => passed(item),
                2 if is_first => ended(item, released(true)),
                _ if is_first => ended(item, released(false)),
                _ => passed(item),
            };
            work.iter().enumerate().map(end).collect()
        }
    });
    let summary = world.run(runner, With::default()).await;
    assert_eq!((summary.tally.passed, summary.tally.lost), (12, 0));
    let releases = world.bodies(LIST_OF_HEARTBEATS);
    assert_eq!(releases.len(), 1, "{releases:?}");
    let entries = releases[0]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 10);
    let alone = entries.iter().filter(|entry| entry["alone"] == true);
    assert_eq!(alone.count(), 1);
    let groups = groups.lock().unwrap().clone();
    let suspect = groups[0][2];
    assert!(groups[1..].contains(&vec![suspect]), "{groups:?}");
    world.close().await;
}

fn released(alone: bool) -> Attempt {
    Attempt {
        disposition: Disposition::Release {
            reason: "the process ended before it".to_owned(),
            pause: None,
            alone,
        },
        ..attempt(Outcome::Cancelled)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_a_stopped_worker_holds_is_released() {
    let world = World::with_tests(30).await;
    let runner = Scripted::new(20, |work, mut phase| async move {
        let _ = phase.wait_for(|now| *now > Phase::Working).await;
        let cancelled = |item| ended(item, attempt(Outcome::Cancelled));
        work.iter().map(cancelled).collect()
    });
    let with = With {
        deadline: Some(Duration::from_millis(700)),
        ..With::default()
    };
    let summary = world.run(runner, with).await;
    assert_eq!(summary.tally.passed, 0);
    assert_eq!(world.counts().await, (30, 0, 0));
    assert_eq!(world.count(LIST_OF_HEARTBEATS), 1);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_start_of_many_counts_once() {
    let world = World::with_tests(40).await;
    let tries = Arc::<Mutex<usize>>::default();
    let counted = Arc::clone(&tries);
    let runner = Scripted::new(10, move |work, _| {
        *counted.lock().unwrap() += 1;
        async move {
            let attempt = || Attempt {
                disposition: Disposition::NotStarted {
                    reason: "no such program".to_owned(),
                },
                ..attempt(Outcome::Cancelled)
            };
            work.iter().map(|item| ended(item, attempt())).collect()
        }
    });
    let summary = world.run(runner, With::default()).await;
    assert_eq!(
        *tries.lock().unwrap(),
        3,
        "the third failed start is the last"
    );
    let told = summary.ending.to_string();
    assert!(told.contains("no such program"), "{told}");
    assert_eq!(world.counts().await, (40, 0, 0));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_workers_share_a_plan_without_running_anything_twice() {
    let world = World::with_tests(300).await;
    let runs = Arc::<Mutex<BTreeMap<ExecutionId, usize>>>::default();
    let counted = Arc::clone(&runs);
    let runner = Scripted::new(25, move |work, _| {
        let counted = Arc::clone(&counted);
        async move {
            for item in &work {
                *counted
                    .lock()
                    .unwrap()
                    .entry(item.granted.execution)
                    .or_default() += 1;
            }
            work.iter().map(passed).collect()
        }
    });
    let with = With {
        workers: 4,
        ..With::default()
    };
    let summary = world.run(runner, with).await;
    assert_eq!(summary.tally.passed, 300);
    let runs = runs.lock().unwrap().clone();
    let times: BTreeSet<usize> = runs.values().copied().collect();
    assert_eq!((runs.len(), times), (300, [1].into()));
    world.close().await;
}
