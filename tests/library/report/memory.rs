//! `report` reads records as a stream: its memory grows with them, but far less than they do.
#![cfg(target_os = "linux")]

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use testplan::model::CaseResult;

use crate::report::story::{Worker, case_failed, case_passed, failed, passed};

/// What the program takes without records, and more, in bytes. Half of it are pages of the binary, which is large without
/// optimisation.
const FIXED: u64 = 52 << 20;

/// Writes the records of workers that run so many executions each, with so many cases per execution. Answers their size.
fn write_records(folder: &Path, workers: i64, executions: i64, cases: i64) -> u64 {
    let records = folder.join("records");
    fs::create_dir_all(&records).unwrap();
    let mut size = 0;
    for worker in 0..workers {
        let name = format!("runner-{worker}");
        let path = records.join(format!("{name}.ndjson"));
        let mut file = BufWriter::new(File::create(&path).unwrap());
        let total = u64::try_from(workers * executions).unwrap();
        let mut story = Worker::begins(&name, &["OS=Linux"], total);
        for execution in 0..executions {
            let id = worker * executions + execution;
            let fails = id % 50 == 7;
            let outcome = if fails { failed() } else { passed() };
            let output = if fails { "said before it failed\n" } else { "" };
            story = story
                .takes(id, Some(1))
                .ends_with(id, outcome, some_cases(id, cases, fails), output)
                .counted(id);
            file.write_all(story.text().as_bytes()).unwrap();
            story.records.clear();
        }
        file.write_all(story.leaves().text().as_bytes()).unwrap();
        file.flush().unwrap();
        size += fs::metadata(&path).unwrap().len();
    }
    size
}

fn some_cases(id: i64, count: i64, fails: bool) -> Vec<CaseResult> {
    let classname = format!("tests.test_module_{id}.TestClass");
    (0..count)
        .map(|index| {
            let name = format!("test_behaviour_{index:05}");
            if fails && index % 7 == 0 {
                case_failed(&classname, &name, "assert 1 == 2")
            } else {
                case_passed(&classname, &name)
            }
        })
        .collect()
}

/// The peak of the memory of `testplan report` over the records of a folder, in bytes, and how it ended.
fn peak_of_report(folder: &Path) -> (u64, Option<i32>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_testplan"))
        .args(["report", "--records", "records", "--out", "out"])
        .current_dir(folder)
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    // The system keeps the peak; it only has to be asked before the process is gone.
    let ended = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        let status = fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        peak = kib.map_or(peak, |kib| kib << 10);
        thread::sleep(Duration::from_millis(2));
    };
    (peak, ended.code())
}

fn takes_at_most_three_times_its_records(workers: i64, executions: i64, cases: i64, least: u64) {
    let folder = tempfile::tempdir().unwrap();
    let size = write_records(folder.path(), workers, executions, cases);
    assert!(size >= least, "{size} bytes of records");
    let (peak, code) = peak_of_report(folder.path());
    assert_eq!(code, Some(1), "some tests of these records failed");
    let junit = fs::read_to_string(folder.path().join("out/junit.xml")).unwrap();
    let written = junit.matches("<testcase ").count();
    assert_eq!(
        written,
        usize::try_from(workers * executions * cases).unwrap()
    );
    assert!(peak > 0, "its memory could not be read");
    assert!(
        peak <= 3 * size + FIXED,
        "{size} bytes of records took {peak} bytes of memory"
    );
}

#[test]
fn many_cases_take_at_most_three_times_the_memory_of_their_records() {
    takes_at_most_three_times_its_records(10, 2, 13_000, 30 << 20);
}

#[test]
fn many_executions_take_at_most_three_times_the_memory_of_their_records() {
    takes_at_most_three_times_its_records(4, 4_000, 1, 10 << 20);
}
