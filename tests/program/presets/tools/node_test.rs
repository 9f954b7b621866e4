//! The test runner of Node.

use crate::{
    presets::{
        tool::{Tool, any, none, same},
        tools::javascript,
    },
    support::node_with_test_runner,
};

pub(crate) static NODE_TEST: Tool = Tool {
    preset: "node-test",
    mode: "batch",
    suite: "a b/[t] (x) $+.test.js",
    testcase: same,
    can_have: any,
    refuses: none,
    has_stream: true,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || Some(vec![node_with_test_runner()?]),
    run_all: &["--test"],
    write: |stage, tests| javascript::write(stage, NODE_TEST.suite, HEAD, tests),
};

const HEAD: &str = "const { it } = require('node:test');";
