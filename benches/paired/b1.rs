//! B1: a whole run, beside the least that can start as many processes.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use anyhow::ensure;

use super::{
    cost::{Cost, Meter},
    pairs::Pairs,
    serving::TESTPLAN,
    stage,
    table::{self, Aim, Row},
};

const EXECUTIONS: usize = 1_000;
const PAIRS: usize = 5;

pub(crate) fn run() -> anyhow::Result<()> {
    let folder = stage::folder()?;
    let place = folder.path();
    prepare(place)?;
    let mut number = 0;
    let pairs = Pairs::measure(
        PAIRS,
        || {
            number += 1;
            whole_run(place, &format!("out-{number}"))
        },
        || xargs(place),
    )?;
    Row {
        what: "run: 1,000 × /bin/true, 2 workers",
        beside: "xargs -P2 -n1",
        pairs: &pairs,
        wall: Aim::AtMost(1.30),
        cpu: Aim::AtMost(1.20),
    }
    .print();
    table::note(
        "run: service inside, every answer after its commit, output captured, records, JUnit and summary written",
    );
    Ok(())
}

/// A configuration of [`EXECUTIONS`] tests, and their list.
pub(crate) fn prepare(place: &Path) -> anyhow::Result<()> {
    let mut tests = String::new();
    for index in 0..EXECUTIONS {
        writeln!(tests, "suite_{}/testcase_{index}", index / 100)?;
    }
    fs::write(place.join("tests"), tests)?;
    let configuration = "\
        project: bench\n\
        runner: { command: [/bin/true], results: { format: exit-code } }\n\
        templates:\n\
        - title: bench\n  tests:\n  \
        - discover: { command: [cat, tests], line: '^(?<suite>[^/]+)/(?<testcase>.+)$' }\n";
    fs::write(place.join("testplan.yml"), configuration)?;
    Ok(())
}

pub(crate) fn command(place: &Path, out: &str) -> Command {
    let mut command = Command::new(TESTPLAN);
    command
        .args(["--quiet", "run", "--workers", "2", "--out", out])
        .current_dir(place)
        .env_remove("TESTCENTER_URL");
    command
}

fn whole_run(place: &Path, out: &str) -> anyhow::Result<Cost> {
    let mut command = command(place, out);
    let meter = Meter::start()?;
    let output = command.output()?;
    let cost = meter.read()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report = fs::read_to_string(place.join(out).join("junit.xml"))?;
    let cases = report.matches("<testcase ").count();
    ensure!(cases == EXECUTIONS, "{cases} cases in junit.xml");
    Ok(cost)
}

fn xargs(place: &Path) -> anyhow::Result<Cost> {
    let tests = fs::File::open(place.join("tests"))?;
    let mut command = Command::new("xargs");
    command.args(["-P2", "-n1", "/bin/true"]).stdin(tests);
    let meter = Meter::start()?;
    let status = command.status()?;
    let cost = meter.read()?;
    ensure!(status.success(), "xargs: {status}");
    Ok(cost)
}
