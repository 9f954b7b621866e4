//! cargo-nextest, `GoogleTest` and `CTest`.

use std::process::Command;

use super::preset_project::{PresetProject, assert_exact, test};
use crate::skip;

fn starts(program: &str, argument: &str) -> bool {
    let answer = Command::new(program).arg(argument).output();
    answer.is_ok_and(|answer| answer.status.success())
}

/// A test program with names that no Rust function has.
const HARNESS: &str = r#"
const NAMES: [&str; 9] = ["plain", "mod::inner", "a b", "a (b), c", "x/y\\z", "ü 日本", "[1] {2} & | + - * ?", "it's \"q\" #", "=~x"];
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|it| it == "--list") {
        if !arguments.iter().any(|it| it == "--ignored") {
            for name in NAMES { println!("{name}: test"); }
        }
        return;
    }
    let at = arguments.iter().position(|it| it == "--exact").unwrap();
    let name = arguments.iter().enumerate().find(|(index, it)| *index != at && !it.starts_with("--")).unwrap().1;
    assert!(NAMES.contains(&name.as_str()), "{arguments:?}");
}
"#;

#[test]
fn nextest_lists_and_selects_exactly() {
    if !starts("cargo-nextest", "--version") {
        skip::missing("no cargo-nextest on PATH");
        return;
    }
    let project = PresetProject::new("nextest", vec!["cargo".into(), "nextest".into()]);
    project.write(
        "Cargo.toml",
        "[package]\nname = \"p\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[[test]]\nname = \"odd\"\nharness = false\n[workspace]\n",
    );
    project.write("tests/odd.rs", HARNESS);
    project.write(
        "src/lib.rs",
        "#[test] fn plain() {}\n#[test] #[ignore] fn ignored() {}\nmod inner { #[test] fn plain() {} }\n",
    );
    let listing = project.list();
    assert_eq!(listing.tests.len(), 11, "{listing:?}");
    assert!(listing.tests.contains(&test("p", "inner::plain")));
    assert_exact(&project, &listing, |_| true);
    let (ran, code) = project.run(&[test("p", "gone")]);
    assert_eq!((ran.len(), code), (0, 4));
}

#[test]
fn ctest_lists_and_selects_exactly() {
    let Some(project) = PresetProject::installed("ctest", "ctest") else {
        return;
    };
    let long = "l".repeat(300);
    let names = [
        "plain",
        "plain2",
        "a b",
        "[1-b] (c|d)",
        "$^.* + ?",
        "it's \"q\"",
        "a::b, c/d",
        "ü 日本",
        &long,
    ];
    let mut text = String::new();
    for name in names {
        text += &[
            "add_test([==[",
            name,
            "]==] \"/bin/sh\" \"-c\" \"exit 0\")\n",
        ]
        .concat();
    }
    text.push_str("add_test(off \"/bin/sh\" \"-c\" \"exit 0\")\nset_tests_properties(off PROPERTIES DISABLED TRUE)\n");
    project.write("CTestTestfile.cmake", &text);
    let listing = project.list();
    assert_eq!(listing.tests.len(), names.len(), "{listing:?}");
    assert_exact(&project, &listing, |_| true);
    let (ran, code) = project.run(&[test("ctest", "gone")]);
    assert_eq!((ran.len(), code), (0, 8));
}

const GOOGLETEST: &str = "#include <gtest/gtest.h>\n#include <cstdio>\n\
    TEST(S, A) {}\nTEST(S, AB) {}\nTEST(T, A) {}\nTEST(S, DISABLED_off) { FAIL(); }\n\
    class P : public testing::TestWithParam<std::string> {};\nTEST_P(P, T) {}\n\
    INSTANTIATE_TEST_SUITE_P(I, P, testing::Values(\"a b\", \"c  # d\", \"*?:-\"));\n\
    template <class T> class Ty : public testing::Test {}; using Types = testing::Types<int, char>;\n\
    TYPED_TEST_SUITE(Ty, Types); TYPED_TEST(Ty, x) {}\n\
    int main(int c, char **v) { printf(\"Running main from here. \\n\"); testing::InitGoogleTest(&c, v); return RUN_ALL_TESTS(); }\n";

#[test]
fn googletest_lists_and_selects_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let (source, program) = (folder.path().join("t.cpp"), folder.path().join("t"));
    std::fs::write(&source, GOOGLETEST).unwrap();
    let mut compiler = Command::new("g++");
    compiler
        .arg("-o")
        .arg(&program)
        .arg(&source)
        .args(["-lgtest", "-lpthread"]);
    if !compiler.output().is_ok_and(|it| it.status.success()) {
        skip::missing("no g++ with GoogleTest");
        return;
    }
    let project = PresetProject::new("googletest", vec![program.into()]);
    let listing = project.list();
    assert_eq!(listing.tests.len(), 8, "{listing:?}");
    assert!(
        listing.tests.contains(&test("I/P", "T/1")) && listing.tests.contains(&test("Ty/0", "x"))
    );
    assert_exact(&project, &listing, |_| true);
    let (ran, code) = project.run(&[test("S", "Gone")]);
    assert_eq!((ran.len(), code), (0, 0));
}
