//! `GoogleTest`.

use std::sync::LazyLock;

use super::cpp;
use crate::presets::tool::{Tool, any, lines, same};

pub(crate) static GOOGLETEST: Tool = Tool {
    preset: "googletest",
    mode: "batch",
    suite: "S x",
    testcase: same,
    can_have: any,
    refuses: |name| name.contains(['*', '?', ':', '-']),
    has_stream: false,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || cpp::program(PROGRAM.as_ref()),
    run_all: &[],
    write: |stage, tests| drop(stage.write("tests.txt", lines(tests))),
};

/// A test program that registers the tests of the file `tests.txt`, built once.
static PROGRAM: LazyLock<Option<tempfile::TempDir>> =
    LazyLock::new(|| cpp::built(include_str!("googletest.cpp"), &["-lgtest", "-lpthread"]));
