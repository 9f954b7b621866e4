//! Cucumber-js. The names of its tests begin with that of the feature.

use crate::{
    presets::{
        tool::{Does, Tool, any, none},
        tools::javascript,
    },
    support::Stage,
};

pub(crate) static CUCUMBER_JS: Tool = tool("batch");

/// The process of each worker stays.
pub(crate) static CUCUMBER_JS_SESSION: Tool = tool("session");

const fn tool(mode: &'static str) -> Tool {
    Tool {
        preset: "cucumber-js",
        mode,
        suite: SUITE,
        testcase: |name| format!("F > {name}"),
        can_have: any,
        refuses: none,
        has_stream: true,
        exit_outcome: "error",
        refuses_unknown: false,
        program: || javascript::program("@cucumber/cucumber/bin/cucumber.js"),
        run_all: &[],
        write,
    }
}

const SUITE: &str = "features/a b/@[t] (x) $+.feature";

const STEPS: &str = "const { Before, Given, setDefaultTimeout } = require('@cucumber/cucumber');
setDefaultTimeout(60000);
Before(({ pickle }) => fs.appendFileSync('ran', `F > ${pickle.name}\\n`));
for (const action of Object.keys(does)) Given(action, does[action]);
";

fn write(stage: &Stage, tests: &[(&str, Does)]) {
    javascript::write_text(stage, "features/steps.js", "", STEPS);
    let mut text = "Feature: F\n".to_owned();
    for (name, does) in tests {
        text += &["  Scenario: ", name, "\n    Given ", does.word(), "\n"].concat();
    }
    stage.write(SUITE, text);
}
