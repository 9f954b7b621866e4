//! Playwright.

use crate::presets::{
    tool::{Tool, any, none, same},
    tools::javascript,
};

pub(crate) static PLAYWRIGHT: Tool = Tool {
    preset: "playwright",
    mode: "batch",
    suite: "a b/[t] (x) $+.spec.js",
    testcase: same,
    can_have: any,
    refuses: none,
    has_stream: true,
    exit_outcome: "failed",
    refuses_unknown: false,
    program: || javascript::program("playwright/cli.js"),
    run_all: &["test"],
    write: |stage, tests| javascript::write(stage, PLAYWRIGHT.suite, HEAD, tests),
};

const HEAD: &str = "const { test: it } = require('@playwright/test');";
