//! Jest.

use crate::presets::{
    tool::{Tool, any, none, same},
    tools::javascript,
};

pub(crate) static JEST: Tool = Tool {
    preset: "jest",
    mode: "batch",
    suite: "a b/[t] (x) $+.test.js",
    testcase: same,
    can_have: any,
    refuses: none,
    has_stream: true,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || javascript::program("jest/bin/jest.js"),
    run_all: &[],
    write: |stage, tests| javascript::write(stage, JEST.suite, HEAD, tests),
};

const HEAD: &str = "";
