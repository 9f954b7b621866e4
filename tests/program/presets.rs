//! `runner: NAME` for tools that run many tests in one process, with the real tools.

mod default_programs;
mod init_finds;
mod odd_names;
mod start_costs;
mod test_troubles;
mod tool;
mod tool_project;
pub(crate) mod tools;

use std::path::{Path, PathBuf};

use crate::support::{Ended, Stage, skip};

/// A stage with a project for a tool, and a testplan.yml that names its preset alone, but for the program.
fn stage(preset: &str, program: &str, more: &str) -> Option<Stage> {
    let folder = std::env::var_os("TESTPLAN_JS_TOOLS").filter(|path| !path.is_empty());
    let packages: Option<PathBuf> = folder.map(|it| Path::new(&it).join("current/node_modules"));
    let Some(packages) = packages.filter(|it| it.join(program).exists()) else {
        skip::missing(&format!("no {program} in TESTPLAN_JS_TOOLS"));
        return None;
    };
    let node = std::env::var("TESTPLAN_NODE").unwrap_or_else(|_| "node".to_owned());
    let program = packages.join(program);
    let stage = Stage::with(&format!(
        "runner:\n  preset: {preset}\n  program: [{node:?}, \"{program}\"]\n{more}",
        program = program.display()
    ));
    std::os::unix::fs::symlink(&packages, stage.path("node_modules")).unwrap();
    stage.write("package.json", "{}");
    Some(stage)
}

/// `NAME: ATTRIBUTE` of each case of the plan's JUnit: what it has beside a name.
fn cases(stage: &Stage, ended: &Ended) -> Vec<String> {
    let junit = stage.read("testplan-out/junit.xml");
    assert!(junit.contains("<testcase"), "{junit}\n{ended:?}");
    let mut cases = Vec::new();
    for case in junit.split("<testcase ").skip(1) {
        let case = case.split("</testcase>").next().unwrap();
        let name = case.split("name=\"").nth(1).unwrap();
        let name = name.split('"').next().unwrap();
        let verdict = ["<failure", "<error", "<skipped"]
            .into_iter()
            .find(|it| case.contains(it))
            .map_or("passed", |it| it.trim_start_matches('<'));
        cases.push(format!("{name}: {verdict}"));
    }
    cases.sort();
    cases
}

#[test]
fn vitest_runs_from_its_name() {
    let Some(stage) = stage("vitest", "vitest/vitest.mjs", "") else {
        return;
    };
    for name in ["a", "b"] {
        stage.write(
            &format!("d/{name}.test.mjs"),
            format!(
                "import {{ describe, it }} from 'vitest';\n\
                 describe('S (x)', () => {{ it('{name} passes', () => {{}}); it('{name} fails', () => {{ throw new Error('boom {name}'); }}); }});\n"
            ),
        );
    }
    let ended = stage.testplan("run").flags("--workers 2").run();
    assert_eq!(
        cases(&stage, &ended),
        [
            "S (x) &gt; a fails: failure",
            "S (x) &gt; a passes: passed",
            "S (x) &gt; b fails: failure",
            "S (x) &gt; b passes: passed"
        ],
        "{ended:?}"
    );
    assert!(stage.read("testplan-out/summary.md").contains("boom a"));
}

#[test]
fn test_that_exits_costs_itself_alone() {
    let Some(stage) = stage("jest", "jest/bin/jest.js", "") else {
        return;
    };
    stage.write(
        "a.test.js",
        "it('c1', () => {}); it('c2', () => process.exit(0)); it('c3', () => {});\n",
    );
    stage.write(
        "b.test.js",
        "it('c4', () => {}); it('c1', () => { throw new Error('in b'); });\n",
    );
    let ended = stage.testplan("run").flags("--workers 1").run();
    assert_eq!(
        cases(&stage, &ended),
        [
            "c1: failure",
            "c1: passed",
            "c2: error",
            "c3: passed",
            "c4: passed"
        ],
        "{ended:?}"
    );
    let summary = stage.read("testplan-out/summary.md");
    assert!(
        summary.contains("the tool did not come to the end of its run"),
        "{summary}"
    );
}

#[test]
fn playwright_runs_from_its_name() {
    let Some(stage) = stage("playwright", "playwright/cli.js", "  args: [--retries=1]\n") else {
        return;
    };
    stage.write(
        "a.spec.js",
        "const { test } = require('@playwright/test');\n\
         test('x › y > z', () => {}); test('flaky', ({}, info) => { if (!info.retry) throw new Error('once'); }); test.skip('off', () => {});\n",
    );
    let ended = stage.testplan("run").flags("--workers 1").run();
    assert_eq!(
        cases(&stage, &ended),
        ["flaky: passed", "off: skipped", "x › y &gt; z: passed"],
        "{ended:?}"
    );
    assert!(stage.read("testplan-out/summary.md").contains("flaky"));
}
