//! Python's unittest.

use crate::{
    presets::tool::{Does, Tool, any, none, starts},
    support::Stage,
};

pub(crate) static UNITTEST: Tool = Tool {
    preset: "unittest",
    mode: "batch",
    suite: "test_t.py",
    testcase,
    can_have: any,
    refuses: none,
    has_stream: true,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || starts("python3").then(|| vec!["python3".to_owned()]),
    run_all: &["-m", "unittest"],
    write,
};

const TESTS: &str = "
def act(name, does):
    def test(self):
        with open('ran', 'a', encoding='utf-8') as ran:
            ran.write('T.test ' + name + '\\n')
        if does == 'exits':
            os._exit(0)
        while does == 'waits' and os.path.exists('test_t.py') and not os.path.exists('go'):
            time.sleep(0.02)
        self.assertNotEqual(does, 'fails', 'boom')
    return test

class T(unittest.TestCase):
    pass

for does, name in TESTS:
    setattr(T, 'test ' + name, act(name, does))
";

fn testcase(name: &str) -> String {
    format!("T.test {name}")
}

fn write(stage: &Stage, tests: &[(&str, Does)]) {
    let tests = tests.iter().map(|(name, does)| (does.word(), *name));
    let list = serde_json::to_string(&tests.collect::<Vec<_>>()).unwrap();
    let text = format!("import os, time, unittest\nTESTS = {list}\n{TESTS}");
    stage.write(UNITTEST.suite, text);
}
