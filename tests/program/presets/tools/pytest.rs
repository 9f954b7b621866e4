//! pytest, in sessions and in batches.

use crate::{
    presets::tool::{Does, Tool, any, none},
    support::Stage,
};

/// One process after the other takes the tests of a worker.
pub(crate) static PYTEST_SESSION: Tool = Tool {
    preset: "pytest",
    mode: "session",
    suite: "test_t.py",
    testcase,
    can_have: any,
    refuses: none,
    has_stream: false,
    exit_outcome: "error",
    refuses_unknown: false,
    program,
    run_all: &[],
    write,
};

pub(crate) static PYTEST_BATCH: Tool = Tool {
    preset: "pytest",
    mode: "batch",
    suite: "test_t.py",
    testcase,
    can_have: any,
    refuses: none,
    has_stream: false,
    exit_outcome: "error",
    refuses_unknown: true,
    program,
    run_all: &[],
    write,
};

const TESTS: &str = "
def act(name, does):
    with open('ran', 'a', encoding='utf-8') as ran:
        ran.write(name + '\\n')
    if does == 'exits':
        os._exit(0)
    while does == 'waits' and not os.path.exists('go'):
        time.sleep(0.02)
    assert does != 'fails', 'boom'

@pytest.mark.parametrize('does', [it[0] for it in TESTS], ids=[it[1] for it in TESTS])
def test_p(request, does):
    act(request.node.name, does)
";

fn program() -> Option<Vec<String>> {
    let python = std::env::var("TESTPLAN_PYTEST").ok();
    let python = python.filter(|path| !path.is_empty())?;
    Some(vec![python, "-m".to_owned(), "pytest".to_owned()])
}

fn testcase(name: &str) -> String {
    format!("test_p[{name}]")
}

fn write(stage: &Stage, tests: &[(&str, Does)]) {
    let tests = tests.iter().map(|(name, does)| (does.word(), *name));
    let list = serde_json::to_string(&tests.collect::<Vec<_>>()).unwrap();
    let text = format!("import os, time, pytest\nTESTS = {list}\n{TESTS}");
    stage.write(PYTEST_BATCH.suite, text);
}
