//! How much memory a run and a service take.

use std::{
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use tokio::runtime::Runtime;

use super::{
    b1, b5,
    cost::{memory, of_threads},
    hyper_client::Caller,
    serving::Serving,
    stage, table,
};

const OPEN: usize = 1_000_000;
const IDLE: usize = 1_000;
/// How long waiting workers are watched.
const WATCHED: Duration = Duration::from_secs(5);

/// The peak of `run` over a thousand executions.
pub(crate) fn of_run() -> anyhow::Result<()> {
    let folder = stage::folder()?;
    b1::prepare(folder.path())?;
    let mut child = b1::command(folder.path(), "out")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let mut peak = 0;
    // The system keeps the peak; it only has to be asked before the process is gone.
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak = memory(child.id(), "VmHWM").unwrap_or(peak);
        thread::sleep(Duration::from_millis(1));
    };
    ensure!(status.success(), "testplan run: {status}");
    table::figure(
        "memory: run over 1,000 executions, peak",
        &table::bytes(peak),
        "",
    );
    Ok(())
}

/// A service with a thousand workers that wait.
pub(crate) fn of_waiting() -> anyhow::Result<()> {
    let (folder, runtime) = (stage::folder()?, stage::runtime()?);
    b5::prepare(&runtime, folder.path(), 1)?;
    let serve = Serving::testplan(folder.path(), ["--durability", "normal"])?;
    let client = b5::client(&serve)?;
    let resident = || memory(serve.pid(), "VmRSS").context("serve is gone");
    runtime.block_on(async {
        let plan = b5::start(&client).await?;
        let mut holder = Caller::connect(&serve).await?;
        let answer = holder.reserve(plan, &[], 0).await?;
        ensure!(
            answer.granted.is_some(),
            "the only execution is not to be had"
        );
        let before = resident()?;
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..IDLE {
            let mut worker = Caller::connect(&serve).await?;
            waiting.spawn(async move { worker.reserve(plan, &[], 50).await.map(drop) });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let pid = serve.pid().to_string();
        let (used, began) = (of_threads(&pid)?, Instant::now());
        tokio::time::sleep(WATCHED).await;
        let cpu = of_threads(&pid)?.saturating_sub(used);
        let share = 100.0 * cpu.as_secs_f64() / began.elapsed().as_secs_f64();
        let ended = waiting.try_join_next();
        ensure!(ended.is_none(), "a worker does not wait: {ended:?}");
        let after = resident()?;
        table::figure(
            "memory: serve, before any worker waits",
            &table::bytes(before),
            "",
        );
        table::figure(
            "memory: serve, 1,000 waiting workers",
            &table::bytes(after),
            &format!("{share:.1} % of one core meanwhile"),
        );
        anyhow::Ok(())
    })
}

/// A service with a million open executions.
pub(crate) fn of_open() -> anyhow::Result<()> {
    let (folder, runtime) = (stage::folder()?, stage::runtime()?);
    b5::prepare(&runtime, folder.path(), OPEN)?;
    let began = Instant::now();
    let serve = Serving::testplan(folder.path(), ["--durability", "normal"])?;
    table::figure(
        "serve, 1M tests in its templates: until it listens",
        &table::time(began.elapsed()),
        "",
    );
    let client = b5::client(&serve)?;
    started(&runtime, &serve, &client)
}

fn started(
    runtime: &Runtime,
    serve: &Serving,
    client: &testplan::client::Client,
) -> anyhow::Result<()> {
    let figure = |what: &str| {
        let now = memory(serve.pid(), "VmRSS").context("serve is gone")?;
        let peak = memory(serve.pid(), "VmHWM").context("serve is gone")?;
        table::figure(
            what,
            &table::bytes(now),
            &format!("peak {}", table::bytes(peak)),
        );
        anyhow::Ok(())
    };
    runtime.block_on(async {
        let began = Instant::now();
        let plan = b5::start(client).await?;
        table::figure(
            "serve: look-up and start of a plan of 1M",
            &table::time(began.elapsed()),
            "",
        );
        figure("memory: serve, 1M open executions")?;
        let mut caller = Caller::connect(serve).await?;
        for _ in 0..1_000 {
            let answer = caller.reserve(plan, &[], 0).await?;
            ensure!(answer.granted.is_some(), "no execution was left");
        }
        figure("memory: the same after 1,000 reserves")
    })
}
