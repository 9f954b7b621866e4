//! Test programs in C++ that register the tests of the file `tests.txt`.

use std::process::Command;

/// A temporary folder with the program `t`; `None` if it cannot be built here.
pub(super) fn built(source: &str, options: &[&str]) -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.cpp");
    std::fs::write(&file, source).unwrap();
    let mut compiler = Command::new("g++");
    compiler.args(["-std=c++17", "-o"]);
    compiler
        .arg(folder.path().join("t"))
        .arg(&file)
        .args(options);
    let answer = compiler.output();
    answer
        .is_ok_and(|answer| answer.status.success())
        .then_some(folder)
}

/// The program in that folder.
pub(super) fn program(folder: Option<&tempfile::TempDir>) -> Option<Vec<String>> {
    let folder = folder?.path();
    Some(vec![folder.join("t").to_str().unwrap().to_owned()])
}
