//! A store with a clock in the hand, and short words for what tests do with it.

use std::{
    any::Any,
    cell::Cell,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use testplan::{
    model::{
        Capabilities, Capability, Execution, ExecutionId, LeaseToken, NewSquishServer, Plan,
        PlanId, PlanOrigin, PlanStatus, Port, SquishServer, Test, TestResult, TestVerdict,
        Timestamp,
    },
    store::{
        ExecutePlan, Finish, Granted, Heartbeat, NewImport, PlannedTest, RefusalCode, Reservation,
        Reserve, Reset, Rules, Store, StoreError, TemplateDefinition,
        postgres::{PostgresStore, Target},
        sqlite::{Durability, LossPolicy, SqliteStore},
    },
};

/// A store of its own for one test, with what keeps its place.
pub(crate) struct Fresh {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) _place: Box<dyn Any>,
}

/// When tests begin.
pub(crate) const START: Timestamp = Timestamp(1_800_000_000_000);

/// A SQLite store in a folder of its own.
pub(crate) fn on_sqlite(rules: Rules) -> Fresh {
    let place = tempfile::tempdir().unwrap();
    Fresh {
        store: Arc::new(open_without_mark(
            &place.path().join("store.db"),
            rules,
            START,
        )),
        _place: Box::new(place),
    }
}

/// Opens a file; without fsync of commits, for speed.
pub(crate) fn open(path: &Path, rules: Rules, now: Timestamp) -> SqliteStore {
    loop {
        match SqliteStore::open(path, Durability::Normal, rules, now) {
            Ok((store, _)) => return store,
            // Another test forked while a store here was open: its child holds the lock until it runs its program.
            Err(error) if error.to_string().contains("has it open") => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// The same without a mark, which is brought to the disk once: for tests that open thousands.
pub(crate) fn open_without_mark(path: &Path, rules: Rules, now: Timestamp) -> SqliteStore {
    SqliteStore::open_with(path, Durability::Normal, rules, now, LossPolicy::Ignore)
        .unwrap()
        .0
}

/// `OS=Linux browser=chrome` as a set.
pub(crate) fn caps(text: &str) -> Capabilities {
    text.split_whitespace()
        .map(|text| {
            // Not parsed: some tests send what no flag would let in.
            let (key, value) = text.split_once('=').unwrap();
            Capability::new(key, value)
        })
        .collect()
}

/// Executions named t1, t2, … with these labels each.
pub(crate) fn template(title: &str, labels: &[&str]) -> TemplateDefinition {
    let executions = labels
        .iter()
        .enumerate()
        .map(|(index, labels)| PlannedTest {
            test: Test {
                suite: "suite".to_owned(),
                testcase: format!("t{}", index + 1),
            },
            required: caps(labels),
        });
    TemplateDefinition {
        project: "project".to_owned(),
        title: title.to_owned(),
        description: "about".to_owned(),
        tags: vec!["tag".to_owned()],
        executions: executions.collect(),
    }
}

/// A verdict that took a while, as a result carries it.
#[expect(clippy::unnecessary_wraps, reason = "a result may also carry none")]
pub(crate) fn said(verdict: TestVerdict, duration_ms: u64) -> Option<TestResult> {
    Some(TestResult {
        verdict,
        duration_ms,
        flaky: false,
    })
}

/// The number of a refusal; anything else fails the test.
pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> RefusalCode {
    match answer {
        Err(StoreError::Refused(refusal)) => refusal.code,
        other => panic!("not refused: {other:?}"),
    }
}

/// A plain request for a plan.
pub(crate) fn request_for(template: PlanId) -> ExecutePlan {
    ExecutePlan {
        template,
        title: "plan".to_owned(),
        batch: "batch".to_owned(),
        planned: None,
        repositories: vec![],
        tests: None,
        discovery: None,
        origin: PlanOrigin::default(),
        principal: "alice".to_owned(),
        key: None,
    }
}

/// A result by the holder; change it before it is sent.
pub(crate) fn result_of(of: &Granted, result: Option<TestResult>) -> Finish {
    Finish {
        execution: of.execution,
        lease: Some(of.lease.clone()),
        message: String::new(),
        details: String::new(),
        result,
        server_trouble: None,
        principal: "alice".to_owned(),
        failure: String::new(),
    }
}

/// An upload to the batch of all plans that says nothing yet; change it before it is sent. No two have one folder.
pub(crate) fn upload(folder: &str) -> NewImport {
    NewImport {
        project: "project".to_owned(),
        batch: "batch".to_owned(),
        is_new_batch: false,
        labels: Capabilities::default(),
        folder: folder.to_owned(),
        files: vec![],
        cases: 0,
        tests: vec![],
        key: None,
        principal: "alice".to_owned(),
    }
}

/// A store, the time, and a started plan.
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) plan: PlanId,
    pub(crate) now: Cell<Timestamp>,
    _fresh: Fresh,
}

impl World {
    /// A plan with one execution per entry of `labels`.
    pub(crate) async fn new(make: fn(Rules) -> Fresh, labels: &[&str]) -> Self {
        Self::with(make, Rules::default(), labels).await
    }

    pub(crate) async fn with(make: fn(Rules) -> Fresh, rules: Rules, labels: &[&str]) -> Self {
        let fresh = make(rules);
        let mut world = Self {
            store: Arc::clone(&fresh.store),
            plan: PlanId(0),
            now: Cell::new(START),
            _fresh: fresh,
        };
        world.plan = world.start("template", labels).await.id;
        world
    }

    /// Publishes a template and starts a plan from it.
    pub(crate) async fn start(&self, title: &str, labels: &[&str]) -> Plan {
        let ids = self
            .store
            .publish(vec![template(title, labels)], self.now())
            .await
            .unwrap();
        self.execute(request_for(ids[0])).await.unwrap()
    }

    pub(crate) async fn execute(&self, request: ExecutePlan) -> Result<Plan, StoreError> {
        self.store.execute_plan(request, self.now()).await
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now.get()
    }

    pub(crate) fn pass(&self, ms: u64) {
        self.now.set(self.now().plus(Duration::from_millis(ms)));
    }

    /// A reservation for 10 s by a worker with `offered`.
    pub(crate) fn wish(&self, offered: &str) -> Reserve {
        Reserve {
            plan: self.plan,
            offered: caps(offered),
            timeout: Duration::from_secs(10),
            allocate_server: false,
            principal: "alice".to_owned(),
            worker: None,
            key: None,
            batch: None,
        }
    }

    pub(crate) async fn try_reserve(&self, wish: Reserve) -> Result<Reservation, StoreError> {
        self.store.reserve(wish, self.now()).await
    }

    /// Reserves what must be there.
    pub(crate) async fn reserve(&self, wish: Reserve) -> Granted {
        match self.try_reserve(wish).await.unwrap() {
            Reservation::Granted(granted) => *granted,
            other => panic!("nothing granted: {other:?}"),
        }
    }

    pub(crate) async fn take(&self) -> Granted {
        self.reserve(self.wish("OS=Linux")).await
    }

    /// Reserves the only execution of a further plan.
    pub(crate) async fn take_from_another_plan(&self) -> Granted {
        let plan = self.start("another", &[""]).await.id;
        self.reserve(Reserve {
            plan,
            ..self.wish("")
        })
        .await
    }

    pub(crate) async fn beat(&self, of: &Granted, ms: u64) -> Result<(), StoreError> {
        self.heartbeat(of.execution, Some(of.lease.clone()), ms, false)
            .await
    }

    pub(crate) async fn release(&self, of: &Granted) -> Result<(), StoreError> {
        self.heartbeat(of.execution, Some(of.lease.clone()), 1, true)
            .await
    }

    pub(crate) async fn heartbeat(
        &self,
        execution: ExecutionId,
        lease: Option<LeaseToken>,
        ms: u64,
        release: bool,
    ) -> Result<(), StoreError> {
        let beat = Heartbeat {
            execution,
            timeout: Duration::from_millis(ms),
            lease,
            alone: false,
            not_started: None,
            release,
            server_trouble: None,
            principal: "alice".to_owned(),
        };
        self.store.heartbeat(beat, self.now()).await
    }

    pub(crate) async fn finish(&self, finish: Finish) -> Result<(), StoreError> {
        self.store.finish(finish, self.now()).await
    }

    pub(crate) async fn pass_it(&self, of: &Granted) -> Result<(), StoreError> {
        self.finish(result_of(of, said(TestVerdict::Passed, 5)))
            .await
    }

    pub(crate) async fn fail_it(&self, of: &Granted) -> Result<(), StoreError> {
        self.finish(result_of(of, said(TestVerdict::Failed, 5)))
            .await
    }

    pub(crate) async fn reset(
        &self,
        execution: ExecutionId,
        generation: Option<u32>,
    ) -> Result<(), StoreError> {
        let request = Reset {
            execution,
            generation,
            principal: "alice".to_owned(),
        };
        self.store.reset(request, self.now()).await
    }

    /// Open, reserved, done.
    pub(crate) async fn counts(&self) -> (u64, u64, u64) {
        let PlanStatus {
            open,
            reserved,
            done,
        } = self
            .store
            .status(self.plan, Capabilities::default(), self.now())
            .await
            .unwrap();
        (open, reserved, done)
    }

    pub(crate) async fn executions(&self) -> Vec<Execution> {
        self.store
            .executions(self.plan, None, 0, 1_000, self.now())
            .await
            .unwrap()
            .items
    }

    /// The kinds of all events of the plan, in order.
    pub(crate) async fn history(&self) -> Vec<String> {
        let page = self.store.events(self.plan, 0, 1_000, self.now());
        page.await
            .unwrap()
            .items
            .into_iter()
            .map(|e| e.kind)
            .collect()
    }

    pub(crate) async fn squish_server(&self, port: u16, labels: &str) -> SquishServer {
        let new = NewSquishServer {
            host: Some("127.0.0.1".to_owned()),
            port: Port::new(port).unwrap(),
            enabled: true,
            labels: caps(labels),
        };
        self.store.add_squish_server(new, self.now()).await.unwrap()
    }

    /// A reservation that wants a Squish server.
    pub(crate) fn wish_with_server(&self) -> Reserve {
        Reserve {
            allocate_server: true,
            ..self.wish("OS=Linux")
        }
    }
}

/// Where the stores of one sequence of tests live.
pub(crate) trait Home {
    /// Opens all replicas.
    fn open(&self, rules: Rules, now: Timestamp) -> Vec<Arc<dyn Store>>;

    /// Whether the end of a lease is only noted in the history with a change of its plan, or by a sweep.
    fn expires_by_sweeps(&self) -> bool;
}

/// A file in a folder of its own.
pub(crate) struct SqliteHome(tempfile::TempDir);

impl Default for SqliteHome {
    fn default() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Home for SqliteHome {
    fn open(&self, rules: Rules, now: Timestamp) -> Vec<Arc<dyn Store>> {
        let path = self.0.path().join("store.db");
        vec![Arc::new(open_without_mark(&path, rules, now))]
    }

    fn expires_by_sweeps(&self) -> bool {
        false
    }
}

/// A schema of its own, and replicas on it.
pub(crate) struct PostgresHome {
    schema: Schema,
    replicas: usize,
}

impl PostgresHome {
    pub(crate) fn new(replicas: usize) -> Self {
        Self {
            schema: Schema::create(),
            replicas,
        }
    }
}

impl Home for PostgresHome {
    fn open(&self, rules: Rules, now: Timestamp) -> Vec<Arc<dyn Store>> {
        let open = |_| -> Arc<dyn Store> { Arc::new(self.schema.open(rules, now)) };
        (0..self.replicas).map(open).collect()
    }

    fn expires_by_sweeps(&self) -> bool {
        true
    }
}

/// A PostgreSQL store in a schema of its own.
pub(crate) fn on_postgres(rules: Rules) -> Fresh {
    let schema = Schema::create();
    let store = schema.open(rules, START);
    Fresh {
        store: Arc::new(store),
        _place: Box::new(schema),
    }
}

/// A schema of the database that `TESTPLAN_POSTGRES` names, dropped at the end.
pub(crate) struct Schema {
    name: String,
}

impl Schema {
    pub(crate) fn create() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("testplan_{}_{count}", std::process::id());
        run_sql(&format!("CREATE SCHEMA {name}"));
        Self { name }
    }

    pub(crate) fn target(&self) -> Target {
        self.target_at(&postgres_url())
    }

    fn target_at(&self, url: &str) -> Target {
        let join = if url.contains('?') { '&' } else { '?' };
        Target::parse(&format!(
            "{url}{join}options=-c%20search_path%3D{}",
            self.name
        ))
        .unwrap()
    }

    /// Opens a store, which is one replica.
    pub(crate) fn open(&self, rules: Rules, now: Timestamp) -> PostgresStore {
        let target = self.target();
        // It blocks, which a test's runtime does not allow.
        std::thread::spawn(move || PostgresStore::open_at(target, rules, now).unwrap().0)
            .join()
            .unwrap()
    }
}

impl Schema {
    /// Opens a store whose times are those of the database.
    pub(crate) fn open_by_its_clock(&self, rules: Rules) -> PostgresStore {
        Self::open_target(self.target(), rules)
    }

    /// The same by way of another address.
    pub(crate) fn at(&self, url: &str) -> PostgresStore {
        Self::open_target(self.target_at(url), Rules::default())
    }

    fn open_target(target: Target, rules: Rules) -> PostgresStore {
        std::thread::spawn(move || PostgresStore::open(target, rules).unwrap().0)
            .join()
            .unwrap()
    }
}

impl Schema {
    /// Runs statements in it.
    pub(crate) fn run(&self, sql: &str) {
        run_sql(&format!("SET search_path = {}; {sql}", self.name));
    }

    /// Reads a number in it.
    pub(crate) fn read(&self, sql: &str) -> i64 {
        let (name, sql) = (self.name.clone(), sql.to_owned());
        let read = move || {
            on_connection(async move |client| {
                let path = format!("SET search_path = {name}");
                client.batch_execute(&path).await.unwrap();
                client.query_one(&sql, &[]).await.unwrap().get(0)
            })
        };
        std::thread::spawn(read).join().unwrap()
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        run_sql(&format!("DROP SCHEMA {} CASCADE", self.name));
    }
}

/// Whether `TESTPLAN_POSTGRES` names a database for tests.
pub(crate) fn has_postgres() -> bool {
    let is_there = std::env::var_os("TESTPLAN_POSTGRES").is_some();
    if !is_there {
        crate::skip::missing(
            "TESTPLAN_POSTGRES names no database; examples/service/postgres.sh starts one",
        );
    }
    is_there
}

/// The database for tests.
pub(crate) fn postgres_url() -> String {
    std::env::var("TESTPLAN_POSTGRES").unwrap()
}

fn run_sql(sql: &str) {
    let sql = sql.to_owned();
    let run = move || {
        on_connection(async move |client| client.batch_execute(&sql).await.unwrap());
    };
    std::thread::spawn(run).join().unwrap();
}

fn on_connection<T>(work: impl AsyncFnOnce(tokio_postgres::Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let url = postgres_url();
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        work(client).await
    })
}
