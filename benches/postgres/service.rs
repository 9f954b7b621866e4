//! `testplan serve` on the database, called over HTTP.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use testplan::model::{Capability, PlanId};
use tokio::task::JoinSet;

use crate::{
    database::Database,
    hyper_client::Caller,
    load::{Measure, Measured},
    serving::Serving,
};

/// A service on the schema of the bench.
pub(crate) fn serve(database: &Database, folder: &std::path::Path) -> anyhow::Result<Serving> {
    let url = format!("{}?options=-c%20search_path%3Dbench", database.url);
    Serving::testplan(folder, ["--database", &url])
}

/// Clients that reserve and finish, each over a connection of its own.
pub(crate) async fn cycles(
    database: &Database,
    service: &Serving,
    plan: PlanId,
    offered: &[Capability],
    clients: usize,
    span: Duration,
) -> anyhow::Result<Measured> {
    let (done, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let mut tasks = JoinSet::new();
    let mut callers = Vec::new();
    for _ in 0..clients {
        callers.push(Caller::connect(service).await?);
    }
    let measure = Measure::begin(database, Some(service.pid()))?;
    for mut caller in callers {
        let (done, stop, offered) = (Arc::clone(&done), Arc::clone(&stop), offered.to_vec());
        tasks.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                caller.short_execution(plan, &offered).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    tokio::time::sleep(span).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    measure.end(done.load(Ordering::Relaxed))
}

/// Workers that wait for an execution, and ask again after each answer, until this is dropped. They offer nothing.
pub(crate) async fn waiters(
    service: &Serving,
    plan: PlanId,
    count: usize,
) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let mut caller = Caller::connect(service).await?;
        tasks.spawn(async move {
            loop {
                let answer = caller.reserve(plan, &[], 50).await?;
                anyhow::ensure!(answer.granted.is_none(), "it got what it cannot run");
            }
        });
    }
    Ok(tasks)
}
