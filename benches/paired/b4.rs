//! B4: requests on a plan of many open executions, beside the same on one of a thousand.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use testplan::{
    clock,
    model::{Capabilities, Capability, PlanId},
    store::{Store as _, sqlite::Durability},
};
use tokio::runtime::Runtime;

use super::{
    cost::{Cost, Meter},
    pairs::Pairs,
    stage,
    table::{self, Aim, Row},
};

const SMALL: usize = 1_000;
const LABEL_SETS: usize = 16;
/// Requests of one side of a pair.
const REQUESTS: u32 = 40;
const PAIRS: usize = 9;

/// A store with one plan, and what keeps its place.
struct Queue {
    store: std::sync::Arc<testplan::store::sqlite::SqliteStore>,
    plan: PlanId,
    asked: u32,
    _folder: tempfile::TempDir,
}

pub(crate) fn run(size: usize, name: &str) -> anyhow::Result<()> {
    let runtime = stage::runtime()?;
    let mut small = Queue::of(&runtime, SMALL)?;
    let began = Instant::now();
    let mut large = Queue::of(&runtime, size)?;
    let took = table::time(began.elapsed());
    rows(&runtime, name, &mut large, &mut small)?;
    table::note(&format!(
        "{LABEL_SETS} label sets, a worker that fits all; plan of {name} made and started in {took}"
    ));
    Ok(())
}

type Ask = fn(&Runtime, &mut Queue) -> anyhow::Result<Cost>;

fn rows(runtime: &Runtime, name: &str, large: &mut Queue, small: &mut Queue) -> anyhow::Result<()> {
    let kinds: [(&str, Ask, f64); 3] = [
        ("reserve", Queue::reserve, 3.0),
        ("reserve, nothing fits", Queue::reserve_in_vain, 3.0),
        ("status", Queue::status, 1.2),
    ];
    for (what, ask, aim) in kinds {
        let pairs = Pairs::measure(PAIRS, || ask(runtime, large), || ask(runtime, small))?;
        Row {
            what: &format!("{what}: {name} open"),
            beside: "1k open",
            pairs: &pairs,
            wall: Aim::AtMost(aim),
            cpu: Aim::None,
        }
        .print();
    }
    Ok(())
}

impl Queue {
    fn of(runtime: &Runtime, size: usize) -> anyhow::Result<Self> {
        let folder = stage::folder()?;
        runtime.block_on(async {
            let store = stage::open(folder.path(), Durability::Normal)?;
            let template = stage::publish(&store, size, needed).await?;
            let plan = stage::start(&store, template).await?.id;
            Ok(Self {
                store,
                plan,
                asked: 0,
                _folder: folder,
            })
        })
    }

    fn reserve(runtime: &Runtime, queue: &mut Self) -> anyhow::Result<Cost> {
        let offered: Capabilities = (0..LABEL_SETS)
            .flat_map(|set| needed(set).iter().cloned().collect::<Vec<_>>())
            .collect();
        let mut granted = Vec::new();
        let cost = queue.ask(runtime, &offered, |answer| granted.push(answer))?;
        // Back into the plan, so that it stays as large as it is.
        runtime.block_on(async {
            for answer in granted {
                let granted = answer.context("no execution was left")?;
                let request = testplan::store::Heartbeat {
                    execution: granted.execution,
                    timeout: granted.timeout,
                    lease: Some(granted.lease),
                    alone: false,
                    not_started: None,
                    release: true,
                    server_trouble: None,
                    principal: "bench".to_owned(),
                };
                queue.store.heartbeat(request, clock::wall()).await?;
            }
            anyhow::Ok(())
        })?;
        Ok(cost)
    }

    fn reserve_in_vain(runtime: &Runtime, queue: &mut Self) -> anyhow::Result<Cost> {
        let offered = [Capability::new("OS", "Linux")].into_iter().collect();
        let mut found = 0;
        let cost = queue.ask(runtime, &offered, |answer| {
            found += usize::from(answer.is_some());
        })?;
        ensure!(found == 0, "something fits after all");
        Ok(cost)
    }

    fn ask(
        &mut self,
        runtime: &Runtime,
        offered: &Capabilities,
        mut answered: impl FnMut(Option<testplan::store::Granted>),
    ) -> anyhow::Result<Cost> {
        runtime.block_on(async {
            let meter = Meter::start()?;
            for _ in 0..REQUESTS {
                self.asked += 1;
                let key = self.asked.to_string();
                let answer =
                    stage::reserve(&self.store, self.plan, offered.clone(), key, clock::wall());
                answered(answer.await?);
            }
            Ok(meter.read()?.per(REQUESTS))
        })
    }

    fn status(runtime: &Runtime, queue: &mut Self) -> anyhow::Result<Cost> {
        runtime.block_on(async {
            let meter = Meter::start()?;
            for _ in 0..REQUESTS {
                let filter = Capabilities::default();
                let status = queue
                    .store
                    .status(queue.plan, filter, clock::wall())
                    .await?;
                ensure!(status.open > 0, "{status:?}");
            }
            Ok(meter.read()?.per(REQUESTS))
        })
    }
}

fn needed(index: usize) -> Capabilities {
    let group = Capability::new(format!("group-{}", index % LABEL_SETS), "yes");
    [group].into_iter().collect()
}
