//! What is predicted of plans in single states.

use super::*;
use crate::model::{Capabilities, ExecutionId, PlanStatus};

fn test(since: i64, expected: u64) -> (String, RunningTest) {
    let test = RunningTest {
        execution_id: ExecutionId(1),
        suite: String::new(),
        testcase: String::new(),
        attempt: 1,
        since_dt: since,
        lease_dt: 0,
        expected_ms: (expected > 0).then_some(expected),
        squish_server: None,
    };
    ("w".to_owned(), test)
}

fn workers(workers: u64) -> Vec<KnownWorker> {
    vec![KnownWorker {
        name: "w".to_owned(),
        offered: Capabilities::default(),
        allocate_server: false,
        last: Timestamp(0),
        workers,
    }]
}

fn open(count: u64) -> Vec<CapabilityCounts> {
    let counts = PlanStatus {
        open: count,
        ..PlanStatus::default()
    };
    vec![CapabilityCounts {
        required: Capabilities::default(),
        counts,
        ..CapabilityCounts::default()
    }]
}

fn work(longest: &[u64], known: u64, total: u64) -> RemainingWork {
    RemainingWork {
        open: vec![OpenWork {
            required: Capabilities::default(),
            longest: longest.iter().copied().map(Duration::from_millis).collect(),
            known,
            total: Duration::from_millis(total),
        }],
        results: Vec::new(),
    }
}

fn left(
    work: &RemainingWork,
    counts: &[CapabilityCounts],
    workers: &[KnownWorker],
    running: &[(String, RunningTest)],
) -> Option<u128> {
    let plan = RunningPlan {
        work,
        counts,
        workers,
        running,
        label_case: LabelCase::Folded,
    };
    time_left(&plan, Timestamp(1_000)).map(|it| it.as_millis())
}

#[test]
fn worker_is_busy_with_the_rest_of_its_batch() {
    let batch = [test(400, 1_000), test(400, 500), test(0, 300)];
    let left = |many, running: &[_]| left(&work(&[], 0, 0), &[], &workers(many), running);
    assert_eq!(left(1, &batch), Some(400 + 500 + 300));
    assert_eq!(
        left(2, &batch),
        Some(400 + 300),
        "the second is over its time"
    );
    assert_eq!(left(2, &[]), Some(0));
}

#[test]
fn longest_open_tests_were_handed_out_since_the_list_was_read() {
    let work = work(&[900, 500, 400], 5, 2_300);
    let left = |count| left(&work, &open(count), &workers(1), &[]);
    assert_eq!(left(5), Some(2_300));
    assert_eq!(left(4), Some(1_400));
    assert_eq!(left(2), Some(500), "the two that are not listed");
}

#[test]
fn nothing_is_predicted_of_tests_that_nothing_is_known_of() {
    let none = work(&[], 0, 0);
    assert_eq!(left(&none, &open(2), &workers(1), &[]), None);
    assert_eq!(left(&none, &[], &workers(1), &[test(0, 0)]), None);
    let one = work(&[600], 1, 600);
    assert_eq!(
        left(&one, &open(2), &workers(1), &[]),
        Some(1_200),
        "as long as the known one"
    );
    assert_eq!(left(&one, &open(2), &[], &[]), None, "no worker");
}
