//! B7: what every CI job pays before anything happens: the start of the binary, and its size.

use std::{fs, path::Path, process::Command};

use anyhow::ensure;

use super::{
    cost::{Cost, Meter},
    pairs::Pairs,
    serving::TESTPLAN,
    stage,
    table::{self, Aim, Row},
};

const STARTS: u32 = 100;
const PAIRS: usize = 7;

pub(crate) fn run() -> anyhow::Result<()> {
    let pairs = Pairs::measure(
        PAIRS,
        || starts(TESTPLAN, &["--version"]),
        || starts("/bin/true", &[]),
    )?;
    Row {
        what: "start: --version",
        beside: "/bin/true",
        pairs: &pairs,
        wall: Aim::AtMost(2.0),
        cpu: Aim::None,
    }
    .print();
    let folder = stage::folder()?;
    let stripped = folder.path().join("testplan");
    let strip = Command::new("strip")
        .arg("-o")
        .args([stripped.as_path(), Path::new(TESTPLAN)])
        .status();
    if strip.is_ok_and(|status| status.success()) {
        let size = fs::metadata(&stripped)?.len();
        let judged = if size <= 8_000_000 { "met" } else { "BEHIND" };
        let aim = format!("≤ 8 MB {judged}");
        table::figure("size of the binary, stripped", &table::bytes(size), &aim);
    } else {
        let size = fs::metadata(TESTPLAN)?.len();
        let what = "size of the binary, with symbols: there is no `strip`";
        table::figure(what, &table::bytes(size), "");
    }
    Ok(())
}

fn starts(program: &str, arguments: &[&str]) -> anyhow::Result<Cost> {
    let meter = Meter::start()?;
    for _ in 0..STARTS {
        let output = Command::new(program).args(arguments).output()?;
        ensure!(output.status.success(), "{program}: {}", output.status);
    }
    Ok(meter.read()?.per(STARTS))
}
