//! Workers with a warm pytest, which hold many short tests at a time: killed, stopped, and what comes of all they held.

use std::{process::Command, time::Duration};

use rustix::process::Signal;
use serde_json::json;
use testplan::model::record::RecordEvent;

use super::lease_holders::Workers;
use crate::{
    scenarios::house::Kind,
    support::{Process, Records, Stage, skip, until},
};

const TESTS: usize = 200;
/// The test that hangs when it first runs.
const HANGS: usize = 120;
/// What a CI leaves between its first signal and its last is a little more.
const IN_TIME: Duration = Duration::from_secs(7);
/// Clearly less than the grace that a first signal gives to tests.
const AT_ONCE: Duration = Duration::from_millis(2500);

/// A stage of short tests, of which one hangs the first time; `None` without pytest. With `stubborn` it ignores SIGINT.
pub(super) fn stage(stubborn: bool) -> Option<Stage> {
    let python = std::env::var_os("TESTPLAN_PYTEST").unwrap_or_else(|| "python3".into());
    let asked = Command::new(&python).args(["-c", "import pytest"]).output();
    if !asked.is_ok_and(|answer| answer.status.success()) {
        skip::missing("no Python with pytest in TESTPLAN_PYTEST or on PATH");
        return None;
    }
    let stage = Stage::new();
    let ignores = if stubborn {
        "signal.signal(signal.SIGINT, signal.SIG_IGN)"
    } else {
        "pass"
    };
    stage.write(
        "tests/test_it.py",
        format!(
            "import os, pytest, signal, time\n\n\
             @pytest.mark.parametrize('n', range({TESTS}))\ndef test_n(n):\n    \
             with open('ran', 'a') as ran:\n        ran.write(f'test_n[{{n}}]\\n')\n    \
             if n == {HANGS} and not os.path.exists('hangs'):\n        {ignores}\n        \
             open('hangs', 'w').write(f'{{os.getpid()}}\\n')\n        \
             while os.path.exists('hangs'):\n            time.sleep(0.05)\n"
        ),
    );
    let testcases: Vec<String> = (0..TESTS).map(|n| format!("test_n[{n}]")).collect();
    let file = json!({
        "project": "p",
        "runner": {
            "preset": "pytest",
            "program": [python.to_str().unwrap(), "-m", "pytest"],
            "args": ["tests"],
            "timeout": "1m",
        },
        "templates": [{
            "title": "T",
            "tests": [{ "suite": "tests/test_it.py", "testcases": testcases }],
        }],
    });
    stage.write("testplan.yml", file.to_string());
    Some(stage)
}

/// Starts a worker and waits until its test hangs, and all that ended before is confirmed.
fn hanging(workers: &Workers, name: &str, lease: &str) -> Process {
    let worker = workers.work(name, lease);
    workers.house.stage.wait_for_lines("hangs", 1);
    let records = Records::below(workers.house.stage.path(name));
    until("an answer to all results, and tests held ahead", || {
        let ended = records.pick(|event| match event {
            RecordEvent::Ended { execution, .. } => Some(*execution),
            _ => None,
        });
        let ran = workers.house.stage.lines("ran").len();
        // How many it holds beside the running one depends on how fast the machine is.
        let held = workers.house.held(workers.plan);
        let reserved = held.values().filter(|it| it.state == "reserved").count();
        let all_confirmed = ended.len() + 1 == ran && ended.len() == workers.confirmed(name).len();
        (all_confirmed && reserved >= 2).then_some(())
    });
    worker
}

fn kill(kind: Kind) {
    let Some(stage) = stage(false) else { return };
    let workers = Workers::new(kind, stage);
    let mut doomed = hanging(&workers, "doomed", "3s");
    let confirmed = workers.confirmed("doomed");
    assert!(confirmed.len() >= HANGS / 2, "{confirmed:?}");
    doomed.kill();
    let heir = workers.work("heir", "60s");
    heir.end().code_is(0);
    workers.all_done_once(TESTS, &confirmed);
    std::fs::remove_file(workers.house.stage.path("hangs")).unwrap();
}

#[test]
fn tests_of_a_killed_warm_worker_run_elsewhere_and_its_results_count() {
    kill(Kind::Ours);
}

#[test]
fn tests_of_a_killed_warm_worker_run_elsewhere_at_test_center() {
    kill(Kind::TestCenter);
}

fn stop(kind: Kind, stubborn: bool) {
    let Some(stage) = stage(stubborn) else { return };
    let workers = Workers::new(kind, stage);
    let mut stopped = hanging(&workers, "stopped", "60s");
    let confirmed = workers.confirmed("stopped");
    stopped.send(Signal::TERM);
    if stubborn {
        stopped.wait_for_word("stopping (SIGTERM)");
        stopped.send(Signal::TERM);
        stopped.end_within(AT_ONCE).code_is(143);
    } else {
        stopped.end_within(IN_TIME).code_is(143);
    }
    for (name, held) in workers.house.held(workers.plan) {
        let expected = if confirmed.contains(&name) {
            ("done", 1)
        } else {
            ("open", 0)
        };
        assert_eq!((held.state, held.results.len()), expected, "{name}");
    }
    workers.work("heir", "60s").end().code_is(0);
    workers.all_done_once(TESTS, &confirmed);
}

#[test]
fn stopped_warm_worker_releases_all_that_it_holds() {
    stop(Kind::Ours, false);
}

#[test]
fn stopped_warm_worker_releases_all_that_it_holds_at_test_center() {
    stop(Kind::TestCenter, false);
}

#[test]
fn second_signal_ends_a_warm_worker_at_once_and_all_that_it_holds_is_released() {
    stop(Kind::Ours, true);
}
