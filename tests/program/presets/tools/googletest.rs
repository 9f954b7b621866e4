//! `GoogleTest`.

use std::{process::Command, sync::LazyLock};

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
    program: program,
    run_all: &[],
    write: |stage, tests| drop(stage.write("tests.txt", lines(tests))),
};

fn program() -> Option<Vec<String>> {
    let built = PROGRAM.as_ref()?;
    Some(vec![built.path().join("t").to_str().unwrap().to_owned()])
}

/// A test program that registers the tests of the file `tests.txt`, built once.
static PROGRAM: LazyLock<Option<tempfile::TempDir>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("t.cpp");
    std::fs::write(&source, include_str!("googletest.cpp")).unwrap();
    let mut compiler = Command::new("g++");
    compiler
        .args(["-std=c++17", "-o"])
        .arg(folder.path().join("t"));
    compiler.arg(&source).args(["-lgtest", "-lpthread"]);
    let answer = compiler.output();
    answer
        .is_ok_and(|answer| answer.status.success())
        .then_some(folder)
});
