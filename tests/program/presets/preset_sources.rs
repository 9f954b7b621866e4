//! Tests with given names, in the language of each tool. Each appends its name to the file `ran` when it runs.

use crate::support::Stage;

use super::preset_tool::{Tool, packages};

/// What a test does when it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    Passes,
    Fails,
    /// It ends its process with exit code 0.
    Exits,
    /// It waits until there is a file `go`, and passes.
    Waits,
}

impl Does {
    fn word(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::Fails => "fails",
            Self::Exits => "exits",
            Self::Waits => "waits",
        }
    }
}

const JAVASCRIPT: &str = "
const fs = require('node:fs');
const does = {
  passes() {},
  fails() { throw new Error('boom'); },
  exits() { process.exit(0); },
  async waits() { while (!fs.existsSync('go')) await new Promise((done) => setTimeout(done, 20)); },
};
const define = (name, action) => it(name, async () => { fs.appendFileSync('ran', `${name}\\n`); await does[action](); });
";

const PYTHON: &str = "
def act(name, does):
    with open('ran', 'a', encoding='utf-8') as ran:
        ran.write(name + '\\n')
    if does == 'exits':
        os._exit(0)
    while does == 'waits' and not os.path.exists('go'):
        time.sleep(0.02)
    assert does != 'fails', 'boom'

@pytest.mark.parametrize('does', [it[0] for it in TESTS], ids=[it[1] for it in TESTS])
def test_p(request, does):
    act(request.node.name, does)
";

const RUST: &str = r#"
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

const SHELL: &str = r#"printf '%s\n' "$1" >> ran
case "$2" in
  fails) exit 1 ;;
  waits) until [ -e go ]; do sleep 0.05; done ;;
esac
"#;

/// Writes a project with these tests.
pub(crate) fn write(stage: &Stage, tool: Tool, tests: &[(&str, Does)]) {
    match tool {
        Tool::Vitest => javascript(
            stage,
            tool,
            "const { it } = await import('vitest'); const { createRequire } = await import('node:module'); const require = createRequire(import.meta.url);",
            tests,
        ),
        Tool::Jest => javascript(stage, tool, "", tests),
        Tool::Playwright => {
            javascript(
                stage,
                tool,
                "const { test: it } = require('@playwright/test');",
                tests,
            );
        }
        Tool::PytestSession | Tool::PytestBatch => {
            let tests = tests.iter().map(|(name, does)| (does.word(), *name));
            let list = serde_json::to_string(&tests.collect::<Vec<_>>()).unwrap();
            let text = format!("import os, time, pytest\nTESTS = {list}\n{PYTHON}");
            stage.write(tool.suite(), text);
        }
        Tool::Nextest => {
            stage.write(
                "Cargo.toml",
                "[package]\nname = \"p\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[[test]]\nname = \"t\"\nharness = false\n[lib]\npath = \"lib.rs\"\n[workspace]\n",
            );
            stage.write("lib.rs", "");
            stage.write("tests/t.rs", RUST);
            stage.write("tests.txt", lines(tests));
        }
        Tool::GoogleTest => {
            stage.write("tests.txt", lines(tests));
        }
        Tool::CTest => {
            let script = stage.write("t.sh", SHELL);
            let script = script.display();
            let add = |(name, does): &(&str, Does)| {
                let does = does.word();
                format!("add_test([==[{name}]==] /bin/sh \"{script}\" [==[{name}]==] {does})\n")
            };
            stage.write(
                "CTestTestfile.cmake",
                tests.iter().map(add).collect::<String>(),
            );
        }
    }
}

fn lines(tests: &[(&str, Does)]) -> String {
    let line = |(name, does): &(&str, Does)| format!("{}\t{name}\n", does.word());
    tests.iter().map(line).collect()
}

fn javascript(stage: &Stage, tool: Tool, head: &str, tests: &[(&str, Does)]) {
    let packages = packages().expect("the tool is there");
    // It may be there from an earlier version of the project.
    let _ = std::os::unix::fs::symlink(packages, stage.path("node_modules"));
    stage.write("package.json", "{}");
    let mut text = format!("{head}{JAVASCRIPT}");
    for (name, does) in tests {
        let name = serde_json::to_string(name).unwrap();
        text += &["define(", &name, ", '", does.word(), "');\n"].concat();
    }
    stage.write(tool.suite(), text);
}
