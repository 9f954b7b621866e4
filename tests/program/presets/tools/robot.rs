//! Robot Framework.

use std::path::Path;

use crate::{
    presets::tool::{Does, Tool, any, none},
    support::Stage,
};

pub(crate) static ROBOT: Tool = Tool {
    preset: "robot",
    mode: "batch",
    suite: "a b/[t] (x).robot",
    testcase: written,
    can_have: any,
    refuses: none,
    has_stream: true,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || python_tool("robot"),
    run_all: &["--output=NONE", "--log=NONE", "--report=NONE", "."],
    write,
};

/// A program of the folder that `TESTPLAN_PYTHON_TOOLS` names.
pub(super) fn python_tool(name: &str) -> Option<Vec<String>> {
    let folder = std::env::var_os("TESTPLAN_PYTHON_TOOLS").filter(|path| !path.is_empty())?;
    let program = Path::new(&folder).join(name);
    program
        .exists()
        .then(|| vec![program.to_str().unwrap().to_owned()])
}

/// As the file has it, where a backslash escapes.
fn written(name: &str) -> String {
    name.replace('\\', r"\\")
}

const LIBRARY: &str = "
import os, time
from robot.running.context import EXECUTION_CONTEXTS

def act(does):
    with open('ran', 'a', encoding='utf-8') as ran:
        ran.write(EXECUTION_CONTEXTS.current.test.name.replace('\\\\', 2 * '\\\\') + '\\n')
    if does == 'exits':
        os._exit(0)
    while does == 'waits' and os.path.exists('act.py') and not os.path.exists('go'):
        time.sleep(0.02)
    assert does != 'fails', 'boom'
";

fn write(stage: &Stage, tests: &[(&str, Does)]) {
    stage.write("act.py", LIBRARY);
    let library = stage.path("act.py");
    let mut text = format!(
        "*** Settings ***\nLibrary    {}\n\n*** Test Cases ***\n",
        library.display()
    );
    for (name, does) in tests {
        text += &[&written(name), "\n    Act    ", does.word(), "\n"].concat();
    }
    stage.write(ROBOT.suite, text);
}
