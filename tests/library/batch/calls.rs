//! Calls that end in order.

use std::fs;

use testplan::{
    batch::BatchRunner,
    config::plan_file::PlanFile,
    model::{Capabilities, ExecutionId, PlanId, SquishServer, SquishServerId, TestVerdict},
    result_file::{self, Scenarios},
    run::{Phase, Runner as _, SessionEvent},
    single::TestSetup,
};
use tokio::sync::watch;

use super::workbench::{Way, Workbench, verdict};
use crate::work_item::item_under_lease;

const TEN: [&str; 10] = [
    "s::a", "s::b", "s::c", "s::d", "s::e", "s::f", "s::g", "s::h", "s::i", "s::j",
];

#[tokio::test]
async fn many_tests_share_one_call() {
    let bench = Workbench::new(&Way::default());
    let mut names = TEN.to_vec();
    names.extend(["s::fails", "s::skips"]);
    let done = bench.run(&names).await;
    assert_eq!(done.with_verdict("passed"), TEN);
    assert_eq!(
        (done.verdict("s::fails"), done.verdict("s::skips")),
        ("failed".into(), "skipped".into())
    );
    assert_eq!((bench.calls(), done.released()), (1, 0));
    assert_eq!(bench.ran(), names);
    let failed = &done.end("s::fails").attempt;
    assert!(failed.output_tail.contains("running fails"), "{failed:?}");
    assert_eq!((failed.cases.len(), failed.duration.as_millis()), (1, 10));
    let passed = &done.end("s::a").attempt;
    assert_eq!(
        (passed.output_tail.as_str(), &passed.log),
        ("", &failed.log)
    );
    assert!(passed.results.is_none(), "the folder is that of all tests");
    let log = bench.path("out").join(failed.log.as_ref().unwrap());
    assert!(fs::read_to_string(log).unwrap().contains("running a\n"));
    assert_eq!(done.start_costs.len(), 1);
}

#[tokio::test]
async fn unknown_test_costs_no_other_one() {
    for unknown in ["refuse", "ignore"] {
        let environment = format!("UNKNOWN: {unknown}");
        let bench = Workbench::new(&Way {
            environment: &environment,
            ..Way::default()
        });
        let mut names = TEN.to_vec();
        names[6] = "s::gone";
        let done = bench.run(&names).await;
        assert_eq!(done.with_verdict("passed").len(), 9, "{done:?}");
        let gone = done.verdict("s::gone");
        assert!(gone.starts_with("error: "), "{gone}");
        assert!(bench.calls() <= 8, "{} calls", bench.calls());
        let ran = bench.ran();
        let twice = ran.iter().filter(|name| *name != "s::gone").count();
        assert_eq!(twice, 9, "none of the others ran twice: {ran:?}");
    }
}

#[tokio::test]
async fn renamed_test_is_neither_passed_nor_failed() {
    let bench = Workbench::new(&Way::default());
    let done = bench.run(&["s::a", "s::renamed", "s::b"]).await;
    assert_eq!(done.with_verdict("passed"), ["s::a", "s::b"]);
    let renamed = done.verdict("s::renamed");
    assert!(
        renamed.contains("none is named like the requested test"),
        "{renamed}"
    );
    assert_eq!(done.end("s::renamed").released.len(), 1);
}

#[tokio::test]
async fn failure_that_no_result_explains_is_not_green() {
    let bench = Workbench::new(&Way {
        environment: "CODE: 1",
        keys: "  batch: { most: 3 }\n",
        ..Way::default()
    });
    let done = bench.run(&TEN[..9]).await;
    assert_eq!(done.with_verdict("failed").len(), 9, "{done:?}");
    let reason = &done.end("s::a").released[0];
    assert!(
        reason.contains("exit code 1, and no result of its tests says why"),
        "{reason}"
    );
    assert_eq!(
        bench.calls(),
        2 + 9,
        "after two such calls each test has its own"
    );
}

#[tokio::test]
async fn names_of_cases_follow_the_pattern() {
    let bench = Workbench::new(&Way {
        keys: "  case: \"{classname}::{name}\"\n",
        ..Way::default()
    });
    let done = bench.run(&["s::a b", "s::a-b", "s::renamed"]).await;
    assert_eq!(done.with_verdict("passed"), ["s::a b", "s::a-b"]);
    let renamed = done.verdict("s::renamed");
    assert!(
        renamed.contains("none is called \"s::renamed\""),
        "{renamed}"
    );
    assert_eq!(bench.calls(), 2);
}

#[tokio::test]
async fn test_with_a_squish_server_has_a_call_of_its_own() {
    let bench = Workbench::new(&Way::default());
    let mut session = bench.session();
    let mut items: Vec<_> = (1..=3)
        .map(|n| item_under_lease(ExecutionId(n), &format!("s::t{n}"), 1))
        .collect();
    let mut granted = (*items[1].0.granted).clone();
    granted.server = Some(SquishServer {
        id: SquishServerId(1),
        enabled: true,
        host: "lab-3".into(),
        port: "4322".into(),
        labels: Capabilities::default(),
        busy_with: None,
        busy_test: None,
        cooling: None,
        note: String::new(),
    });
    items[1].0.granted = granted.into();
    let (work, _leases): (Vec<_>, Vec<_>) = items.into_iter().unzip();
    session.take(work);
    let mut ended = 0;
    while ended < 3 {
        if let SessionEvent::Ended { attempt, .. } = session.next().await {
            assert_eq!(verdict(&attempt), "passed");
            ended += 1;
        }
    }
    assert_eq!(bench.calls(), 2);
}

#[tokio::test]
async fn each_test_of_a_call_gets_its_own_results_to_upload() {
    let bench = Workbench::new(&Way {
        writes_results: true,
        ..Way::default()
    });
    let done = bench.run(&["s::a", "s::fails <b>"]).await;
    for (name, expected) in [
        ("s::a", TestVerdict::Passed),
        ("s::fails <b>", TestVerdict::Failed),
    ] {
        let folder = done.end(name).attempt.results.clone().unwrap();
        let text = fs::read(folder.join("junit.xml")).unwrap();
        let read = result_file::read("x", &text[..], Scenarios::Each).unwrap();
        assert_eq!(read.cases.len(), 1, "{name}");
        assert_eq!(format!("s::{}", read.cases[0].name), name);
        assert_eq!(
            verdict(&done.end(name).attempt),
            format!("{expected:?}").to_lowercase()
        );
    }
}

#[tokio::test]
async fn test_whose_own_results_cannot_be_written_could_not_run() {
    let bench = Workbench::new(&Way {
        writes_results: true,
        ..Way::default()
    });
    // A file in the place of the folder.
    let results = bench.path("out/results");
    fs::create_dir_all(&results).unwrap();
    fs::write(results.join("1-1-1-s-a"), "").unwrap();
    let done = bench.run(&["s::a", "s::b"]).await;
    let why = "error: its results could not be written for their upload";
    assert_eq!(done.verdict("s::a"), why);
    assert_eq!(done.verdict("s::b"), "passed");
}

#[tokio::test]
async fn lost_lease_ends_its_execution_and_the_last_one_the_call() {
    let bench = Workbench::new(&Way::default());
    let mut session = bench.session();
    let (first, first_lease) = item_under_lease(ExecutionId(1), "s::hangs", 1);
    let (second, second_lease) = item_under_lease(ExecutionId(2), "s::b", 1);
    session.take(vec![first, second]);
    let mut pids = Vec::new();
    while pids.len() < 2 {
        if let SessionEvent::Started { pid, .. } = session.next().await {
            pids.push(pid);
        }
    }
    assert_eq!(pids[0], pids[1]);
    for (lease, execution) in [(second_lease, 2), (first_lease, 1)] {
        lease.lose("taken away");
        let SessionEvent::Ended {
            execution: ended,
            attempt,
        } = session.next().await
        else {
            panic!("its end comes first");
        };
        assert_eq!(
            (ended, verdict(&attempt)),
            (ExecutionId(execution), "lease lost".to_owned())
        );
    }
    assert!(matches!(session.next().await, SessionEvent::Wants(_)));
    assert!(!std::path::Path::new(&format!("/proc/{}", pids[0])).exists());
}

#[tokio::test]
async fn stopped_run_cancels_all_tests_of_a_call() {
    let bench = Workbench::new(&Way::default());
    let mut session = bench.session();
    let (work, _leases): (Vec<_>, Vec<_>) = ["s::hangs", "s::b"]
        .iter()
        .zip(1..)
        .map(|(name, n)| item_under_lease(ExecutionId(n), name, 1))
        .unzip();
    session.take(work);
    let mut cancelled = 0;
    while cancelled < 2 {
        match session.next().await {
            SessionEvent::Started { .. } => drop(bench.sends.send(Phase::Stopping)),
            SessionEvent::Ended { attempt, .. } => {
                assert_eq!(verdict(&attempt), "cancelled");
                cancelled += 1;
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn tools_that_load_files_want_whole_suites() {
    for (runner, expected) in [
        ("jest", Some(Vec::new())),
        ("ctest", None),
        (
            "{ command: [x, '{tests}'], test: '{testcase}', results: { format: junit } }",
            None,
        ),
    ] {
        let file = PlanFile::parse("t.yml", &format!("runner: {runner}\n")).unwrap();
        let setup = TestSetup {
            runner: file.runner.unwrap(),
            out: std::env::temp_dir(),
            plan: PlanId(1),
            offered: Capabilities::default(),
            capture_limit: 1024,
        };
        let (_phases, phase) = watch::channel(Phase::Working);
        let mut session = BatchRunner::new(setup, false).unwrap().start(phase);
        let event = session.next().await;
        let SessionEvent::Wants(options) = event else {
            panic!("{event:?}");
        };
        assert_eq!(options.near, expected, "{runner}");
    }
}
