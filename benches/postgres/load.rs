//! Clients of stores that reserve and finish one execution after the other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use testplan::{
    clock,
    model::{Capabilities, PlanId, PlannedTest, Test, TestResult, TestVerdict},
    store::{
        ExecutePlan, Finish, Reservation, Reserve, Rules, Store as _, TemplateDefinition,
        postgres::{PostgresStore, Target},
    },
};

use crate::database::Database;

/// What a side did.
#[derive(Clone, Copy)]
pub(crate) struct Measured {
    /// Executions reserved and finished per second.
    pub(crate) rate: f64,
    /// Microseconds of CPU for each, of the server's processes and of the one with the store.
    pub(crate) cpu: f64,
}

/// A measurement that runs.
pub(crate) struct Measure {
    database: Database,
    also: Option<u32>,
    began: Instant,
    cpu: f64,
}

impl Measure {
    /// Of the server and another process.
    pub(crate) fn begin(database: &Database, also: Option<u32>) -> anyhow::Result<Self> {
        Ok(Self {
            database: database.clone(),
            also,
            cpu: database.cpu(also)?,
            began: Instant::now(),
        })
    }

    pub(crate) fn end(self, count: u64) -> anyhow::Result<Measured> {
        ensure!(count > 0, "nothing was done");
        #[expect(clippy::cast_precision_loss, reason = "a count of some thousands")]
        let count = count as f64;
        Ok(Measured {
            rate: count / self.began.elapsed().as_secs_f64(),
            cpu: (self.database.cpu(self.also)? - self.cpu) / count * 1e6,
        })
    }
}

/// Opens a replica in the schema of the bench.
pub(crate) async fn open(url: &str) -> anyhow::Result<Arc<PostgresStore>> {
    let target = Target::parse(&format!("{url}?options=-c%20search_path%3Dbench"));
    let target = target.map_err(anyhow::Error::msg)?;
    let opened = tokio::task::spawn_blocking(move || PostgresStore::open(target, Rules::default()))
        .await??;
    Ok(Arc::new(opened.0))
}

/// Publishes a template for each number of tests, in place of those before.
pub(crate) async fn publish<const N: usize>(
    store: &PostgresStore,
    tests: [usize; N],
) -> anyhow::Result<[PlanId; N]> {
    let templates = tests.map(|tests| template(tests, &Capabilities::default()));
    let ids = store.publish(templates.to_vec(), clock::wall()).await?;
    ids.try_into().ok().context("a template is missing")
}

/// Publishes a template of so many tests that need something and so many that need something else, in place of those before.
pub(crate) async fn publish_both(
    store: &PostgresStore,
    first: (usize, Capabilities),
    second: (usize, Capabilities),
) -> anyhow::Result<PlanId> {
    let mut both = template(first.0, &first.1);
    let second = template(second.0, &second.1).executions.into_iter();
    both.executions.extend(second.map(|mut it| {
        "other".clone_into(&mut it.test.suite);
        it
    }));
    let ids = store.publish(vec![both], clock::wall()).await?;
    ids.first().copied().context("the template is missing")
}

fn template(tests: usize, required: &Capabilities) -> TemplateDefinition {
    let test = |number: usize| PlannedTest {
        test: Test {
            suite: "suite".to_owned(),
            testcase: format!("t{number}"),
        },
        required: required.clone(),
    };
    TemplateDefinition {
        project: "bench".to_owned(),
        title: format!("of {tests}"),
        description: String::new(),
        tags: vec![],
        executions: (0..tests).map(test).collect(),
    }
}

/// Starts a plan, and leaves nothing to do for the server.
pub(crate) async fn start(
    database: &Database,
    store: &PostgresStore,
    template: PlanId,
) -> anyhow::Result<PlanId> {
    let request = ExecutePlan {
        template,
        title: "plan".to_owned(),
        batch: "batch".to_owned(),
        planned: None,
        repositories: vec![],
        tests: None,
        discovery: None,
        origin: testplan::model::PlanOrigin::default(),
        principal: "bench".to_owned(),
        key: None,
    };
    let plan = store.execute_plan(request, clock::wall()).await?.id;
    database.sql("VACUUM ANALYZE bench.executions")?;
    database.sql("CHECKPOINT")?;
    Ok(plan)
}

/// Clients, each call answered after its commit: client `n` asks store and plan `n`, counted round.
pub(crate) async fn cycles(
    database: &Database,
    stores: &[Arc<PostgresStore>],
    plans: &[PlanId],
    clients: usize,
    span: Duration,
) -> anyhow::Result<Measured> {
    static RUN: AtomicU64 = AtomicU64::new(0);
    let run = RUN.fetch_add(1, Ordering::Relaxed);
    let (done, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let measure = Measure::begin(database, Some(std::process::id()))?;
    let mut tasks = Vec::new();
    for client in 0..clients {
        let store = Arc::clone(&stores[client % stores.len()]);
        let plan = plans[client % plans.len()];
        let (done, stop) = (Arc::clone(&done), Arc::clone(&stop));
        tasks.push(tokio::spawn(async move {
            let mut calls = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                calls += 1;
                cycle(&store, plan, client, format!("{run}-{client}-{calls}")).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        }));
    }
    tokio::time::sleep(span).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }
    measure.end(done.load(Ordering::Relaxed))
}

/// Reserves an execution and finishes it.
async fn cycle(
    store: &PostgresStore,
    plan: PlanId,
    client: usize,
    key: String,
) -> anyhow::Result<()> {
    let request = Reserve {
        plan,
        offered: Capabilities::default(),
        timeout: Duration::from_secs(60),
        allocate_server: false,
        principal: "bench".to_owned(),
        worker: Some(format!("w{client}")),
        key: Some(key),
        batch: None,
    };
    let Reservation::Granted(granted) = store.reserve(request, clock::wall()).await? else {
        anyhow::bail!("the plan has too few executions for this machine");
    };
    let finish = Finish {
        execution: granted.execution,
        lease: Some(granted.lease),
        message: String::new(),
        details: String::new(),
        result: Some(TestResult {
            verdict: TestVerdict::Passed,
            duration_ms: 5,
            flaky: false,
        }),
        server_trouble: None,
        principal: "bench".to_owned(),
        failure: String::new(),
    };
    store.finish(finish, clock::wall()).await?;
    Ok(())
}
