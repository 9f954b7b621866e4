//! What rows stand on: folders, and stores with plans.

use std::{fs, path::Path, sync::Arc};

use anyhow::Context as _;
use tempfile::TempDir;
use testplan::{
    clock,
    model::{Capabilities, Plan, PlanId, Test, TestResult, TestVerdict, Timestamp},
    store::{
        ExecutePlan, Finish, Granted, PlannedTest, Reservation, Reserve, Rules, Store as _,
        TemplateDefinition,
        sqlite::{Durability, SqliteStore},
    },
};

/// A folder on the disk that the build is on.
pub(crate) fn folder() -> anyhow::Result<TempDir> {
    let below = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(below)?;
    Ok(tempfile::tempdir_in(below)?)
}

/// A folder in memory, where the system has such a thing.
pub(crate) fn folder_in_memory() -> Option<TempDir> {
    tempfile::tempdir_in("/dev/shm").ok()
}

/// A runtime like that of the binary.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.max(2))
        .enable_all()
        .build()?)
}

pub(crate) fn open(folder: &Path, durability: Durability) -> anyhow::Result<Arc<SqliteStore>> {
    let file = folder.join("testplan.sqlite");
    let (store, _) = SqliteStore::open(&file, durability, Rules::default(), clock::wall())?;
    Ok(Arc::new(store))
}

/// A template of `size` tests; `required` says what each needs.
pub(crate) async fn publish(
    store: &SqliteStore,
    size: usize,
    required: impl Fn(usize) -> Capabilities,
) -> anyhow::Result<PlanId> {
    let executions = (0..size).map(|index| PlannedTest {
        test: Test {
            suite: format!("suite_{}", index / 100),
            testcase: format!("testcase_{index}"),
        },
        required: required(index),
    });
    let template = TemplateDefinition {
        project: "bench".to_owned(),
        title: "bench".to_owned(),
        description: String::new(),
        tags: Vec::new(),
        executions: executions.collect(),
    };
    let ids = store.publish(vec![template], clock::wall()).await?;
    ids.first()
        .copied()
        .context("the store published no template")
}

/// Starts a plan.
pub(crate) async fn start(store: &SqliteStore, template: PlanId) -> anyhow::Result<Plan> {
    let request = ExecutePlan {
        template,
        title: "bench".to_owned(),
        batch: "bench".to_owned(),
        planned: None,
        repositories: Vec::new(),
        tests: None,
        discovery: None,
        origin: testplan::model::PlanOrigin::default(),
        principal: PRINCIPAL.to_owned(),
        key: None,
    };
    Ok(store.execute_plan(request, clock::wall()).await?)
}

const PRINCIPAL: &str = "bench";

/// Asks for an execution as our worker does; `key` is its idempotency key.
pub(crate) async fn reserve(
    store: &SqliteStore,
    plan: PlanId,
    offered: Capabilities,
    key: String,
    now: Timestamp,
) -> anyhow::Result<Option<Granted>> {
    let request = Reserve {
        plan,
        offered,
        timeout: std::time::Duration::from_secs(600),
        allocate_server: false,
        principal: PRINCIPAL.to_owned(),
        worker: Some("worker".to_owned()),
        key: Some(key),
        batch: None,
    };
    Ok(match store.reserve(request, now).await? {
        Reservation::Granted(granted) => Some(*granted),
        Reservation::NoExecution { .. } | Reservation::NoServer { .. } => None,
    })
}

/// Tells that it passed.
pub(crate) async fn finish(store: &SqliteStore, granted: Granted) -> anyhow::Result<()> {
    let request = Finish {
        execution: granted.execution,
        lease: Some(granted.lease),
        message: String::new(),
        details: String::new(),
        result: Some(TestResult {
            verdict: TestVerdict::Passed,
            duration_ms: 1,
            flaky: false,
        }),
        server_trouble: None,
        principal: PRINCIPAL.to_owned(),
        failure: String::new(),
    };
    Ok(store.finish(request, clock::wall()).await?)
}
