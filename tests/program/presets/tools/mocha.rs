//! Mocha.

use crate::presets::{
    tool::{Tool, any, none, same},
    tools::javascript,
};

pub(crate) static MOCHA: Tool = Tool {
    preset: "mocha",
    mode: "batch",
    suite: "test/[t] (x) $+.js",
    testcase: same,
    can_have: any,
    refuses: none,
    has_stream: true,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || javascript::program("mocha/bin/mocha.js"),
    run_all: &[],
    write: |stage, tests| {
        stage.write(".mocharc.json", r#"{ "timeout": 60000 }"#);
        javascript::write(stage, MOCHA.suite, "", tests);
    },
};
