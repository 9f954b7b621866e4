//! The store on PostgreSQL beside pgbench, in turns within one run: how many executions are reserved and finished per second
//! and at which cost, against the two guarded statements that any queue needs at least.
//!
//! `TESTPLAN_POSTGRES=postgres://… cargo bench --bench postgres -- WHAT [ROUNDS [SECONDS]]` measures in five rounds of four seconds, WHAT is
//!
//! - a number of clients: one plan, beside pgbench with as many clients;
//! - `replicas`: two replicas with 32 clients each, on one plan and on two, beside one replica with 64;
//! - `service`: 64 clients of `testplan serve` over HTTP, beside pgbench with as many;
//! - `waiters`: those clients while 64 workers wait for an execution that another one has, beside the same without;
//! - `open`: a plan with 1,000,000 open executions beside one with 10,000;
//! - `held`: while a transaction is open that began before, for ten times SECONDS, beside the same without;
//! - a URL: through a pooler there, beside the direct way.
//!
//! The server must be on this machine; `examples/service/postgres.sh` starts one, but without fsync. Nothing fails because it is slow.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "this program measures times and processes, and prints them"
)]

mod bare;
mod database;
#[expect(dead_code, reason = "another bench uses the rest")]
#[path = "../paired/hyper_client.rs"]
mod hyper_client;
mod load;
mod service;
#[path = "../paired/serving.rs"]
mod serving;

use std::time::Duration;

use testplan::{
    model::{Capabilities, Capability},
    store::Store as _,
};

use crate::{
    database::Database,
    load::{Measured, cycles, open, publish, publish_both, start},
};

/// Executions of each plan: more than a round uses.
const EXECUTIONS: usize = 100_000;
/// Clients where their number is not given.
const CLIENTS: usize = 64;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1).filter(|it| it != "--bench");
    let what = arguments.next().unwrap_or_else(|| CLIENTS.to_string());
    let mut number = |default: u64| -> anyhow::Result<u64> {
        arguments.next().map_or(Ok(default), |it| Ok(it.parse()?))
    };
    let (rounds, span) = (number(5)?, Duration::from_secs(number(4)?));
    let Ok(url) = std::env::var("TESTPLAN_POSTGRES") else {
        println!("skipped: TESTPLAN_POSTGRES names no database");
        return Ok(());
    };
    let database = Database::new(url)?;
    database.sql("DROP SCHEMA IF EXISTS bench CASCADE; CREATE SCHEMA bench")?;
    let (database, seconds) = (&database, span.as_secs());
    println!("{what}: {rounds} rounds of {seconds} s in turns");
    match what.as_str() {
        "replicas" => replicas(database, rounds, span).await?,
        "service" => service_beside_pgbench(database, rounds, span).await?,
        "waiters" => with_waiters(database, rounds, span).await?,
        "open" => many_open(database, rounds, span).await?,
        "held" => held(database, span).await?,
        url if url.contains("://") => pooler(database, url, rounds, span).await?,
        clients => beside_pgbench(database, clients.parse()?, rounds, span).await?,
    }
    database.sql("DROP SCHEMA bench CASCADE")
}

async fn beside_pgbench(
    database: &Database,
    clients: usize,
    rounds: u64,
    span: Duration,
) -> anyhow::Result<()> {
    let stores = [open(&database.url).await?];
    let [template] = publish(&stores[0], [EXECUTIONS]).await?;
    let mut table = Table::new("pgbench", "store");
    for _ in 0..rounds {
        let bare = bare::cycles(database, clients, span)?;
        let plan = start(database, &stores[0], template).await?;
        table.add(
            bare,
            cycles(database, &stores, &[plan], clients, span).await?,
        );
    }
    table.end();
    Ok(())
}

async fn replicas(database: &Database, rounds: u64, span: Duration) -> anyhow::Result<()> {
    let (first, second) = (open(&database.url).await?, open(&database.url).await?);
    let [template] = publish(&first, [EXECUTIONS]).await?;
    let (one, both) = ([first.clone()], [first.clone(), second]);
    let mut shared = Table::new("one replica", "two, one plan");
    let mut apart = Table::new("one replica", "two, a plan each");
    for _ in 0..rounds {
        let mut plans = Vec::new();
        for _ in 0..4 {
            plans.push(start(database, &first, template).await?);
        }
        let alone = cycles(database, &one, &plans[..1], CLIENTS, span).await?;
        let on_one = cycles(database, &both, &plans[1..2], CLIENTS, span).await?;
        let on_two = cycles(database, &both, &plans[2..], CLIENTS, span).await?;
        apart.add(alone, on_two);
        shared.add(alone, on_one);
    }
    shared.end();
    apart.end();
    Ok(())
}

async fn service_beside_pgbench(
    database: &Database,
    rounds: u64,
    span: Duration,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let store = open(&database.url).await?;
    let [template] = publish(&store, [EXECUTIONS]).await?;
    let mut table = Table::new("pgbench", "service");
    for _ in 0..rounds {
        let bare = bare::cycles(database, CLIENTS, span)?;
        let plan = start(database, &store, template).await?;
        let service = service::serve(database, folder.path())?;
        table.add(
            bare,
            service::cycles(database, &service, plan, &[], CLIENTS, span).await?,
        );
    }
    table.end();
    Ok(())
}

async fn with_waiters(database: &Database, rounds: u64, span: Duration) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let store = open(&database.url).await?;
    let [linux, windows] = ["Linux", "Windows"].map(|os| [Capability::new("os", os)]);
    let template = publish_both(
        &store,
        (EXECUTIONS, linux.iter().cloned().collect()),
        (1, windows.iter().cloned().collect()),
    )
    .await?;
    let mut table = Table::new("no waiters", "64 waiters");
    for _ in 0..rounds {
        let mut sides = Vec::new();
        for waiters in [0, CLIENTS] {
            let plan = start(database, &store, template).await?;
            let service = service::serve(database, folder.path())?;
            let mut waiting = service::waiters(&service, plan, &windows, waiters).await?;
            sides.push(service::cycles(database, &service, plan, &linux, CLIENTS, span).await?);
            if let Some(ended) = waiting.try_join_next() {
                ended??;
            }
        }
        table.add(sides[0], sides[1]);
    }
    table.end();
    Ok(())
}

async fn many_open(database: &Database, rounds: u64, span: Duration) -> anyhow::Result<()> {
    const MANY: usize = 1_000_000;
    const FEW: usize = 10_000;
    let stores = [open(&database.url).await?];
    let [few, many] = publish(&stores[0], [FEW, MANY]).await?;
    let many = start(database, &stores[0], many).await?;
    let mut table = Table::new("10,000 open", "1,000,000 open");
    for _ in 0..rounds {
        // So short that it does not run out.
        let plan = [start(database, &stores[0], few).await?];
        let short = span.min(Duration::from_secs(1));
        let few = cycles(database, &stores, &plan, CLIENTS, short).await?;
        table.add(
            few,
            cycles(database, &stores, &[many], CLIENTS, span).await?,
        );
    }
    table.end();
    let began = std::time::Instant::now();
    for _ in 0..20 {
        let status = stores[0].status(many, Capabilities::default(), testplan::clock::wall());
        status.await?;
    }
    println!(
        "status of the plan with 1,000,000: {:.1} ms",
        began.elapsed().as_secs_f64() * 50.0
    );
    Ok(())
}

async fn held(database: &Database, span: Duration) -> anyhow::Result<()> {
    let stores = [open(&database.url).await?];
    let [template] = publish(&stores[0], [EXECUTIONS * 3]).await?;
    let plan = [start(database, &stores[0], template).await?];
    let before = cycles(database, &stores, &plan, CLIENTS, span).await?;
    let config = database.url.parse::<tokio_postgres::Config>()?;
    let (holder, connection) = config.connect(tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    holder
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM bench.plans")
        .await?;
    println!("before: {:.0}/s", before.rate);
    for part in 1..=10 {
        let beside = cycles(database, &stores, &plan, CLIENTS, span).await?;
        println!(
            "after {:>4} s: {:>6.0}/s, ratio {:.2}",
            part * span.as_secs(),
            beside.rate,
            beside.rate / before.rate
        );
    }
    Ok(())
}

async fn pooler(database: &Database, url: &str, rounds: u64, span: Duration) -> anyhow::Result<()> {
    let (direct, pooled) = ([open(&database.url).await?], [open(url).await?]);
    let [template] = publish(&direct[0], [EXECUTIONS]).await?;
    let mut table = Table::new("direct", "pooler");
    for _ in 0..rounds {
        let plan = [start(database, &direct[0], template).await?];
        let without = cycles(database, &direct, &plan, CLIENTS, span).await?;
        let plan = [start(database, &direct[0], template).await?];
        table.add(
            without,
            cycles(database, &pooled, &plan, CLIENTS, span).await?,
        );
    }
    table.end();
    Ok(())
}

/// Rounds of two sides, printed as they come.
struct Table {
    sides: [&'static str; 2],
    ratios: Vec<(f64, f64)>,
}

impl Table {
    fn new(one: &'static str, other: &'static str) -> Self {
        Self {
            sides: [one, other],
            ratios: Vec::new(),
        }
    }

    fn add(&mut self, one: Measured, other: Measured) {
        let (rate, cpu) = (other.rate / one.rate, other.cpu / one.cpu);
        let [first, second] = self.sides;
        println!(
            "{first} {:.0}/s, {:.0} µs of CPU each; {second} {:.0}/s, {:.0} µs; ratios {rate:.2}, {cpu:.2}; a cycle takes {:+.2} ms more",
            one.rate,
            one.cpu,
            other.rate,
            other.cpu,
            1e3 / other.rate - 1e3 / one.rate
        );
        self.ratios.push((rate, cpu));
    }

    fn end(&self) {
        let median = |of: fn(&(f64, f64)) -> f64| {
            let mut all: Vec<f64> = self.ratios.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        let [first, second] = self.sides;
        println!(
            "{second} to {first}: median ratio {:.2}, of CPU {:.2}",
            median(|it| it.0),
            median(|it| it.1)
        );
    }
}
