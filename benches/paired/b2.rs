//! B2: starting a command and waiting for it, beside the floor in C, and with much memory beside itself with little.

use std::{
    fs, hint,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::ensure;
use testplan::{
    run::process,
    runner::{command_line::CommandLine, process_end::ProcessEnd},
};
use tokio::runtime::Runtime;

use super::{
    cost::{Cost, Meter},
    pairs::Pairs,
    stage,
    table::{self, Aim, Row},
};

/// Of one side of a pair; five pairs are 2,000.
const SPAWNS: u32 = 400;
const PAIRS: usize = 5;
const RESIDENT: usize = 500 << 20;
const PROGRAM: &str = "/bin/true";

pub(crate) fn run() -> anyhow::Result<()> {
    let folder = stage::folder()?;
    let runtime = stage::runtime()?;
    let logs = || {
        let logs = folder.path().join("logs");
        let _ = fs::remove_dir_all(&logs);
        fs::create_dir_all(&logs).map(|()| logs)
    };
    if let Some(floor) = compile(folder.path()) {
        let pairs = Pairs::measure(
            PAIRS,
            || spawn(&runtime, &logs()?),
            || c_floor(&floor, &logs()?),
        )?;
        Row {
            what: "spawn and wait: group, captured output",
            beside: "C vfork, the same",
            pairs: &pairs,
            wall: Aim::AtMost(1.25),
            cpu: Aim::None,
        }
        .print();
    } else {
        table::note("b2: beside C skipped: there is no C compiler `cc` here");
    }
    let pairs = Pairs::measure(
        PAIRS,
        || {
            let memory = hint::black_box(vec![1_u8; RESIDENT]);
            let cost = spawn(&runtime, &logs()?);
            drop(hint::black_box(memory));
            cost
        },
        || spawn(&runtime, &logs()?),
    )?;
    Row {
        what: "spawn and wait with 500 MiB resident",
        beside: "without",
        pairs: &pairs,
        wall: Aim::AtMost(1.1),
        cpu: Aim::None,
    }
    .print();
    Ok(())
}

fn spawn(runtime: &Runtime, logs: &Path) -> anyhow::Result<Cost> {
    let line = CommandLine {
        argv: vec![PROGRAM.into()],
        ..CommandLine::default()
    };
    let meter = Meter::start()?;
    runtime.block_on(async {
        for number in 0..SPAWNS {
            let log = logs.join(format!("{number}.log"));
            let mut running = process::spawn(&line, &log, 1 << 20)?;
            let ending = running.wait().await?;
            ensure!(ending == ProcessEnd::Exited(0), "{PROGRAM}: {ending:?}");
        }
        Ok(())
    })?;
    Ok(meter.read()?.per(SPAWNS))
}

fn compile(folder: &Path) -> Option<PathBuf> {
    let (source, floor) = (folder.join("floor.c"), folder.join("floor"));
    fs::write(&source, include_str!("floor.c")).ok()?;
    let compiled = Command::new("cc")
        .arg("-O2")
        .arg("-o")
        .args([&floor, &source])
        .status();
    compiled
        .is_ok_and(|status| status.success())
        .then_some(floor)
}

fn c_floor(floor: &Path, logs: &Path) -> anyhow::Result<Cost> {
    let mut command = Command::new(floor);
    command.arg(SPAWNS.to_string()).arg(logs).arg(PROGRAM);
    let meter = Meter::start()?;
    let status = command.status()?;
    let cost = meter.read()?;
    ensure!(status.success(), "the floor in C: {status}");
    Ok(cost.per(SPAWNS))
}
