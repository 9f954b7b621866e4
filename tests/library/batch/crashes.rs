//! Calls that do not end in order.

use super::workbench::{Way, Workbench};

const TEN: [&str; 10] = [
    "s::a", "s::b", "s::c", "s::d", "s::XX", "s::f", "s::g", "s::h", "s::i", "s::j",
];

async fn with_fifth(name: &'static str, way: &Way<'_>) -> (Workbench, super::workbench::Done) {
    let bench = Workbench::new(way);
    let names = TEN.map(|it| if it == "s::XX" { name } else { it });
    let done = bench.run(&names).await;
    assert_eq!(done.with_verdict("passed").len(), 9, "{done:?}");
    (bench, done)
}

#[tokio::test]
async fn killed_call_costs_the_test_that_ran_and_no_other() {
    let (bench, done) = with_fifth("s::kills", &Way::default()).await;
    let killed = done.verdict("s::kills");
    assert!(killed.contains("killed by SIGKILL"), "{killed}");
    assert_eq!((done.released(), bench.calls()), (10, 11));
    let released = &done.end("s::a").released;
    assert!(
        released.len() == 1 && released[0].contains("SIGKILL"),
        "{released:?}"
    );
}

#[tokio::test]
async fn call_that_exits_midway_proves_nothing() {
    let (bench, done) = with_fifth("s::exit0", &Way::default()).await;
    let exited = done.verdict("s::exit0");
    assert!(exited.starts_with("error: no result file"), "{exited}");
    assert_eq!((done.released(), bench.calls()), (10, 11));
}

#[tokio::test]
async fn test_that_hangs_is_found_alone() {
    let way = Way {
        keys: "  timeout: 2s\n  batch: { most: 5 }\n",
        ..Way::default()
    };
    let (bench, done) = with_fifth("s::hangs", &way).await;
    let hung = done.verdict("s::hangs");
    assert!(hung.contains("stopped after 2s"), "{hung}");
    assert_eq!((done.released(), bench.calls()), (5, 2 + 5));
    assert!(
        done.end("s::a").released[0].contains("time limit of 10s"),
        "{done:?}"
    );
}

#[tokio::test]
async fn files_that_were_complete_before_the_crash_count() {
    let bench = Workbench::new(&Way {
        environment: "EACH: 1",
        ..Way::default()
    });
    let done = bench
        .run(&["s::a", "s::fails", "s::slow", "s::kills", "s::z"])
        .await;
    assert_eq!(done.with_verdict("passed"), ["s::a", "s::slow", "s::z"]);
    assert_eq!(done.verdict("s::fails"), "failed");
    for (name, released) in [
        ("s::a", 0),
        ("s::fails", 0),
        ("s::slow", 1),
        ("s::kills", 1),
        ("s::z", 1),
    ] {
        assert_eq!(done.end(name).released.len(), released, "{name}");
    }
}
