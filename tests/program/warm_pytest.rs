//! `runner: { preset: pytest }`: the tests of a plan in one pytest process per worker.

use std::process::Command;

use crate::support::{Stage, skip};

const TESTS: &str = "import os, pytest\n\n@pytest.fixture(scope='session')\ndef server():\n    \
                     open('servers', 'a').write(f'{os.getpid()}\\n')\n    yield\n    open('ends', 'a').write('end\\n')\n\n\
                     @pytest.mark.parametrize('n', range(40))\ndef test_n(n, server):\n    assert n != 7, 'seven is out'\n\n\
                     def test_exits(server):\n    os._exit(0)\n\ndef test_prints(server):\n    print('what it printed')\n    assert False\n";

#[test]
fn tests_of_a_plan_share_one_pytest_per_worker() {
    let python = std::env::var_os("TESTPLAN_PYTEST").unwrap_or_else(|| "python3".into());
    let asked = Command::new(&python).args(["-c", "import pytest"]).output();
    if !asked.is_ok_and(|answer| answer.status.success()) {
        skip::missing("no Python with pytest in TESTPLAN_PYTEST or on PATH");
        return;
    }
    let python = python.to_str().unwrap();
    let stage = Stage::with(&format!(
        "project: p\nrunner:\n  preset: pytest\n  program: [{python:?}, -m, pytest]\n  args: [tests]\n  timeout: 1m\n\
         templates:\n  - title: all\n    tests:\n      - discover:\n          command: [{python:?}, -m, pytest, --collect-only, -q, tests]\n          \
         line: '^(?<suite>[^:]+\\.py)::(?<testcase>.+)$'\n"
    ));
    stage.write("tests/test_it.py", TESTS);
    let ended = stage.testplan("run").flags("--workers 2").run();
    let summary = stage.read("testplan-out/summary.md");
    assert!(summary.contains("seven is out"), "{summary}\n{ended:?}");
    let junit = stage.read("testplan-out/junit.xml");
    assert!(
        junit.contains("tests=\"42\"") || junit.contains("tests='42'"),
        "{junit}"
    );
    assert!(junit.contains("what it printed"), "{junit}");
    assert!(junit.contains("while this test ran"), "{junit}");
    let servers = stage.lines("servers").len();
    assert!(
        servers <= 3,
        "{servers} session fixtures for two workers and one crash"
    );
    // The one whose process was ended has no end.
    assert_eq!(stage.lines("ends").len(), servers - 1);
}
