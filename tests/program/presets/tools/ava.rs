//! ava.

use crate::presets::{
    tool::{Tool, any, none, same},
    tools::javascript,
};

pub(crate) static AVA: Tool = Tool {
    preset: "ava",
    mode: "batch",
    suite: SUITE,
    testcase: same,
    can_have: any,
    refuses: none,
    // There are no starts, for ava shows none.
    has_stream: false,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || {
        let package = javascript::packages_of("ava")?.join("ava/package.json");
        package.exists().then(|| vec![javascript::node()])
    },
    run_all: &["node_modules/ava/entrypoints/cli.mjs"],
    write: |stage, tests| {
        if let Some(packages) = javascript::packages_of("ava") {
            // It may be there from an earlier version of the project.
            let _ = std::os::unix::fs::symlink(packages, stage.path("node_modules"));
        }
        javascript::write(stage, SUITE, HEAD, tests);
    },
};

const SUITE: &str = "[t] (x) $+.test.mjs";

/// ava fails tests without an assertion, and wants them defined at once.
const HEAD: &str = "
import ava from 'ava';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const it = (name, body) => ava(name, async (t) => { t.timeout(60_000); await body(); t.pass(); });
";
