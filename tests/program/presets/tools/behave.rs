//! behave.

use crate::{
    presets::{
        tool::{Does, Tool, any, none, same},
        tools::robot::python_tool,
    },
    support::Stage,
};

pub(crate) static BEHAVE: Tool = Tool {
    preset: "behave",
    mode: "batch",
    suite: "features/a b/[t] (x).feature",
    testcase: same,
    can_have: any,
    refuses: none,
    has_stream: true,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || python_tool("behave").and_then(|_| python_tool("python")),
    run_all: &["-m", "behave"],
    write,
};

const STEPS: &str = "
import os, time
from behave import step

@step('it {does}')
def act(context, does):
    with open('ran', 'a', encoding='utf-8') as ran:
        ran.write(context.scenario.name + '\\n')
    if does == 'exits':
        os._exit(0)
    while does == 'waits' and os.path.exists('features') and not os.path.exists('go'):
        time.sleep(0.02)
    assert does != 'fails', 'boom'
";

fn write(stage: &Stage, tests: &[(&str, Does)]) {
    stage.write("features/steps/steps.py", STEPS);
    let mut text = "Feature: F\n".to_owned();
    for (name, does) in tests {
        text += &["  Scenario: ", name, "\n    Given it ", does.word(), "\n"].concat();
    }
    stage.write(BEHAVE.suite, text);
}
