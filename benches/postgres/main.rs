//! The store on PostgreSQL beside pgbench, in turns within one run: how many executions are reserved and finished per second
//! and at which cost, against the two guarded statements that any queue needs at least.
//!
//! `TESTPLAN_POSTGRES=postgres://… cargo bench --bench postgres [-- CLIENTS [ROUNDS [SECONDS]]]` measures 64 clients in five
//! rounds of four seconds. The server must be on this machine; `examples/service/postgres.sh` starts one, but without fsync.
//! Nothing fails because it is slow.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "this program measures times and processes, and prints them"
)]

use std::{
    path::Path,
    process::Command,
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

/// Executions of each plan: more than a round uses.
const EXECUTIONS: usize = 100_000;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1).filter(|it| it != "--bench");
    let mut number = |default: usize| -> anyhow::Result<usize> {
        arguments.next().map_or(Ok(default), |it| Ok(it.parse()?))
    };
    let (clients, rounds, seconds) = (number(64)?, number(5)?, number(4)?);
    let Ok(url) = std::env::var("TESTPLAN_POSTGRES") else {
        println!("skipped: TESTPLAN_POSTGRES names no database");
        return Ok(());
    };
    let span = Duration::from_secs(seconds as u64);
    let runtime = tokio::runtime::Runtime::new()?;
    sql(&url, "CREATE SCHEMA IF NOT EXISTS bench")?;
    let target = Target::parse(&format!("{url}?options=-c%20search_path%3Dbench"));
    let target = target.map_err(anyhow::Error::msg)?;
    let (store, _) = PostgresStore::open(target, Rules::default())?;
    let store = Arc::new(store);
    let template = runtime.block_on(publish(&store))?;
    println!("{clients} clients, one plan, {rounds} rounds of {seconds} s in turns");
    println!("           pgbench      store   ratio   CPU per cycle: pgbench   store   ratio");
    let mut ratios = Vec::new();
    for _ in 0..rounds {
        let bare = pgbench(&url, clients, span)?;
        let plan = runtime.block_on(start(&store, template))?;
        sql(&url, "VACUUM ANALYZE bench.executions")?;
        let ours = runtime.block_on(cycles(&store, plan, clients, span))?;
        let (rate, cpu) = (ours.rate / bare.rate, ours.cpu / bare.cpu);
        println!(
            "{:>14.0}/s {:>8.0}/s {rate:>7.2} {:>23.0} µs {:>5.0} µs {cpu:>7.2}",
            bare.rate, ours.rate, bare.cpu, ours.cpu
        );
        ratios.push((rate, cpu));
    }
    let median = |of: fn(&(f64, f64)) -> f64| {
        let mut all: Vec<f64> = ratios.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    println!(
        "median ratio {:.2}, of CPU {:.2}",
        median(|it| it.0),
        median(|it| it.1)
    );
    runtime.block_on(store.close())?;
    drop(store);
    sql(&url, "DROP SCHEMA bench CASCADE")
}

/// What a side did.
struct Measured {
    /// Executions reserved and finished per second.
    rate: f64,
    /// Microseconds of CPU for each, of the server's processes and of the store in this one.
    cpu: f64,
}

async fn publish(store: &PostgresStore) -> anyhow::Result<PlanId> {
    let test = |number: usize| PlannedTest {
        test: Test {
            suite: "suite".to_owned(),
            testcase: format!("t{number}"),
        },
        required: Capabilities::default(),
    };
    let template = TemplateDefinition {
        project: "bench".to_owned(),
        title: "bench".to_owned(),
        description: String::new(),
        tags: vec![],
        executions: (0..EXECUTIONS).map(test).collect(),
    };
    let ids = store.publish(vec![template], clock::wall()).await?;
    ids.first().copied().context("no template")
}

async fn start(store: &PostgresStore, template: PlanId) -> anyhow::Result<PlanId> {
    let request = ExecutePlan {
        template,
        title: "plan".to_owned(),
        batch: "batch".to_owned(),
        planned: None,
        repositories: vec![],
        tests: None,
        discovery: None,
        principal: "bench".to_owned(),
        key: None,
    };
    Ok(store.execute_plan(request, clock::wall()).await?.id)
}

/// Clients that reserve and finish one execution after the other, each call answered after its commit.
async fn cycles(
    store: &Arc<PostgresStore>,
    plan: PlanId,
    clients: usize,
    span: Duration,
) -> anyhow::Result<Measured> {
    let (done, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let (began, before) = (Instant::now(), cpu(true)?);
    let mut tasks = Vec::new();
    for client in 0..clients {
        let (store, done, stop) = (Arc::clone(store), Arc::clone(&done), Arc::clone(&stop));
        tasks.push(tokio::spawn(async move {
            let mut calls = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                calls += 1;
                let request = Reserve {
                    plan,
                    offered: Capabilities::default(),
                    timeout: Duration::from_secs(60),
                    allocate_server: false,
                    principal: "bench".to_owned(),
                    worker: Some(format!("w{client}")),
                    key: Some(format!("{client}-{calls}")),
                    batch: None,
                };
                let Reservation::Granted(granted) = store.reserve(request, clock::wall()).await?
                else {
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
                };
                store.finish(finish, clock::wall()).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }));
    }
    tokio::time::sleep(span).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }
    measured(done.load(Ordering::Relaxed), began, before, cpu(true)?)
}

/// pgbench with a statement that takes a row and one that ends it, both prepared, on a connection for each client.
fn pgbench(url: &str, clients: usize, span: Duration) -> anyhow::Result<Measured> {
    sql(
        url,
        &format!(
            "DROP TABLE IF EXISTS bench.bare; CREATE TABLE bench.bare (id BIGINT PRIMARY KEY, state INT NOT NULL, expected BIGINT NOT NULL);
             INSERT INTO bench.bare SELECT n, 0, 0 FROM generate_series(1, {EXECUTIONS}) AS n;
             CREATE INDEX ON bench.bare (expected DESC, id) WHERE state = 0"
        ),
    )?;
    sql(url, "VACUUM ANALYZE bench.bare")?;
    let place = tempfile::tempdir()?;
    let script = place.path().join("cycle.sql");
    std::fs::write(
        &script,
        "UPDATE bench.bare SET state = 1 WHERE id = (SELECT id FROM bench.bare WHERE state = 0
           ORDER BY expected DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id \\gset\n\
         UPDATE bench.bare SET state = 2 WHERE id = :id AND state = 1;\n",
    )?;
    let program = newest("pgbench");
    let (began, before) = (Instant::now(), cpu(false)?);
    let output = Command::new(program)
        .args(["-n", "-M", "prepared", "-j", "2", "-f"])
        .arg(&script)
        .args([
            "-c",
            &clients.to_string(),
            "-T",
            &span.as_secs().to_string(),
            url,
        ])
        .output()?;
    let after = cpu(false)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let count = text
        .lines()
        .find_map(|line| line.strip_prefix("number of transactions actually processed: "))
        .and_then(|rest| rest.split('/').next()?.trim().parse().ok())
        .with_context(|| format!("pgbench printed no count: {text}"))?;
    measured(count, began, before, after)
}

fn measured(count: u64, began: Instant, before: f64, after: f64) -> anyhow::Result<Measured> {
    ensure!(count > 0, "nothing was done");
    #[expect(clippy::cast_precision_loss, reason = "a count of some thousands")]
    let count = count as f64;
    Ok(Measured {
        rate: count / began.elapsed().as_secs_f64(),
        cpu: (after - before) / count * 1e6,
    })
}

/// Seconds of CPU of all processes of PostgreSQL on this machine, those that ended included as far as their parent knows, and
/// of this process if asked for.
fn cpu(with_own: bool) -> anyhow::Result<f64> {
    let mut ticks = 0_u64;
    let own = std::process::id().to_string();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().filter(|it| it.parse::<u32>().is_ok()) else {
            continue;
        };
        // It may be gone.
        let Ok(stat) = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat")) else {
            continue;
        };
        let Some((head, rest)) = stat.rsplit_once(')') else {
            continue;
        };
        if head.ends_with("(postgres") || (with_own && pid == own) {
            // utime, stime, and those of children that were waited for.
            let fields = rest.split_whitespace().skip(11).take(4);
            ticks += fields.filter_map(|it| it.parse::<u64>().ok()).sum::<u64>();
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of ticks")]
    let seconds = ticks as f64 / 100.0;
    Ok(seconds)
}

fn sql(url: &str, text: &str) -> anyhow::Result<()> {
    let output = Command::new(newest("psql"))
        .args([url, "-q", "-v", "ON_ERROR_STOP=1", "-c", text])
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// A program of Debian's newest PostgreSQL, or of the path.
fn newest(program: &str) -> std::path::PathBuf {
    let folders = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut found: Vec<_> = folders
        .filter_map(|it| Some(it.ok()?.path().join("bin").join(program)))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| program.into())
}
