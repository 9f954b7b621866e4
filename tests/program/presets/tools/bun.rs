//! Bun.

use crate::presets::{
    tool::{Tool, any, none, same},
    tools::javascript,
};

pub(crate) static BUN: Tool = Tool {
    preset: "bun",
    mode: "batch",
    suite: "a b/[t] (x) $+.test.js",
    testcase: same,
    can_have: any,
    refuses: none,
    has_stream: false,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || javascript::binary("@oven/bun-linux-x64/bin/bun"),
    run_all: &["test"],
    write: |stage, tests| javascript::write(stage, BUN.suite, HEAD, tests),
};

const HEAD: &str = "const { it } = require('bun:test');";
