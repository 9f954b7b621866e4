//! Results take long to be delivered: the next test runs meanwhile and keeps its lease, the next call of many tests waits.

use serde_json::json;

use crate::support::{PlanFile, Process, Service, Stage, Tap, until};

/// A worker whose requests pass a tap.
fn start_worker(stage: &Stage, service: &Service, tap: &Tap, plan: i64, flags: &str) -> Process {
    stage
        .testplan("work")
        .flags("--url")
        .arg(&tap.url)
        .flags("--token-file")
        .arg(service.token_file())
        .on(plan)
        .flags(flags)
        .start()
}

#[test]
fn next_test_runs_and_keeps_its_lease_while_a_result_is_delivered() {
    let stage = Stage::new();
    let test = stage.script("test.sh", r#"echo "$TESTPLAN_EXECUTION_ID" >> ran"#);
    PlanFile::run_with(&test).numbered("s", 3).on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let tap = Tap::before(&service);
    tap.hold_back("POST /execution/v1/finished/");
    let slow = start_worker(
        &stage,
        &service,
        &tap,
        plan,
        "--workers 1 --out slow --lease 2s",
    );
    let count = |kind: &str| {
        let events = service.events(plan);
        events.iter().filter(|event| event.kind == kind).count()
    };
    stage.wait_for_lines("ran", 2);
    // Longer than both leases.
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(count("reserved"), 2, "a worker owes at most two results");
    tap.let_go();
    slow.end().code_is(0);

    assert_eq!(stage.lines("ran").len(), 3);
    // A result under way renews its lease no more: the first counts although its lease ended. The second kept its own.
    assert_eq!((count("expired"), count("finished")), (1, 3));
    let report = stage
        .testplan("report")
        .at(&service)
        .on(plan)
        .flags("--format json --records slow/records --out report")
        .run()
        .code_is(0)
        .json();
    for (word, count) in [("total", 3), ("passed", 3), ("recovered", 0)] {
        assert_eq!(report[word], count, "{word}");
    }
}

#[test]
fn next_call_of_many_tests_waits_until_the_results_of_the_last_one_are_delivered() {
    let stage = Stage::new();
    let tool = stage.script(
        "tool",
        r#"results=$1; shift
           echo "$#" >>calls
           for test; do cases="$cases<testcase classname='s' name='$test' time='0.001'/>"; done
           echo "<testsuite>$cases</testsuite>" >"$results/r.xml""#,
    );
    PlanFile::run_with(&tool)
        .runner("command", json!([tool, "{results}", "{tests}"]))
        .runner("test", "{testcase}")
        .runner("results", json!({ "format": "junit" }))
        .numbered("s", 40)
        .on(&stage);
    let service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let tap = Tap::before(&service);
    tap.hold_back("/finished");
    let worker = start_worker(&stage, &service, &tap, plan, "--workers 1 --out out");
    until("the results of the first call to be on their way", || {
        tap.requests().contains("/finished").then_some(())
    });
    // Far longer than a reservation and the start of a call take.
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(stage.lines("calls"), ["10"]);
    tap.let_go();
    worker.end().code_is(0);
    let calls: Vec<usize> = (stage.lines("calls").iter())
        .map(|tests| tests.parse().unwrap())
        .collect();
    assert_eq!(calls.iter().sum::<usize>(), 40, "{calls:?}");
    assert!(calls[1] > 20, "it knows the durations: {calls:?}");
}
