//! `CppUTest`. A test has a name of C++: signs that none can have become numbers.

use std::sync::LazyLock;

use super::{cpp, go};
use crate::presets::tool::{Does, Tool, any, none};

pub(crate) static CPPUTEST: Tool = Tool {
    preset: "cpputest",
    mode: "batch",
    suite: "G",
    testcase: go::testcase,
    can_have: any,
    refuses: none,
    has_stream: false,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || cpp::program(PROGRAM.as_ref()),
    run_all: &[],
    write: |stage, tests| {
        let line =
            |(name, does): &(&str, Does)| format!("{}\t{}\n", does.word(), go::testcase(name));
        stage.write("tests.txt", tests.iter().map(line).collect::<String>());
    },
};

/// A test program that registers the tests of the file `tests.txt`, built once.
static PROGRAM: LazyLock<Option<tempfile::TempDir>> =
    LazyLock::new(|| cpp::built(include_str!("cpputest.cpp"), &["-lCppUTest"]));
