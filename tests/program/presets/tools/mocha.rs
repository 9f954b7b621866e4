//! Mocha.

use crate::presets::{
    tool::{Tool, any, none, same},
    tools::javascript,
};

pub(crate) static MOCHA: Tool = tool("batch");

/// The process of each worker stays, if the project says so.
pub(crate) static MOCHA_SESSION: Tool = tool("session");

const fn tool(mode: &'static str) -> Tool {
    Tool {
        preset: "mocha",
        mode,
        suite: SUITE,
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
            javascript::write(stage, SUITE, "", tests);
        },
    }
}

const SUITE: &str = "test/[t] (x) $+.js";
