//! Bounds of a test and of a run: time limits, leases, stops, fresh processes, processes that do not start.

use std::time::Duration;

use testplan::{
    model::{ExecutionId, Outcome},
    run::{Disposition, Phase, Runner as _, SessionEvent},
    runner::runner_settings::FreshProcess,
    warm::NotCollected,
};
use tokio::{sync::watch, time::timeout};

use super::stage::{Project, Way};
use crate::work_item::item_under_lease;

const LONG: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn hanging_test_ends_with_its_stack_and_output() {
    let tests = "import time\n\ndef test_before():\n    pass\n\ndef test_hangs():\n    print('before hang')\n    \
                 time.sleep(600)\n\ndef test_after():\n    pass\n";
    let Some(project) = Project::of_tests(tests) else {
        return;
    };
    let way = Way {
        time_limit: Some(Duration::from_secs(4)),
        ..Way::default()
    };
    let done = project.run(&way).await;
    assert_eq!(done.verdict("test_before"), "passed");
    assert_eq!(done.verdict("test_after"), "passed");
    assert_eq!(
        done.verdict("test_hangs"),
        "error: stopped after 4s (time limit)"
    );
    let tail = &done.attempt("test_hangs").output_tail;
    assert!(tail.contains("line 8 in test_hangs"), "{tail}");
    if cfg!(target_os = "linux") {
        assert!(tail.contains("before hang"), "{tail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn test_under_a_lost_lease_is_killed_and_others_go_on() {
    let tests =
        "import time\n\ndef test_long():\n    time.sleep(600)\n\ndef test_after():\n    pass\n";
    let Some(project) = Project::of_tests(tests) else {
        return;
    };
    let runner = project.runner(&Way::default());
    let (_phase, watched) = watch::channel(Phase::Working);
    let mut session = runner.start(watched);
    let (long, lease) = item_under_lease(ExecutionId(1), "test_it.py::test_long", 1);
    let (after, _kept) = item_under_lease(ExecutionId(2), "test_it.py::test_after", 1);
    let mut outcomes = Vec::new();
    let mut work = vec![after, long];
    while outcomes.len() < 2 {
        match timeout(LONG, session.next()).await.unwrap() {
            SessionEvent::Wants(_) => work
                .pop()
                .into_iter()
                .for_each(|item| session.take(vec![item])),
            SessionEvent::StartCost(_) => {}
            SessionEvent::Started { execution, .. } => {
                if execution == ExecutionId(1) {
                    lease.lose("another worker has it");
                }
            }
            SessionEvent::Ended { attempt, .. } => outcomes.push(attempt.outcome),
        }
    }
    assert_eq!(outcomes[0], Outcome::LeaseLost);
    assert!(
        matches!(outcomes[1], Outcome::Completed { .. }),
        "{outcomes:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_run_tears_down_its_fixtures() {
    let tests = "import time, pytest\nfrom pathlib import Path\n\n@pytest.fixture(scope='session')\ndef server():\n    \
                 yield\n    Path('torn-down').write_text('')\n\ndef test_long(server):\n    time.sleep(600)\n";
    let Some(project) = Project::of_tests(tests) else {
        return;
    };
    let runner = project.runner(&Way::default());
    let (phase, watched) = watch::channel(Phase::Working);
    let mut session = runner.start(watched);
    let (long, _lease) = item_under_lease(ExecutionId(1), "test_it.py::test_long", 1);
    let mut work = vec![long];
    let outcome = loop {
        match timeout(LONG, session.next()).await.unwrap() {
            SessionEvent::Wants(_) => work
                .pop()
                .into_iter()
                .for_each(|item| session.take(vec![item])),
            SessionEvent::StartCost(_) => {}
            SessionEvent::Started { .. } => {
                // The test itself must have begun for its fixture to be there.
                tokio::time::sleep(Duration::from_millis(500)).await;
                phase.send(Phase::Stopping).unwrap();
            }
            SessionEvent::Ended { attempt, .. } => break attempt.outcome,
        }
    };
    assert_eq!(outcome, Outcome::Cancelled);
    assert!(project.path("torn-down").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn process_that_does_not_start_is_an_error_with_its_words() {
    let Some(project) = Project::of_tests("def test_a():\n    pass\n") else {
        return;
    };
    let way = Way {
        arguments: vec!["--no-such-option".to_owned()],
        ..Way::default()
    };
    let NotCollected::Failed(why) = project.refusal(&way).await else {
        panic!("pytest itself was found");
    };
    assert!(
        why.contains("unrecognized arguments: --no-such-option"),
        "{why}"
    );
    let runner = project.runner(&way);
    let (_phase, watched) = watch::channel(Phase::Working);
    let mut session = runner.start(watched);
    let (test, _lease) = item_under_lease(ExecutionId(1), "test_it.py::test_a", 1);
    let mut work = vec![test];
    let disposition = loop {
        match timeout(LONG, session.next()).await.unwrap() {
            SessionEvent::Wants(_) => work
                .pop()
                .into_iter()
                .for_each(|item| session.take(vec![item])),
            SessionEvent::StartCost(_) => {}
            SessionEvent::Started { .. } => panic!("nothing can start"),
            SessionEvent::Ended { attempt, .. } => break attempt.disposition,
        }
    };
    let Disposition::NotStarted { reason } = disposition else {
        panic!("{disposition:?}");
    };
    assert!(reason.contains("--no-such-option"), "{reason}");
}

const PIDS: &str = "import os\nimport pytest\n\n@pytest.mark.parametrize('n', range(TESTS))\ndef test_n(n):\n    \
                    open('pids', 'a').write(f'{os.getpid()}\\n')\n    assert n != 2\n";

async fn process_sizes(tests: usize, fresh: FreshProcess) -> Option<Vec<usize>> {
    let project = Project::of_tests(&PIDS.replace("TESTS", &tests.to_string()))?;
    let way = Way {
        fresh,
        ..Way::default()
    };
    let done = project.run(&way).await;
    assert_eq!(done.attempts.len(), tests);
    let pids = project.read("pids");
    let pids: Vec<&str> = pids.lines().collect();
    Some(pids.chunk_by(|a, b| a == b).map(<[_]>::len).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn fresh_process_after_so_many_tests() {
    let fresh = FreshProcess {
        after_tests: Some(4),
        ..FreshProcess::default()
    };
    let sizes = process_sizes(6, fresh).await;
    assert!(sizes.is_none_or(|sizes| sizes == [4, 2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn fresh_process_after_a_failure() {
    let fresh = FreshProcess {
        after_failure: true,
        ..FreshProcess::default()
    };
    let sizes = process_sizes(6, fresh).await;
    assert!(sizes.is_none_or(|sizes| sizes == [3, 3]));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn fresh_process_beyond_a_size() {
    let fresh = FreshProcess {
        after_mib: Some(1),
        ..FreshProcess::default()
    };
    let sizes = process_sizes(2, fresh).await;
    assert!(sizes.is_none_or(|sizes| sizes == [1, 1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn second_process_starts_while_the_first_collects_for_long() {
    let tests = "import os, time\n\nopen('imports', 'a').write(f'{os.getpid()}\\n')\ntime.sleep(2)\n\n\
                 def test_a():\n    pass\n\ndef test_b():\n    pass\n";
    for workers in [1, 2] {
        let Some(project) = Project::of_tests(tests) else {
            return;
        };
        let way = Way {
            workers,
            // A second process for two tests would not pay once they are known.
            open_tests: 2,
            ..Way::default()
        };
        let done = project.run(&way).await;
        let verdicts = done.verdicts();
        assert!(verdicts.values().all(|it| it == "passed"), "{verdicts:?}");
        assert_eq!(verdicts.len(), 2);
        assert_eq!(project.read("imports").lines().count(), workers);
    }
}
