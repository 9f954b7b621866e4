//! Meson. A test that ends its process passes if it ends with 0, for the tool as well.

use std::{path::Path, process::Command};

use crate::{
    presets::{
        tool::{Does, Tool, none, same},
        tools::robot,
    },
    support::Stage,
};

pub(crate) static MESON: Tool = Tool {
    preset: "meson",
    mode: "batch",
    // Listed so, and not known to the tool by this name.
    suite: "it+s 1 - a_b",
    testcase: same,
    // A colon stands after the project.
    can_have: |name| !name.contains(':'),
    refuses: none,
    has_stream: false,
    exit_outcome: "passed",
    refuses_unknown: true,
    program,
    run_all: &["test", "-C", "build"],
    write,
};

/// With ninja beside it, which it looks for.
fn program() -> Option<Vec<String>> {
    let mut program = robot::python_tool("meson")?;
    let folder = Path::new(&program[0]).parent()?.to_str()?.to_owned();
    let path = std::env::var("PATH").ok()?;
    program.splice(0..0, ["env".to_owned(), format!("PATH={folder}:{path}")]);
    Some(program)
}

const SCRIPT: &str = r#"printf '%s\n' "$1" >> "$(dirname "$0")/ran"
case "$2" in
  fails) exit 1 ;;
  waits) while [ -e "$0" ] && ! [ -e "$(dirname "$0")/go" ]; do sleep 0.05; done ;;
esac
"#;

fn write(stage: &Stage, tests: &[(&str, Does)]) {
    let script = stage.write("t.sh", SCRIPT);
    let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let script = quoted(script.to_str().unwrap());
    let add = |(name, does): &(&str, Does)| {
        let (name, does) = (quoted(name), does.word());
        format!(
            "test({name}, sh, args: [{script}, {name}, '{does}'], suite: ['it', 's 1'], timeout: 0)\n"
        )
    };
    let tests: String = tests.iter().map(add).collect();
    let head = "project('a b', meson_version: '>=1.0')\nsh = find_program('sh')\n";
    stage.write("meson.build", format!("{head}{tests}"));
    let Some(program) = program() else { return };
    let mut setup = Command::new(&program[0]);
    setup.args(&program[1..]).args(["setup", "--reconfigure"]);
    setup.arg("build").current_dir(stage.folder());
    let setup = setup.output().unwrap();
    assert!(setup.status.success(), "{setup:?}");
}
