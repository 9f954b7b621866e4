//! libtest, by `cargo test`. Its tests are functions: signs that no function can have become numbers.

use std::fmt::Write as _;

use crate::{
    presets::{
        tool::{Does, Tool, any, none, starts},
        tools::go,
    },
    support::Stage,
};

pub(crate) static LIBTEST: Tool = Tool {
    preset: "libtest",
    mode: "batch",
    suite: "tests/[t] (x).rs",
    testcase,
    can_have: any,
    refuses: none,
    // There are no starts, for libtest shows none.
    has_stream: false,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || starts("cargo").then(|| ["env", "cargo"].map(str::to_owned).to_vec()),
    run_all: &["test"],
    write,
};

fn testcase(name: &str) -> String {
    format!("inner::{}", go::testcase(name))
}

const ACT: &str = r#"
use std::{io::Write as _, path::Path, time::Duration};

fn act(name: &str, does: &str) {
    let mut ran = std::fs::OpenOptions::new().append(true).create(true).open("ran").unwrap();
    ran.write_all(format!("{name}\n").as_bytes()).unwrap();
    // What a test writes past the capture of libtest.
    std::io::stdout().write_all(b"test inner::Test_c3 ... ok\nok inner::Test_c3\n").unwrap();
    if does == "exits" { std::process::exit(0); }
    while does == "waits" && Path::new("Cargo.toml").exists() && !Path::new("go").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_ne!(does, "fails", "boom \"q\" \\ \t \u{7} ü");
}
"#;

const MANIFEST: &str = "[package]\nname = \"p\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
    [[test]]\nname = \"t\"\npath = \"tests/[t] (x).rs\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n";

fn write(stage: &Stage, tests: &[(&str, Does)]) {
    let mut text = format!("#![allow(non_snake_case)]\n{ACT}\nmod inner {{\n");
    for (name, does) in tests {
        let (full, name, does) = (testcase(name), go::testcase(name), does.word());
        writeln!(
            text,
            "    #[test] fn {name}() {{ super::act({full:?}, {does:?}); }}"
        )
        .unwrap();
    }
    text += "}\n";
    stage.write("Cargo.toml", MANIFEST);
    stage.write("lib.rs", "");
    stage.write(LIBTEST.suite, text);
}
