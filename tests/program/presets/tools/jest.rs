//! Jest.

use crate::presets::{
    tool::{Tool, any, none, same},
    tools::javascript,
};

pub(crate) static JEST: Tool = tool("batch");

/// The process of each worker stays.
pub(crate) static JEST_SESSION: Tool = tool("session");

const fn tool(mode: &'static str) -> Tool {
    Tool {
        preset: "jest",
        mode,
        suite: SUITE,
        testcase: same,
        can_have: any,
        refuses: none,
        has_stream: true,
        exit_outcome: "error",
        refuses_unknown: false,
        program: || javascript::program("jest/bin/jest.js"),
        run_all: &[],
        write: |stage, tests| javascript::write(stage, SUITE, HEAD, tests),
    }
}

const SUITE: &str = "a b/[t] (x) $+.test.js";

const HEAD: &str = "";
