//! cargo-nextest. A test that ends its process passes if it ends with 0, for the tool as well.

use crate::{
    presets::tool::{Does, Tool, any, lines, none, same, starts},
    support::Stage,
};

pub(crate) static NEXTEST: Tool = Tool {
    preset: "nextest",
    mode: "batch",
    suite: "p::t",
    testcase: same,
    can_have: any,
    refuses: none,
    has_stream: false,
    exit_outcome: "passed",
    refuses_unknown: false,
    program: || starts("cargo-nextest").then(|| vec!["cargo".to_owned(), "nextest".to_owned()]),
    run_all: &["run"],
    write,
};

const HARNESS: &str = r#"
use std::io::Write as _;
fn main() {
    let text = std::fs::read_to_string("tests.txt").unwrap();
    let tests: Vec<(&str, &str)> = text.lines().map(|line| line.split_once('\t').unwrap()).collect();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|it| it == "--list") {
        if !arguments.iter().any(|it| it == "--ignored") {
            for (_, name) in tests { println!("{name}: test"); }
        }
        return;
    }
    let (does, name) = tests.iter().find(|(_, name)| arguments.iter().any(|it| it == name)).expect("a test of this name");
    let mut ran = std::fs::OpenOptions::new().append(true).create(true).open("ran").unwrap();
    ran.write_all(format!("{name}\n").as_bytes()).unwrap();
    if *does == "exits" { std::process::exit(0); }
    while *does == "waits" && !std::path::Path::new("go").exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_ne!(*does, "fails", "boom");
}
"#;

const MANIFEST: &str = "[package]\nname = \"p\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
    [[test]]\nname = \"t\"\nharness = false\n[lib]\npath = \"lib.rs\"\n[workspace]\n";

fn write(stage: &Stage, tests: &[(&str, Does)]) {
    stage.write("Cargo.toml", MANIFEST);
    stage.write("lib.rs", "");
    stage.write("tests/t.rs", HARNESS);
    stage.write("tests.txt", lines(tests));
}
