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

/// Workers that wait for the only execution that they can run, which another one has, until this is dropped.
pub(crate) async fn waiters(
    service: &Serving,
    plan: PlanId,
    offered: &[Capability],
    count: usize,
) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
    let mut holder = Caller::connect(service).await?;
    let held = holder.reserve(plan, offered, 0).await?;
    anyhow::ensure!(held.granted.is_some(), "there is nothing to wait for");
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let (mut caller, offered) = (Caller::connect(service).await?, offered.to_vec());
        tasks.spawn(async move {
            let answer = caller.reserve(plan, &offered, 50).await?;
            anyhow::bail!("it did not wait: {answer:?}");
        });
    }
    Ok(tasks)
}
