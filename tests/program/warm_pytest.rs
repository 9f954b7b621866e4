//! `runner: pytest` is a whole testplan.yml: one process lists the tests and runs them, one per worker.

use std::process::Command;

use crate::support::{Ended, Stage, skip};

const TESTS: &str = "import os, pytest\n\n@pytest.fixture(scope='session')\ndef server():\n    \
                     open('servers', 'a').write(f'{os.getpid()}\\n')\n    yield\n    open('ends', 'a').write('end\\n')\n\n\
                     @pytest.mark.parametrize('n', range(40))\ndef test_n(n, server):\n    assert n != 7, 'seven is out'\n\n\
                     def test_exits(server):\n    os._exit(0)\n\ndef test_prints(server):\n    print('what it printed')\n    assert False\n";

/// The Python of the tests; `None` without pytest.
fn python() -> Option<String> {
    let python = std::env::var_os("TESTPLAN_PYTEST").unwrap_or_else(|| "python3".into());
    let asked = Command::new(&python).args(["-c", "import pytest"]).output();
    if !asked.is_ok_and(|answer| answer.status.success()) {
        skip::missing("no Python with pytest in TESTPLAN_PYTEST or on PATH");
        return None;
    }
    Some(python.to_str().unwrap().to_owned())
}

/// A project whose testplan.yml has nothing but the preset and `keys`.
fn stage(keys: &str, tests: &str) -> Option<Stage> {
    let python = python()?;
    let stage = Stage::with(&format!(
        "runner:\n  preset: pytest\n  program: [{python:?}, -m, pytest]\n{keys}"
    ));
    stage.write("tests/test_it.py", tests);
    // Each collection leaves a line.
    stage.write(
        "conftest.py",
        "def pytest_collection_finish(session):\n    open('collections', 'a').write('one\\n')\n",
    );
    Some(stage)
}

fn printed(ended: &Ended) -> String {
    format!("{}{}", ended.stdout, ended.stderr)
}

#[test]
fn tests_of_a_plan_share_one_pytest_per_worker() {
    let Some(stage) = stage("  paths: [tests]\n  timeout: 1m\n", TESTS) else {
        return;
    };
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
        servers <= 4,
        "{servers} session fixtures for two workers and two crashes of one test"
    );
    // Those whose process was ended have no end.
    assert_eq!(stage.lines("ends").len(), servers - 2);
    assert!(
        stage.lines("collections").len() <= 4,
        "no process but those of the workers has collected"
    );
}

#[test]
fn fixtures_of_modules_are_set_up_once_but_for_the_last_ones() {
    const MODULES: usize = 20;
    let tests = "import os, pytest\n\n@pytest.fixture(scope='module', params='ab')\ndef shared(request):\n    \
                 open('set-ups', 'a').write(f'{os.getpid()} {request.param}\\n')\n\n\
                 @pytest.mark.parametrize('n', range(10))\ndef test_n(n, shared):\n    pass\n";
    // pytest-randomly would mix the modules.
    let Some(stage) = stage("  paths: [tests]\n  args: [-p, 'no:randomly']\n", tests) else {
        return;
    };
    for module in 1..MODULES {
        stage.write(&format!("tests/test_{module}.py"), tests);
    }
    let ended = stage.testplan("run").flags("--workers 2").run();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let (set_ups, least) = (stage.lines("set-ups").len(), MODULES * 2);
    // Both workers may share the last module, and the one before while the second process starts.
    assert!(set_ups <= least + 4, "{set_ups} set-ups, {least} at least");
}

#[test]
fn names_come_back_exactly() {
    let tests = "# coding: utf-8\nimport pytest\n\n@pytest.mark.parametrize('v', ['a::b', 'x[y]', ' trail ', 'grün', 'n\\nl', '-k', '*?', 'q\"\\'', 'l' * 300])\n\
                 def test_p(v):\n    assert v\n";
    let Some(stage) = stage("", tests) else {
        return;
    };
    stage.write(
        "tests/sub dir/test_ü.py",
        "class TestC:\n    def test_m(self):\n        pass\n",
    );
    let ended = stage.testplan("run").run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let listed = stage.testplan("list").flags("--format json").run();
    let json: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(json["taken"], 10, "{listed:?}");
    let json = json.to_string();
    assert!(json.contains("tests/sub dir/test_ü.py"), "{json}");
    assert!(json.contains("test_p[ trail ]"), "{json}");
}

#[test]
fn file_that_cannot_be_collected_fails_the_run() {
    let Some(stage) = stage("", "def test_a():\n    pass\n") else {
        return;
    };
    stage.write("tests/test_broken.py", "import no_such_module\n");
    let ended = stage.testplan("run").flags("--workers 2").run();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let said = printed(&ended);
    assert!(
        said.contains("tests/test_broken.py") && said.contains("no_such_module"),
        "{said}"
    );
    for file in ["testplan-out/junit.xml", "testplan-out/summary.md"] {
        let text = stage.read(file);
        assert!(text.contains("No module named"), "{file}: {text}");
        assert!(text.contains("test_broken"), "{file}: {text}");
    }
}

#[test]
fn project_that_allows_no_session_gets_a_process_per_test() {
    let own_loop = "def pytest_runtestloop(session):\n    for item in session.items:\n        \
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)\n    return True\n";
    let Some(stage) = stage(
        "",
        "def test_a():\n    pass\n\ndef test_b():\n    assert False\n",
    ) else {
        return;
    };
    stage.write("conftest.py", own_loop);
    let ended = stage.testplan("run").run();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let said = printed(&ended);
    assert!(
        said.contains("each test runs in a process of its own: the plugin"),
        "{said}"
    );
    assert!(
        said.contains("1 passed") && said.contains("1 failed"),
        "{said}"
    );
}

#[test]
fn tests_see_the_plan_and_the_capabilities_of_their_worker() {
    let tests = "import os\n\ndef test_a():\n    assert os.environ['TESTPLAN_PLAN_ID'].isdigit()\n    \
                 assert os.environ['TESTPLAN_PROJECT'] and os.environ['TESTPLAN_BATCH']\n    \
                 assert os.environ['TESTPLAN_CAPABILITY_OS'] == 'Linux' == os.environ['SYSTEM']\n";
    let Some(stage) = stage("  environment: { SYSTEM: \"{capability.OS}\" }\n", tests) else {
        return;
    };
    let ended = stage.testplan("run").flags("--capability OS=Linux").run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let without = stage.testplan("run").run();
    assert!(
        printed(&without).contains("start it with --capability OS=VALUE"),
        "{without:?}"
    );
}

#[test]
fn projects_without_tests_and_machines_without_pytest_are_explained() {
    let Some(empty) = stage("", "") else {
        return;
    };
    let ended = empty.testplan("run").run();
    let said = printed(&ended);
    assert!(
        said.contains("pytest 9") && said.contains("collected none"),
        "{said}"
    );

    let deselected = stage("  args: [-k, nothing]\n", "def test_a():\n    pass\n").unwrap();
    let said = printed(&deselected.testplan("run").run());
    assert!(
        said.contains("1 test: deselected by the project's settings"),
        "{said}"
    );

    for program in [
        "[no-such-pytest]",
        "[python3, -c, \"print('I am no pytest')\"]",
    ] {
        let stage = Stage::with(&format!(
            "runner: {{ preset: pytest, program: {program} }}\n"
        ));
        let said = printed(&stage.testplan("run").run());
        assert!(said.contains("pytest 7 or later is needed"), "{said}");
        assert!(
            said.contains("no-such-pytest") || said.contains("I am no pytest"),
            "{said}"
        );
    }
}
