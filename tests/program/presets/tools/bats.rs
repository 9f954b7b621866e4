//! bats.

use std::path::Path;

use crate::{
    presets::tool::{Does, Tool, any, none},
    support::Stage,
};

pub(crate) static BATS: Tool = Tool {
    preset: "bats",
    mode: "batch",
    suite: "[t] (x) $+.bats",
    testcase: written,
    can_have: any,
    refuses: none,
    has_stream: true,
    // For bats, a test has to come to its end.
    exit_outcome: "failed",
    refuses_unknown: false,
    program,
    run_all: &["."],
    write,
};

fn program() -> Option<Vec<String>> {
    let folder = std::env::var_os("TESTPLAN_JS_TOOLS").filter(|path| !path.is_empty())?;
    let program = Path::new(&folder).join("current/node_modules/bats/bin/bats");
    program
        .exists()
        .then(|| vec![program.to_str().unwrap().to_owned()])
}

/// As it stands between double quotes of a shell.
fn written(name: &str) -> String {
    let mut written = String::new();
    for sign in name.chars() {
        if matches!(sign, '\\' | '"' | '$' | '`') {
            written.push('\\');
        }
        written.push(sign);
    }
    written
}

const ACT: &str = r#"
act() {
  printf '%s\n' "$2" >>ran
  case $1 in
    fails) return 1 ;;
    exits) exit 0 ;;
    waits) while [ -e tests.txt ] && [ ! -e go ]; do sleep 0.05; done ;;
  esac
}
"#;

fn write(stage: &Stage, tests: &[(&str, Does)]) {
    stage.write("tests.txt", "");
    let mut text = ACT.to_owned();
    for (name, does) in tests {
        let name = written(name);
        // The records name a test as the file does.
        let shown = name.replace('\'', r"'\''");
        text += &[
            "@test \"",
            &name,
            "\" {\n  act ",
            does.word(),
            " '",
            &shown,
            "'\n}\n",
        ]
        .concat();
    }
    stage.write(BATS.suite, text);
}
