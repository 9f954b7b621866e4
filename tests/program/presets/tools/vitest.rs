//! Vitest.

use crate::presets::{
    tool::{Tool, any, none, same},
    tools::javascript,
};

pub(crate) static VITEST: Tool = Tool {
    preset: "vitest",
    mode: "batch",
    suite: "a b/[t] (x) $+.test.js",
    testcase: same,
    can_have: any,
    refuses: none,
    has_stream: true,
    exit_outcome: "failed",
    refuses_unknown: false,
    program: || javascript::program("vitest/vitest.mjs"),
    run_all: &["run"],
    write: |stage, tests| javascript::write(stage, VITEST.suite, HEAD, tests),
};

const HEAD: &str = "const { it } = await import('vitest'); const { createRequire } = await import('node:module'); const require = createRequire(import.meta.url);";
