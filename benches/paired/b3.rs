//! B3: what durability costs when many ask at once: stable storage beside memory, and beside the bare disk.

use std::{
    fs::File,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use testplan::{
    clock,
    model::Capabilities,
    store::{Store as _, sqlite::Durability},
};
use tokio::{runtime::Runtime, task::JoinSet};

use super::{
    cost::{Cost, Meter},
    pairs::Pairs,
    stage,
    table::{self, Aim, Row},
};

const CLIENTS: usize = 64;
const CYCLES: usize = 150;
const PAIRS: usize = 5;
const SYNCS: u32 = 200;

pub(crate) fn run() -> anyhow::Result<()> {
    let Some(memory) = stage::folder_in_memory() else {
        table::note("b3 skipped: there is no /dev/shm");
        return Ok(());
    };
    let disk = stage::folder()?;
    let runtime = stage::runtime()?;
    let (mut syncs, mut commits) = (Vec::new(), 0);
    let pairs = Pairs::measure(
        PAIRS,
        || {
            syncs.push(fdatasync(disk.path())?);
            let (cost, count) = cycles(&runtime, disk.path(), Durability::Full)?;
            commits = count;
            Ok(cost)
        },
        || Ok(cycles(&runtime, memory.path(), Durability::Normal)?.0),
    )?;
    Row {
        what: "64 clients, reserve + finish, FULL, each",
        beside: "NORMAL on /dev/shm",
        pairs: &pairs,
        wall: Aim::AtLeast(0.7),
        cpu: Aim::None,
    }
    .print();
    syncs.sort();
    let (cycles, sync) = (u32::try_from(CLIENTS * CYCLES)?, syncs[syncs.len() / 2]);
    table::note(&format!(
        "{} requests in {commits} commits; between the pairs an fdatasync of 4 KiB takes {}: {} of each cycle",
        cycles * 2,
        table::time(sync),
        table::time(sync * commits / cycles),
    ));
    Ok(())
}

/// The cost of one cycle, and how many commits all took.
fn cycles(runtime: &Runtime, below: &Path, durability: Durability) -> anyhow::Result<(Cost, u32)> {
    let folder = tempfile::tempdir_in(below)?;
    runtime.block_on(async {
        let store = stage::open(folder.path(), durability)?;
        let all = CLIENTS * CYCLES;
        let template = stage::publish(&store, all, |_| Capabilities::default()).await?;
        let plan = stage::start(&store, template).await?.id;
        let before = store.commits();
        let meter = Meter::start()?;
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let store = store.clone();
            clients.spawn(async move {
                for cycle in 0..CYCLES {
                    let key = format!("{client}-{cycle}");
                    let offered = Capabilities::default();
                    let granted = stage::reserve(&store, plan, offered, key, clock::wall())
                        .await?
                        .context("no execution was left")?;
                    stage::finish(&store, granted).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = clients.join_next().await {
            ended??;
        }
        let cost = meter.read()?;
        let commits = u32::try_from(store.commits() - before)?;
        let status = store
            .status(plan, Capabilities::default(), clock::wall())
            .await?;
        ensure!(status.done == all as u64, "{status:?}");
        store.close().await?;
        Ok((cost.per(u32::try_from(all)?), commits))
    })
}

/// What the disk takes for 4 KiB more on stable storage.
fn fdatasync(folder: &Path) -> anyhow::Result<Duration> {
    let mut file = File::create(folder.join("fdatasync"))?;
    let began = Instant::now();
    for _ in 0..SYNCS {
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
    }
    Ok(began.elapsed() / SYNCS)
}
