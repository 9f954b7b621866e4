//! Where the JavaScript tools are, and the tests of a file for them.

use std::path::{Path, PathBuf};

use crate::{presets::tool::Does, support::Stage};

/// The folder of the packages.
fn packages() -> Option<PathBuf> {
    packages_of("current")
}

/// The folder of the packages of a tool that has some of its own.
pub(crate) fn packages_of(group: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("TESTPLAN_JS_TOOLS").filter(|path| !path.is_empty());
    folder.map(|it| Path::new(&it).join(group).join("node_modules"))
}

/// Node.
pub(crate) fn node() -> String {
    let node = std::env::var("TESTPLAN_NODE").ok();
    node.unwrap_or_else(|| "node".to_owned())
}

/// Node with a program of a package.
pub(crate) fn program(path: &str) -> Option<Vec<String>> {
    let program = packages()?.join(path);
    program
        .exists()
        .then(|| vec![node(), program.to_str().unwrap().to_owned()])
}

/// A program of a package that needs no Node.
pub(crate) fn binary(path: &str) -> Option<Vec<String>> {
    let program = packages()?.join(path);
    program
        .exists()
        .then(|| vec![program.to_str().unwrap().to_owned()])
}

/// What the tests do; `it` is the tool's own.
const ACTIONS: &str = "
const fs = require('node:fs');
const does = {
  passes() {},
  fails() { throw new Error('boom'); },
  exits() { process.exit(0); },
  async waits() { while (!fs.existsSync('go') && fs.existsSync('package.json')) await new Promise((done) => setTimeout(done, 20)); },
};
";

/// How a test of the file is defined.
const DEFINE: &str = "
const define = (name, action) => it(name, async () => { fs.appendFileSync('ran', `${name}\\n`); await does[action](); });
";

/// Writes the file of a project, after `head`, which defines `it` if the tool does not.
pub(crate) fn write(stage: &Stage, suite: &str, head: &str, tests: &[(&str, Does)]) {
    let mut text = DEFINE.to_owned();
    for (name, does) in tests {
        let name = serde_json::to_string(name).unwrap();
        text += &["define(", &name, ", '", does.word(), "');\n"].concat();
    }
    write_text(stage, suite, head, &text);
}

/// Writes a file of a project: `head`, what the tests do, and `text`.
pub(crate) fn write_text(stage: &Stage, file: &str, head: &str, text: &str) {
    // Some tools need no packages.
    if let Some(packages) = packages() {
        // It may be there from an earlier version of the project.
        let _ = std::os::unix::fs::symlink(packages, stage.path("node_modules"));
    }
    stage.write("package.json", "{}");
    stage.write(file, format!("{head}{ACTIONS}{text}"));
}
