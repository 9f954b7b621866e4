//! Deno.

use crate::presets::{
    tool::{Tool, any, none, same},
    tools::javascript,
};

pub(crate) static DENO: Tool = Tool {
    preset: "deno",
    mode: "batch",
    suite: "a b/[t] (x) $+_test.js",
    testcase: same,
    can_have: any,
    refuses: none,
    has_stream: false,
    // Deno catches it.
    exit_outcome: "failed",
    refuses_unknown: false,
    program: || javascript::binary("@deno/linux-x64-glibc/deno"),
    run_all: &["test", "--allow-all"],
    write: |stage, tests| javascript::write(stage, DENO.suite, HEAD, tests),
};

const HEAD: &str = "import { createRequire } from 'node:module';
const require = createRequire(import.meta.url), it = Deno.test;
";
