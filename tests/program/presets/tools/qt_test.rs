//! Qt Test, of Qt 5 and 6. Its tests are rows of one function.

use std::{process::Command, sync::LazyLock};

use super::cpp;
use crate::presets::tool::{Tool, any, lines, none};

pub(crate) static QT_5: Tool = Tool {
    preset: "qt-test",
    mode: "batch",
    suite: "T",
    testcase,
    can_have: any,
    refuses: none,
    has_stream: false,
    exit_outcome: "error",
    // It runs those before the unknown one, and its file cannot be read.
    refuses_unknown: true,
    program: || cpp::program(PROGRAM_5.as_ref()),
    run_all: &[],
    write: |stage, tests| drop(stage.write("tests.txt", lines(tests))),
};

pub(crate) static QT_6: Tool = Tool {
    refuses_unknown: false,
    program: || cpp::program(PROGRAM_6.as_ref()),
    ..QT_5
};

fn testcase(name: &str) -> String {
    format!("t({name})")
}

static PROGRAM_5: LazyLock<Option<tempfile::TempDir>> =
    LazyLock::new(|| built("qt5", "/usr/lib/qt5/bin/moc"));

static PROGRAM_6: LazyLock<Option<tempfile::TempDir>> =
    LazyLock::new(|| built("qt6", "/usr/lib/qt6/libexec/moc"));

/// Qt's compiler of classes writes what the include stands for.
fn built(qt: &str, moc: &str) -> Option<tempfile::TempDir> {
    let source = include_str!("qt_test.cpp");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.cpp");
    std::fs::write(&file, source).unwrap();
    let moc = Command::new(moc).arg("-i").arg(&file).output().ok()?;
    let source = source.replace("#include \"t.moc\"", &String::from_utf8(moc.stdout).ok()?);
    let headers = |module: &str| {
        format!(
            "-I/usr/include/{}-linux-gnu/{qt}{module}",
            std::env::consts::ARCH
        )
    };
    let library = |module: &str| format!("-lQt{}{module}", &qt[2..]);
    let options = [
        "-fPIC".to_owned(),
        headers(""),
        headers("/QtCore"),
        headers("/QtTest"),
        library("Test"),
        library("Core"),
    ];
    cpp::built(&source, &options.each_ref().map(String::as_str))
}
