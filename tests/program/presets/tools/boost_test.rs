//! Boost.Test, which writes other signs in place of some in names.

use std::sync::LazyLock;

use super::cpp;
use crate::presets::tool::{Tool, any, lines, none};

pub(crate) static BOOST_TEST: Tool = Tool {
    preset: "boost-test",
    mode: "batch",
    suite: "S x",
    testcase: |name| name.replace(['*', '/', ',', ':', '+'], "_"),
    can_have: any,
    refuses: none,
    has_stream: false,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || cpp::program(PROGRAM.as_ref()),
    run_all: &[],
    write: |stage, tests| drop(stage.write("tests.txt", lines(tests))),
};

static PROGRAM: LazyLock<Option<tempfile::TempDir>> = LazyLock::new(|| {
    cpp::built(
        include_str!("boost_test.cpp"),
        &["-lboost_unit_test_framework"],
    )
});
