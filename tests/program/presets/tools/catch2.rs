//! Catch2 2.

use std::sync::LazyLock;

use super::cpp;
use crate::presets::tool::{Tool, lines, none, same};

pub(crate) static CATCH2_V2: Tool = Tool {
    preset: "catch2-v2",
    mode: "batch",
    suite: "catch2",
    testcase: same,
    // Its patterns take it for `plain`.
    can_have: |name| name != "Plain",
    refuses: none,
    has_stream: false,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || cpp::program(PROGRAM.as_ref()),
    run_all: &[],
    write: |stage, tests| drop(stage.write("tests.txt", lines(tests))),
};

static PROGRAM: LazyLock<Option<tempfile::TempDir>> =
    LazyLock::new(|| cpp::built(include_str!("catch2.cpp"), &[]));
