//! B6: `report` over the records of 40 executions of 5,000 cases each, beside npm `junit-merge` over the JUnit files that
//! the test tool wrote. Both end with one file of 200,000 cases.

use std::{
    cell::Cell,
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use serde_json::json;
use testplan::{
    clock,
    model::{
        Capabilities, CaseResult, ExecutionId, Outcome, PlanId, PlanStatus, Record, TestResult,
        TestVerdict,
        outcome::CaseVerdict,
        record::{Confirmation, RECORD_VERSION, RecordEvent},
    },
};

use super::{
    cost::{Cost, Meter, memory},
    pairs::Pairs,
    serving::TESTPLAN,
    stage,
    table::{self, Aim, Row},
};

const FILES: usize = 40;
const CASES: usize = 5_000;
const PAIRS: usize = 7;
/// What is held beside, from npm.
const BESIDE: &str = "junit-merge@2.0.0";
/// Most memory, as a share of its.
const AIM: f64 = 0.25;

pub(crate) fn run() -> anyhow::Result<()> {
    let folder = stage::folder()?;
    let folder = folder.path();
    let (records, junit) = prepare(folder)?;
    install(folder)?;
    let (ours, beside) = (Cell::new(0), Cell::new(0));
    let pairs = Pairs::measure(
        PAIRS,
        || {
            let mut command = Command::new(TESTPLAN);
            command.args(["--quiet", "report", "--records", "records", "--out", "out"]);
            measured(command, folder, &ours)
        },
        || {
            let mut command = Command::new("node");
            command.args(["node_modules/junit-merge/bin/junit-merge", "-d", "junit"]);
            command.args(["-o", "merged.xml"]);
            measured(command, folder, &beside)
        },
    )?;
    let cases = |file: &str| {
        let text = fs::read_to_string(folder.join(file)).with_context(|| file.to_owned())?;
        anyhow::Ok((text.matches("<testcase").count(), text.len() as u64))
    };
    let ((made, size), (merged, _)) = (cases("out/junit.xml")?, cases("merged.xml")?);
    ensure!(
        (made, merged) == (FILES * CASES, FILES * CASES),
        "junit.xml has {made} cases, merged.xml {merged}"
    );
    Row {
        what: "report: 40 records of 5,000 cases",
        beside: BESIDE,
        pairs: &pairs,
        wall: Aim::AtMost(0.5),
        cpu: Aim::None,
    }
    .print();
    let share = ratio(ours.get(), beside.get());
    table::figure(
        &format!(
            "memory: report, peak; {BESIDE} {}",
            table::bytes(beside.get())
        ),
        &table::bytes(ours.get()),
        &format!(
            "{share:.2} of it, ≤ {AIM} {}",
            if share <= AIM { "met" } else { "BEHIND" }
        ),
    );
    let grown = format!("{:.2} of the JUnit files", ratio(size, junit));
    table::figure("size: junit.xml", &table::bytes(size), &grown);
    table::figure("size: records", &table::bytes(records), "");
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the last digit of a ratio does not matter"
)]
fn ratio(ours: u64, beside: u64) -> f64 {
    ours as f64 / beside.max(1) as f64
}

/// Runs a program to its end; `peak` gets the highest memory of any run.
fn measured(mut command: Command, folder: &Path, peak: &Cell<u64>) -> anyhow::Result<Cost> {
    let meter = Meter::start()?;
    let mut child = command
        .current_dir(folder)
        .env_remove("TESTCENTER_URL")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("{command:?}"))?;
    // The system keeps the peak; it only has to be asked before the process is gone.
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        let now = memory(child.id(), "VmHWM").unwrap_or_default();
        peak.set(peak.get().max(now));
        thread::sleep(Duration::from_millis(2));
    };
    let cost = meter.read()?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(cost)
}

/// Installs what is held beside, below the folder alone.
fn install(folder: &Path) -> anyhow::Result<()> {
    let output = Command::new("npm")
        .args([
            "install",
            "--no-fund",
            "--no-audit",
            "--no-save",
            "--prefix",
        ])
        .arg(folder)
        .arg(BESIDE)
        .output()
        .context("npm")?;
    ensure!(
        output.status.success(),
        "npm install {BESIDE}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Writes the records and the JUnit files of the same cases. Answers the sizes of all of both, in bytes.
fn prepare(folder: &Path) -> anyhow::Result<(u64, u64)> {
    let mut sizes = (0, 0);
    for name in ["records", "junit"] {
        fs::create_dir(folder.join(name))?;
    }
    for file in 0..FILES {
        let cases: Vec<CaseResult> = (0..CASES).map(|index| case(file, index)).collect();
        let (records, junit) = (records_of(file, &cases)?, junit_of(&cases)?);
        fs::write(
            folder.join(format!("records/runner-{file}.ndjson")),
            &records,
        )?;
        fs::write(folder.join(format!("junit/runner-{file}.xml")), &junit)?;
        sizes.0 += records.len() as u64;
        sizes.1 += junit.len() as u64;
    }
    Ok(sizes)
}

fn case(file: usize, index: usize) -> CaseResult {
    CaseResult {
        classname: format!("tests.module_{file:02}.TestClass{:03}", index / 50),
        name: format!("test_behaviour_{index:04}"),
        verdict: CaseVerdict::Passed { flaky: false },
        duration_ms: Some(index as u64 % 500),
        file: None,
        line: None,
        output: String::new(),
        attachments: Vec::new(),
    }
}

/// As pytest writes them.
fn junit_of(cases: &[CaseResult]) -> anyhow::Result<String> {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<testsuites name=\"pytest tests\">\n<testsuite name=\"pytest\" \
         errors=\"0\" failures=\"0\" skipped=\"0\" tests=\"{}\" time=\"10.0\">\n",
        cases.len()
    );
    for case in cases {
        let CaseResult {
            classname,
            name,
            duration_ms,
            ..
        } = case;
        let time = Duration::from_millis(duration_ms.unwrap_or_default()).as_secs_f64();
        writeln!(
            text,
            "<testcase classname=\"{classname}\" name=\"{name}\" time=\"{time:.3}\" />"
        )?;
    }
    text.push_str("</testsuite>\n</testsuites>\n");
    Ok(text)
}

fn records_of(file: usize, cases: &[CaseResult]) -> anyhow::Result<String> {
    let execution = ExecutionId(i64::try_from(file)? + 1);
    let events = [
        RecordEvent::Began {
            clock_ahead_ms: None,
            page_url: None,
            plan: PlanId(1),
            title: "bench".to_owned(),
            project: "bench".to_owned(),
            batch: "bench".to_owned(),
            capabilities: Capabilities::default(),
            status: PlanStatus {
                open: FILES as u64,
                reserved: 0,
                done: 0,
            },
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        serde_json::from_value(json!({
            "event": "reserved", "execution": execution, "attempt": 1,
            "suite": "tests", "testcase": format!("module_{file:02}"),
        }))?,
        RecordEvent::Started { execution, pid: 1 },
        serde_json::from_value(json!({
            "event": "ended", "execution": execution, "duration_ms": 10_000, "cases": cases,
            "outcome": Outcome::Completed { result: Some(TestResult {
                verdict: TestVerdict::Passed, duration_ms: 10_000, flaky: false,
            }) },
        }))?,
        RecordEvent::Confirmed {
            execution,
            answer: Confirmation::Counted,
        },
        RecordEvent::Left {
            reason: "drained".to_owned(),
            status: None,
        },
    ];
    let mut text = String::new();
    for event in events {
        let record = Record {
            v: RECORD_VERSION,
            at: clock::wall(),
            worker: format!("runner-{file}"),
            event,
        };
        text.push_str(&serde_json::to_string(&record)?);
        text.push('\n');
    }
    Ok(text)
}
