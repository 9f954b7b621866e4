//! The SQLite store with the vendor's example data, which tests hold at named points, break, and read the calls of.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use testplan::{
    fs::DiskFault,
    model::{
        Capabilities, Capability, Execution, ExecutionId, ExecutionState, LeaseToken,
        NewSquishServer, Plan, PlanId, PlanStatus, PlannedTest, SquishServer, SquishServerChange,
        SquishServerId, Test, TestId, Timestamp,
    },
    store::{
        Action, CancelPlan, CancelledPlan, ChangeListener, ChangedExecutions, Changes, Deadline,
        EntryAnswers, Event, ExecutePlan, ExecutionFilter, ExecutionHistory, Finish, FinishList,
        Heartbeat, Import, KnownTest, NewAction, NewImport, Page, PageStore, PlanDemand,
        PlanDetail, PlanOverview, PlanQuery, PlanRun, PlanRunQuery, PlanTests, RemainingWork,
        Reply, Reservation, Reserve, Reset, Revoke, Rules, RunCell, RunningExecution, Store,
        StoreError, TemplateDefinition, TemplateDifference, TestRuns, WorkerResults,
        sqlite::{Durability, SqliteStore},
    },
};
use tokio::sync::watch;

use super::support::{clock, soon};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoreFault {
    Broken,
    Busy,
    Panic,
}

/// Calls pass two points each: `reserve` before the store is asked, `reserve answered` afterwards.
#[derive(Debug)]
pub(super) struct HeldStore {
    store: SqliteStore,
    trace: watch::Sender<Vec<&'static str>>,
    held: watch::Sender<HashSet<&'static str>>,
    fault: Mutex<Option<StoreFault>>,
    accepted: Mutex<Accepted>,
    /// The newest lease of each execution.
    leases: Mutex<HashMap<ExecutionId, LeaseToken>>,
    /// Whether changes go unnoticed.
    is_silent: Arc<AtomicBool>,
    /// Passes changes on, for as long as the store lives.
    filters: Mutex<Vec<Arc<ListenerFilter>>>,
    /// Whether it knows which requests are the first under their key, as the store in it does.
    knows_keys: AtomicBool,
    /// Unknown ids stand for plan 105 and its executions.
    any_id: bool,
    _folder: tempfile::TempDir,
}

/// The requests that the store accepted.
#[derive(Debug, Default)]
struct Accepted {
    started: Vec<ExecutePlan>,
    reserved: Vec<Reserve>,
    finished: Vec<Finish>,
}

const PRINCIPAL: &str = "ci";

fn labels(pairs: &[(&str, &str)]) -> Capabilities {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| Capability::new(*key, *value))
        .collect()
}

fn open(file: &std::path::Path) -> SqliteStore {
    let opened = SqliteStore::open(file, Durability::Normal, Rules::default(), Timestamp(0));
    opened.unwrap().0
}

/// The file that each test gets a copy of: template 64, Squish servers 1 and 2; the next plan is 105, its executions
/// are 3339 and 3340, and their test is 508832.
async fn seeded_file() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(bytes) = FILE.get() {
        return bytes;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    open(&file).close().await.unwrap();
    let number = |sql: &str| {
        let db = rusqlite::Connection::open(&file).unwrap();
        db.execute_batch(sql).unwrap();
    };
    number(
        "INSERT INTO sqlite_sequence (name, seq) VALUES ('plans', 63);
         INSERT INTO tests (id, project, suite, testcase)
           VALUES (508832, 'MyProject', 'suite_example', 'tst_example');
         INSERT INTO executions (id, plan, test, label_set, expected_ms, state)
           VALUES (3338, 0, 508832, 0, 0, 2);",
    );
    let store = open(&file);
    let now = clock().now();
    let needs = [
        labels(&[("OS", "Linux"), ("browser", "chrome")]),
        labels(&[("OS", "Windows")]),
    ];
    let executions = needs.map(|required| PlannedTest {
        test: Test {
            suite: "suite_example".into(),
            testcase: "tst_example".into(),
        },
        required,
    });
    let template = TemplateDefinition {
        project: "MyProject".into(),
        title: "CI-Tests-master".into(),
        description: String::new(),
        tags: Vec::new(),
        executions: executions.into(),
    };
    assert_eq!(
        store.publish(vec![template], now).await.unwrap(),
        [PlanId(64)]
    );
    for (host, port, enabled, offers) in [
        (
            "127.0.0.1",
            "4322",
            true,
            [("OS", "Linux"), ("browser", "Chrome")],
        ),
        (
            "192.168.1.100",
            "4323",
            false,
            [("OS", "Windows"), ("browser", "firefox")],
        ),
    ] {
        let server = NewSquishServer {
            host: Some(host.into()),
            port: port.parse().unwrap(),
            enabled,
            labels: labels(&offers),
        };
        store.add_squish_server(server, now).await.unwrap();
    }
    store.close().await.unwrap();
    number("UPDATE sqlite_sequence SET seq = 104 WHERE name = 'plans'");
    let bytes = std::fs::read(&file).unwrap();
    FILE.get_or_init(|| bytes)
}

impl HeldStore {
    /// The data of the vendor's page: template 64, no plan, Squish servers 1 and 2.
    pub(super) async fn of_the_page() -> Arc<Self> {
        Arc::new(Self::seeded().await)
    }

    /// With plan 105 started: execution 3339 requires Linux and chrome, 3340 Windows.
    pub(super) async fn with_plan() -> Arc<Self> {
        Arc::new(Self::started().await)
    }

    /// The same where every unknown id means this plan and its executions.
    pub(super) async fn with_any_id() -> Arc<Self> {
        Arc::new(Self {
            any_id: true,
            ..Self::started().await
        })
    }

    /// With the plan, and execution 3339 reserved for an hour.
    pub(super) async fn with_reservation() -> Arc<Self> {
        Self::with_reservation_for(Duration::from_secs(3600)).await
    }

    pub(super) async fn with_reservation_for(lease: Duration) -> Arc<Self> {
        let store = Self::with_plan().await;
        store.take(3339, lease).await;
        store
    }

    async fn seeded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.db");
        std::fs::write(&file, seeded_file().await).unwrap();
        Self {
            store: open(&file),
            trace: watch::Sender::default(),
            held: watch::Sender::default(),
            fault: Mutex::default(),
            accepted: Mutex::default(),
            leases: Mutex::default(),
            is_silent: Arc::default(),
            knows_keys: AtomicBool::new(false),
            filters: Mutex::default(),
            any_id: false,
            _folder: folder,
        }
    }

    async fn started() -> Self {
        let store = Self::seeded().await;
        let plan = ExecutePlan {
            template: PlanId(64),
            title: "Nightly Regression Run".into(),
            batch: "Nightly_Tests_2025".into(),
            planned: None,
            repositories: Vec::new(),
            tests: None,
            discovery: None,
            origin: testplan::model::PlanOrigin::default(),
            principal: PRINCIPAL.into(),
            key: None,
        };
        store.store.execute_plan(plan, clock().now()).await.unwrap();
        store
    }

    /// Reserves an execution as another worker would.
    pub(super) async fn take(&self, execution: i64, lease: Duration) {
        let offered = match execution {
            3339 => labels(&[("OS", "Linux"), ("browser", "chrome")]),
            _ => labels(&[("OS", "Windows")]),
        };
        let request = Reserve {
            plan: PlanId(105),
            offered,
            timeout: lease,
            allocate_server: false,
            principal: PRINCIPAL.into(),
            worker: None,
            key: None,
            batch: None,
        };
        let reservation = self.store.reserve(request, clock().now()).await.unwrap();
        self.keep_lease(&reservation);
        assert!(
            matches!(&reservation, Reservation::Granted(it) if it.execution.0 == execution),
            "{reservation:?}"
        );
    }

    fn keep_lease(&self, reservation: &Reservation) {
        if let Reservation::Granted(granted) = reservation {
            let mut leases = self.leases.lock().unwrap();
            leases.insert(granted.execution, granted.lease.clone());
        }
    }

    /// Brings an execution into a state as another worker would, without passing any point.
    pub(super) async fn set(&self, execution: i64, state: ExecutionState) {
        let execution = ExecutionId(execution);
        let all = self
            .store
            .executions(PlanId(105), None, 0, 10, clock().now());
        let all = all.await.unwrap().items;
        let before = all.iter().find(|it| it.id == execution).unwrap().state;
        match (before, state) {
            (ExecutionState::Reserved, ExecutionState::Open) => {
                let release = Heartbeat {
                    execution,
                    timeout: Duration::from_secs(1),
                    lease: self.leases.lock().unwrap().get(&execution).cloned(),
                    alone: false,
                    not_started: None,
                    release: true,
                    server_trouble: None,
                    principal: PRINCIPAL.into(),
                };
                self.store.heartbeat(release, clock().now()).await.unwrap();
            }
            (ExecutionState::Open | ExecutionState::Reserved, ExecutionState::Done) => {
                if before == ExecutionState::Open {
                    self.take(execution.0, Duration::from_secs(3600)).await;
                }
                let finish = Finish {
                    execution,
                    lease: None,
                    message: String::new(),
                    details: String::new(),
                    result: None,
                    server_trouble: None,
                    principal: PRINCIPAL.into(),
                    failure: String::new(),
                };
                self.store.finish(finish, clock().now()).await.unwrap();
            }
            _ => assert_eq!(before, state, "no test needs this change"),
        }
    }

    /// From now on it knows which requests are the first under their key.
    pub(super) fn know_keys(&self) {
        self.knows_keys.store(true, Ordering::SeqCst);
    }

    /// From now on changes happen without notice.
    pub(super) fn notify_of_nothing(&self) {
        self.is_silent.store(true, Ordering::SeqCst);
    }

    pub(super) fn started_plans(&self) -> Vec<ExecutePlan> {
        self.accepted.lock().unwrap().started.clone()
    }

    pub(super) fn reserved(&self) -> Vec<Reserve> {
        self.accepted.lock().unwrap().reserved.clone()
    }

    pub(super) fn finished(&self) -> Vec<Finish> {
        self.accepted.lock().unwrap().finished.clone()
    }

    /// All calls fail so; `None` for none.
    pub(super) fn fail(&self, fault: Option<StoreFault>) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Calls stop at a point from now on.
    pub(super) fn hold(&self, point: &'static str) {
        self.held.send_modify(|held| _ = held.insert(point));
    }

    pub(super) fn release(&self, point: &'static str) {
        self.held.send_modify(|held| _ = held.remove(point));
    }

    /// Waits until calls came by a point `times` times in all.
    pub(super) async fn reached(&self, point: &str, times: usize) {
        let came = |trace: &Vec<&str>| trace.iter().filter(|name| **name == point).count();
        let mut trace = self.trace.subscribe();
        soon(trace.wait_for(|trace| came(trace) >= times))
            .await
            .unwrap();
    }

    /// The points that calls came by.
    pub(super) fn trace(&self) -> Vec<&'static str> {
        self.trace.borrow().clone()
    }

    async fn pass(&self, point: &'static str) {
        self.trace.send_modify(|trace| trace.push(point));
        let mut held = self.held.subscribe();
        held.wait_for(|held| !held.contains(point)).await.unwrap();
    }

    fn call<'a, T: Send + 'a>(
        &'a self,
        points: [&'static str; 2],
        call: impl FnOnce(&'a SqliteStore) -> Reply<'a, T> + Send + 'a,
    ) -> Reply<'a, T> {
        Box::pin(async move {
            self.pass(points[0]).await;
            let fault = *self.fault.lock().unwrap();
            match fault {
                Some(StoreFault::Broken) => return Err(StoreError::Broken("disk on fire".into())),
                Some(StoreFault::Busy) => return Err(StoreError::Busy),
                Some(StoreFault::Panic) => panic!("the test asked for a panic"),
                None => {}
            }
            let answer = call(&self.store).await;
            self.pass(points[1]).await;
            answer
        })
    }

    fn plan_id(&self, id: PlanId) -> PlanId {
        let is_known = !self.any_id || [64, 105].contains(&id.0);
        if is_known { id } else { PlanId(105) }
    }

    fn execution_id(&self, id: ExecutionId) -> ExecutionId {
        let is_known = !self.any_id || [3339, 3340].contains(&id.0);
        if is_known {
            id
        } else {
            ExecutionId(3339 + (id.0 & 1))
        }
    }
}

/// A listener that may be deaf.
#[derive(Debug)]
struct ListenerFilter {
    is_silent: Arc<AtomicBool>,
    listener: Weak<dyn ChangeListener>,
}

impl ChangeListener for ListenerFilter {
    fn changed(&self, changes: &Changes) {
        if let Some(listener) = self.listener.upgrade()
            && !self.is_silent.load(Ordering::SeqCst)
        {
            listener.changed(changes);
        }
    }
}

/// Methods that are passed on between the two points of their name.
macro_rules! pass_on {
    ($($method:ident($($name:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(fn $method(&self, $($name: $type),*) -> Reply<'_, $answer> {
            let points = [stringify!($method), concat!(stringify!($method), " answered")];
            self.call(points, move |store| store.$method($($name),*))
        })*
    };
}

/// The same for a plan by its id, and what else there is.
macro_rules! pass_on_for_plan {
    ($($method:ident($($name:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(fn $method(&self, plan: PlanId, $($name: $type),*) -> Reply<'_, $answer> {
            let points = [stringify!($method), concat!(stringify!($method), " answered")];
            let plan = self.plan_id(plan);
            self.call(points, move |store| store.$method(plan, $($name),*))
        })*
    };
}

/// Methods that go to the store at once.
macro_rules! forward {
    ($($method:ident($($name:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(fn $method(&self, $($name: $type),*) -> Reply<'_, $answer> {
            self.store.$method($($name),*)
        })*
    };
}

/// Reads for pages are not held.
impl PageStore for HeldStore {
    forward! {
        recent_plans(before: Option<PlanId>, limit: u32, now: Timestamp) -> Page<PlanOverview>;
        plan_detail(plan: PlanId, now: Timestamp) -> PlanDetail;
        running(plan: PlanId, limit: u32, now: Timestamp) -> Vec<RunningExecution>;
        filtered_executions(plan: PlanId, filter: ExecutionFilter, after: i64, limit: u32, now: Timestamp)
            -> Page<Execution>;
        execution_history(plan: PlanId, execution: ExecutionId, limit: u32, now: Timestamp)
            -> ExecutionHistory;
        notable_events(plan: PlanId, limit: u32, now: Timestamp) -> Vec<Event>;
        changed_executions(plan: PlanId, after: i64, limit: u32, now: Timestamp)
            -> ChangedExecutions;
        remaining_work(plan: PlanId, limits: (u32, u32), now: Timestamp) -> RemainingWork;
        worker_results(plan: PlanId, limit: u32, now: Timestamp) -> Vec<WorkerResults>;
        test_runs(test: TestId, before: Option<ExecutionId>, limit: u32, now: Timestamp) -> TestRuns;
        test_names(tests: Vec<TestId>) -> Vec<KnownTest>;
        plan_run(plan: PlanId) -> PlanRun;
        plan_runs(query: PlanRunQuery, limit: u32) -> Vec<PlanRun>;
        branches(template: PlanId, limit: u32) -> Vec<PlanRun>;
        templates(limit: u32) -> Vec<Plan>;
        worker_jobs(plan: PlanId, limit: u32) -> Vec<(String, String)>;
        run_cells(plan: PlanId, limit: u32, now: Timestamp) -> Vec<RunCell>;
        label_sets(sets: Vec<i64>) -> Vec<Capabilities>;
        actions(before: Option<i64>, limit: u32, now: Timestamp) -> Page<Action>;
    }
}

impl Store for HeldStore {
    fn disk_fault(&self) -> Option<DiskFault> {
        self.store.disk_fault()
    }

    pass_on! {
        publish(templates: Vec<TemplateDefinition>, now: Timestamp) -> Vec<PlanId>;
        publish_templates(templates: Vec<TemplateDefinition>, dry_run: bool, now: Timestamp)
            -> Vec<TemplateDifference>;
        register_servers(servers: Vec<NewSquishServer>, now: Timestamp) -> ();
        record_action(action: NewAction, now: Timestamp) -> ();
        find_plan(query: PlanQuery, now: Timestamp) -> Plan;
        import(import: NewImport, now: Timestamp) -> Import;
        imports(project: Option<String>, batch: Option<String>, after: i64, limit: u32)
            -> Page<Import>;
        squish_servers(now: Timestamp) -> Vec<SquishServer>;
        add_squish_server(server: NewSquishServer, now: Timestamp) -> SquishServer;
        change_squish_server(id: SquishServerId, change: SquishServerChange, now: Timestamp)
            -> SquishServer;
        remove_squish_server(id: SquishServerId, now: Timestamp) -> ();
        sweep(now: Timestamp) -> ();
        compensate(since: Timestamp, span: Duration, now: Timestamp) -> ();
        close() -> ();
    }

    pass_on_for_plan! {
        note_worker_job(worker: String, url: String, now: Timestamp) -> ();
        plan(now: Timestamp) -> Plan;
        plan_tests(now: Timestamp) -> PlanTests;
        status(filter: Capabilities, now: Timestamp) -> PlanStatus;
        demand(now: Timestamp) -> PlanDemand;
        executions(state: Option<ExecutionState>, after: i64, limit: u32, now: Timestamp)
            -> Page<Execution>;
        events(after: i64, limit: u32, now: Timestamp) -> Page<Event>;
        next_deadline(now: Timestamp) -> Option<Deadline>;
        heartbeat_many(entries: Vec<Heartbeat>, now: Timestamp) -> EntryAnswers;
        finish_many(list: FinishList, now: Timestamp) -> EntryAnswers;
        reset_many(entries: Vec<Reset>, now: Timestamp) -> EntryAnswers;
    }

    fn execute_plan(&self, mut request: ExecutePlan, now: Timestamp) -> Reply<'_, Plan> {
        request.template = self.plan_id(request.template);
        let asked = request.clone();
        Box::pin(async move {
            let points = ["execute_plan", "execute_plan answered"];
            let answer = self.call(points, move |store| store.execute_plan(request, now));
            let plan = answer.await?;
            self.accepted.lock().unwrap().started.push(asked);
            Ok(plan)
        })
    }

    fn reserve(&self, mut request: Reserve, now: Timestamp) -> Reply<'_, Reservation> {
        request.plan = self.plan_id(request.plan);
        let asked = request.clone();
        Box::pin(async move {
            let points = ["reserve", "reserve answered"];
            let answer = self.call(points, move |store| store.reserve(request, now));
            let reservation = answer.await?;
            self.keep_lease(&reservation);
            if matches!(reservation, Reservation::Granted(_)) {
                self.accepted.lock().unwrap().reserved.push(asked);
            }
            Ok(reservation)
        })
    }

    fn is_first(&self, request: &Reserve) -> bool {
        self.trace.send_modify(|trace| trace.push("is_first"));
        self.knows_keys.load(Ordering::SeqCst) && self.store.is_first(request)
    }

    fn heartbeat(&self, mut request: Heartbeat, now: Timestamp) -> Reply<'_, ()> {
        request.execution = self.execution_id(request.execution);
        let points = ["heartbeat", "heartbeat answered"];
        self.call(points, move |store| store.heartbeat(request, now))
    }

    fn finish(&self, mut request: Finish, now: Timestamp) -> Reply<'_, ()> {
        request.execution = self.execution_id(request.execution);
        let points = ["finish", "finish answered"];
        self.call(points, move |store| {
            let asked = request.clone();
            Box::pin(async move {
                store.finish(request, now).await?;
                self.accepted.lock().unwrap().finished.push(asked);
                Ok(())
            })
        })
    }

    fn reset(&self, mut request: Reset, now: Timestamp) -> Reply<'_, ()> {
        request.execution = self.execution_id(request.execution);
        self.call(["reset", "reset answered"], move |store| {
            store.reset(request, now)
        })
    }

    fn cancel(&self, mut request: CancelPlan, now: Timestamp) -> Reply<'_, CancelledPlan> {
        request.plan = self.plan_id(request.plan);
        self.call(["cancel", "cancel answered"], move |store| {
            store.cancel(request, now)
        })
    }

    fn revoke(&self, mut request: Revoke, now: Timestamp) -> Reply<'_, ()> {
        request.plan = self.plan_id(request.plan);
        request.execution = self.execution_id(request.execution);
        self.call(["revoke", "revoke answered"], move |store| {
            store.revoke(request, now)
        })
    }

    fn listen(&self, listener: Weak<dyn ChangeListener>) {
        let filter = Arc::new(ListenerFilter {
            is_silent: Arc::clone(&self.is_silent),
            listener,
        });
        let filtered: Weak<ListenerFilter> = Arc::downgrade(&filter);
        self.store.listen(filtered);
        self.filters.lock().unwrap().push(filter);
    }
}
