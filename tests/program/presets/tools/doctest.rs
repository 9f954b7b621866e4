//! doctest.

use std::sync::LazyLock;

use super::cpp;
use crate::presets::tool::{Tool, any, lines, none, same};

pub(crate) static DOCTEST: Tool = Tool {
    preset: "doctest",
    mode: "batch",
    suite: "doctest",
    testcase: same,
    can_have: any,
    refuses: none,
    has_stream: false,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || cpp::program(PROGRAM.as_ref()),
    run_all: &[],
    write: |stage, tests| drop(stage.write("tests.txt", lines(tests))),
};

static PROGRAM: LazyLock<Option<tempfile::TempDir>> =
    LazyLock::new(|| cpp::built(include_str!("doctest.cpp"), &[]));
