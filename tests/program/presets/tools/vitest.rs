//! Vitest.

use crate::presets::{
    tool::{Tool, any, none, same},
    tools::javascript,
};

pub(crate) static VITEST: Tool = tool("batch");

/// The process of each worker stays.
pub(crate) static VITEST_SESSION: Tool = tool("session");

const fn tool(mode: &'static str) -> Tool {
    Tool {
        preset: "vitest",
        mode,
        suite: SUITE,
        testcase: same,
        can_have: any,
        refuses: none,
        has_stream: true,
        exit_outcome: "failed",
        refuses_unknown: false,
        program: || javascript::program("vitest/vitest.mjs"),
        run_all: &["run"],
        write: |stage, tests| javascript::write(stage, SUITE, HEAD, tests),
    }
}

const SUITE: &str = "a b/[t] (x) $+.test.js";

const HEAD: &str = "const { it } = await import('vitest'); const { createRequire } = await import('node:module'); const require = createRequire(import.meta.url);";
