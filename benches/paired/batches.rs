//! Batches: tests of a tool whose start is expensive, beside the lower bound.

use std::{fmt::Write as _, fs, path::Path, process::Command, time::Instant};

use anyhow::ensure;

use super::{
    stage::{self, TESTPLAN},
    table,
};

const TESTS: u32 = 2_000;
const WORKERS: u32 = 8;
const RUNS: usize = 3;
/// Most wall time, as a multiple of the lower bound.
const AIM: f64 = 1.25;

/// A process that sleeps for a second, and then a tenth of a second for each test.
const TOOL: &str = r#"
results=$1; shift
echo "$#" >>calls
sleep 1
sleep "$(echo "$#" | awk '{ print $1 / 10 }')"
{
    echo "<testsuite>"
    for test; do echo "<testcase classname='${test%%::*}' name='${test##*::}' time='0.1'/>"; done
    echo "</testsuite>"
} >"$results/r.xml"
"#;

pub(crate) fn run() -> anyhow::Result<()> {
    let folder = stage::folder()?;
    let place = folder.path();
    prepare(place)?;
    // Every worker starts the tool once, and the tests are divided evenly.
    let bound = 1.0 + f64::from(TESTS) * 0.1 / f64::from(WORKERS);
    let mut ratios = Vec::new();
    for number in 0..RUNS {
        let out = format!("out-{number}");
        let began = Instant::now();
        let output = Command::new(TESTPLAN)
            .args(["--quiet", "run", "--workers", "8", "--out", &out])
            .current_dir(place)
            .env_remove("TESTCENTER_URL")
            .output()?;
        let took = began.elapsed().as_secs_f64();
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let report = fs::read_to_string(place.join(&out).join("junit.xml"))?;
        let cases = report.matches("<testcase ").count();
        ensure!(cases == TESTS as usize, "{cases} cases in junit.xml");
        ratios.push(took / bound);
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios[RUNS / 2];
    let calls = fs::read_to_string(place.join("calls"))?.lines().count();
    table::figure(
        "batches: 2,000 × 0.1 s, start 1 s, 8 workers; beside the lower bound",
        &format!("{median:.2} ({:.2}–{:.2})", ratios[0], ratios[RUNS - 1]),
        &format!(
            "{} calls per run, ≤ {AIM} {}",
            calls / RUNS,
            if median <= AIM { "met" } else { "BEHIND" }
        ),
    );
    Ok(())
}

/// The tool, a configuration of [`TESTS`] tests, and their list.
fn prepare(place: &Path) -> anyhow::Result<()> {
    let mut tests = String::new();
    for index in 0..TESTS {
        writeln!(tests, "suite_{}::testcase_{index}", index / 100)?;
    }
    fs::write(place.join("tests"), tests)?;
    fs::write(place.join("tool"), TOOL)?;
    let configuration = "\
        project: bench\n\
        runner:\n  \
        command: [sh, tool, '{results}', '{tests}']\n  \
        test: '{suite}::{testcase}'\n  \
        results: { format: junit }\n\
        templates:\n\
        - title: bench\n  tests:\n  \
        - discover: { command: [cat, tests], line: '^(?<suite>[^:]+)::(?<testcase>.+)$' }\n";
    fs::write(place.join("testplan.yml"), configuration)?;
    Ok(())
}
