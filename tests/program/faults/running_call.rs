//! Results that were reported while a call of many tests runs: they count if the worker is killed in the middle of it, and a
//! call that fails as a whole afterwards is not forgotten.

use std::collections::BTreeSet;

use serde_json::json;
use testplan::model::{Outcome, record::RecordEvent};

use super::lease_holders::Workers;
use crate::{
    scenarios::house::Kind,
    support::{PlanFile, Records, Stage, until},
};

const FILES: usize = 12;
const TESTS_OF_FILE: usize = 10;
/// Tests of the call in which the worker is killed.
const CALLED: usize = 50;

/// A tool that reports each test while it runs, as the reporters do. The first call of fifty tests stops in its fourth file,
/// and fails without a failed test once `go` is there.
const TOOL: &str = r#"
event() { printf '\n{"t":"%s","pid":1%s}\n' "$1" "$2" >>"$TESTPLAN_EVENTS"; }
event run_start ',"v":1,"tool":"tool 1","final_files":true'
tests=$(wc -l <"$TESTPLAN_SELECTION")
echo "$tests" >>calls
count=0
code=0
before=
while IFS='	' read -r file name; do
    [ -z "$before" ] || [ "$before" = "$file" ] || event file_end ",\"file\":\"$before\""
    before=$file
    test="\"id\":\"$name\",\"file\":\"$file\",\"titles\":[\"$name\"]"
    event test_start ",$test"
    if [ "$tests" -ge 50 ] && [ "$count" = 35 ] && mkdir hung 2>/dev/null; then
        # Without the stage the test is over.
        until [ -e go ] || [ ! -e hung ]; do sleep 0.05; done
        code=1
    fi
    echo "$name" >>ran
    event test_end ",$test,\"status\":\"passed\",\"ms\":1"
    count=$((count + 1))
done <"$TESTPLAN_SELECTION"
event file_end ",\"file\":\"$before\""
event run_end
exit $code
"#;

/// A plan of the tool's tests.
fn workers(kind: Kind) -> Workers {
    let stage = Stage::new();
    let tool = stage.script("tool", TOOL);
    let mut file = PlanFile::run_with(&tool)
        .preset("playwright", &tool)
        .runner("batch", json!({ "target": "1h", "most": CALLED }));
    for number in 1..=FILES {
        let tests = (1..=TESTS_OF_FILE).map(|test| format!("t{number}-{test}"));
        file = file.tests(&format!("file{number}"), tests);
    }
    file.on(&stage);
    Workers::new(kind, stage)
}

/// Waits until a call of fifty tests stops and the results of its files that are done are confirmed to the worker. Returns all
/// tests with a confirmed result, and how many of them are of that call.
fn stopped(workers: &Workers, name: &str) -> (BTreeSet<String>, usize) {
    until("the call to stop", || {
        workers.house.stage.path("hung").exists().then_some(())
    });
    let calls: Vec<usize> = (workers.house.stage.lines("calls").iter())
        .map(|tests| tests.parse().unwrap())
        .collect();
    assert_eq!(calls.last(), Some(&CALLED), "{calls:?}");
    let ran = workers.house.stage.lines("ran");
    let before: usize = calls[..calls.len() - 1].iter().sum();
    // The tests of the files that are done, the last of these aside.
    let files: Vec<&str> = (ran.iter().skip(before))
        .map(|test| test.split('-').next().unwrap())
        .collect();
    let last = files[files.len() - 1];
    let last_done = files.iter().rev().find(|file| **file != last).unwrap();
    let done = files
        .iter()
        .filter(|file| **file != last && *file != last_done);
    let done = done.count();
    assert!(done >= TESTS_OF_FILE, "{ran:?}");
    let confirmed = until(
        "the results of the files that are done to be confirmed",
        || {
            let confirmed = workers.confirmed(name);
            (confirmed.len() == before + done).then_some(confirmed)
        },
    );
    (confirmed, done)
}

fn kill(kind: Kind) {
    let workers = workers(kind);
    let mut doomed = workers.work("doomed", "3s");
    let (confirmed, done) = stopped(&workers, "doomed");
    let held = workers.house.held(workers.plan);
    let reserved = held.values().filter(|it| it.state == "reserved").count();
    assert_eq!(reserved, CALLED - done, "{held:?}");
    doomed.kill();
    workers.work("heir", "60s").end().code_is(0);
    workers.all_done_once(FILES * TESTS_OF_FILE, &confirmed);
}

#[test]
fn fifty_tests_of_a_killed_worker_run_elsewhere_and_its_results_count() {
    kill(Kind::Ours);
}

#[test]
fn fifty_tests_of_a_killed_worker_run_elsewhere_at_test_center() {
    kill(Kind::TestCenter);
}

#[test]
fn call_that_fails_after_it_reported_results_fails_the_plan() {
    let workers = workers(Kind::Ours);
    let stage = &workers.house.stage;
    let worker = workers.work("w", "60s");
    let (confirmed, _) = stopped(&workers, "w");
    stage.write("go", "");
    worker.end().code_is(3);
    let records = Records::below(stage.path("w"));
    let errors = records.pick(|event| match event {
        RecordEvent::Ended {
            outcome: Outcome::ExecutionError { message, .. },
            ..
        } => Some(message.clone()),
        _ => None,
    });
    let why = "the call ended with exit code 1, and no result of its tests says why";
    assert!(
        !errors.is_empty() && errors.iter().all(|it| it == why),
        "{errors:?}"
    );
    let total = FILES * TESTS_OF_FILE;
    assert!(errors.len() <= total - confirmed.len(), "{errors:?}");
    assert_eq!(stage.lines("ran").len(), total, "no test ran again");
}
