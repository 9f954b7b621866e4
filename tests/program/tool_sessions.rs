//! Sessions of tools that run calls: one process per worker runs one call after the other.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Value, json};

use crate::{
    presets::tools::javascript,
    support::{Ended, Stage, alive, files_below, skip, until},
};

/// A project for jest whose tests append the number of their process and their results folder to the file `ran`.
struct Project {
    stage: Stage,
    program: Vec<String>,
}

/// Waits until there is a file `go`, or until the project is gone.
const WAIT: &str = "while (!fs.existsSync('go') && fs.existsSync('package.json')) await new Promise((done) => setTimeout(done, 20));";

impl Project {
    fn new() -> Option<Self> {
        let program = javascript::program("jest/bin/jest.js");
        let Some(program) = program else {
            skip::missing("no jest in TESTPLAN_JS_TOOLS");
            return None;
        };
        let project = Self {
            stage: Stage::new(),
            program,
        };
        for file in ["a", "b", "c"] {
            project.tests(file, &[("one", ""), ("two", "")]);
        }
        Some(project)
    }

    /// Writes a file with tests and what each does.
    fn tests(&self, file: &str, tests: &[(&str, &str)]) {
        let ran = "fs.appendFileSync('ran', `${process.pid} ${process.env.TESTPLAN_RESULTS}\\n`);";
        let tests = tests.iter().map(|(name, does)| {
            format!("test('{name}', async () => {{ {ran} {does} }}, 60000);\n")
        });
        let text = format!(
            "const fs = require('node:fs');\n{}",
            tests.collect::<String>()
        );
        javascript::write_text(&self.stage, &format!("{file}.test.js"), "", "");
        self.stage.write(&format!("{file}.test.js"), text);
    }

    /// A testplan.yml with these keys of the runner beside those that all have.
    fn plan(&self, keys: &Value) {
        let mut runner = json!({ "preset": "jest", "program": self.program });
        for (key, value) in keys.as_object().unwrap() {
            runner[key] = value.clone();
        }
        let plan = json!({ "runner": runner });
        self.stage.write("testplan.yml", plan.to_string());
    }

    fn run(&self) -> Ended {
        self.stage.testplan("run").flags("--workers 1").run()
    }

    /// The processes that ran tests, and the results folders of their calls.
    fn ran(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let lines = self.stage.lines("ran");
        let pairs = lines.iter().map(|line| line.split_once(' ').unwrap());
        pairs
            .map(|(pid, results)| (pid.to_owned(), results.to_owned()))
            .unzip()
    }
}

fn passed(ended: &Ended, count: usize) {
    assert_eq!(ended.code, Some(0), "{ended}");
    assert!(ended.stderr.contains(&format!("{count} tests")), "{ended}");
}

#[test]
fn one_process_runs_all_calls_each_with_its_own_results_and_log() {
    let Some(project) = Project::new() else {
        return;
    };
    project.plan(&json!({ "mode": "session", "batch": { "most": 2 } }));
    passed(&project.run(), 6);
    let (processes, results) = project.ran();
    assert_eq!(processes.len(), 1);
    assert!(results.len() >= 3, "{results:?}");
    assert!(results.iter().all(|folder| Path::new(folder).is_dir()));
    let logs = files_below(&project.stage.path("testplan-out/logs"));
    assert_eq!(logs.len(), results.len(), "{logs:?}");
    for log in logs {
        let text = std::fs::read_to_string(&log).unwrap();
        assert!(text.contains("PASS "), "{}: {text}", log.display());
    }
}

#[test]
fn process_is_replaced_when_that_is_due() {
    let Some(project) = Project::new() else {
        return;
    };
    project.plan(&json!({ "batch": { "most": 2 }, "fresh": { "tests": 2 } }));
    passed(&project.run(), 6);
    assert!(project.ran().0.len() >= 3);
}

#[test]
fn project_with_a_runner_of_its_own_has_a_process_per_call() {
    let Some(project) = Project::new() else {
        return;
    };
    let runner = project.stage.write(
        "own-runner.js",
        "module.exports = require(require.resolve('jest-runner', { paths: [process.argv[1]] }));\n",
    );
    let package = json!({ "jest": { "runner": runner } });
    project.stage.write("package.json", package.to_string());
    project.plan(&json!({ "batch": { "most": 2 } }));
    let ended = project.run();
    passed(&ended, 6);
    assert!(
        ended
            .stderr
            .contains("each call of jest has a process of its own: the project has the runner"),
        "{ended}"
    );
    assert!(project.ran().0.len() >= 3, "{ended}");
    std::fs::remove_file(project.stage.path("ran")).unwrap();
    project.plan(&json!({ "mode": "session" }));
    let ended = project.run();
    assert_eq!(ended.code, Some(3), "{ended}");
    assert!(
        ended
            .stderr
            .contains("there can be none: the project has the runner"),
        "{ended}"
    );
    assert!(!project.stage.path("ran").exists());
}

#[test]
fn process_that_takes_no_call_is_told_with_its_output() {
    let Some(project) = Project::new() else {
        return;
    };
    project.stage.write(
        "setup.js",
        "module.exports = () => { throw new Error('no database'); };\n",
    );
    // Not when tests are listed.
    let args = ["--globalSetup=./setup.js"];
    let list = json!({ "suite": "a.test.js", "testcases": ["one", "two"] });
    let runner =
        json!({ "preset": "jest", "program": project.program, "args": args, "mode": "session" });
    let plan = json!({ "project": "p", "runner": runner, "templates": [{ "title": "T", "tests": [list] }] });
    project.stage.write("testplan.yml", plan.to_string());
    let ended = project.run();
    assert_eq!(ended.code, Some(3), "{ended}");
    assert!(
        ended.stderr.contains("ended before it took a call"),
        "{ended}"
    );
    assert!(ended.stderr.contains("no database"), "{ended}");
    assert!(!project.stage.path("ran").exists());
}

#[test]
fn process_that_is_killed_after_a_call_costs_no_test() {
    let Some(project) = Project::new() else {
        return;
    };
    // Between two calls, or early in the next one.
    let end = "require('node:child_process').spawn('sh', ['-c', `sleep 0.2; kill -9 ${process.pid}`], { detached: true });";
    project.tests("a", &[("one", ""), ("two", end)]);
    project.tests(
        "c",
        &[
            ("one", "await new Promise((done) => setTimeout(done, 500));"),
            ("two", ""),
        ],
    );
    project.plan(&json!({ "batch": { "most": 2 } }));
    let ended = project.run();
    passed(&ended, 6);
    let (processes, _) = project.ran();
    assert!(processes.len() >= 2, "{processes:?}\n{ended}");
}

#[test]
fn process_of_a_killed_testplan_ends() {
    let Some(project) = Project::new() else {
        return;
    };
    project.tests("a", &[("one", WAIT)]);
    project.plan(&json!({ "paths": ["a.test.js"] }));
    let mut running = project.stage.testplan("run").flags("--workers 1").start();
    let line = project.stage.wait_for_lines("ran", 1).remove(0);
    let pid: u32 = line.split(' ').next().unwrap().parse().unwrap();
    running.kill();
    assert!(alive(pid));
    project.stage.write("go", "");
    until("the end of the session's process", || {
        (!alive(pid)).then_some(())
    });
}

/// The exit code of a run of `tool` with these files, in its session: what it says of them, and what it printed.
fn run_files(preset: &str, program: &str, mode: &str, files: &[(&str, &str)]) -> Option<Ended> {
    let Some(program) = javascript::program(program) else {
        skip::missing(&format!("no {program} in TESTPLAN_JS_TOOLS"));
        return None;
    };
    let stage = Stage::new();
    for (file, text) in files {
        javascript::write_text(&stage, file, "", "");
        stage.write(file, text);
    }
    if let Some((_, package)) = files.iter().find(|(file, _)| *file == "package.json") {
        stage.write("package.json", package);
    }
    let runner = json!({ "preset": preset, "program": program, "mode": mode });
    stage.write("testplan.yml", json!({ "runner": runner }).to_string());
    Some(stage.testplan("run").flags("--workers 1").run())
}

const LATE: &str = "setTimeout(() => { throw new Error('late') }, 20)";

#[test]
fn error_after_the_last_test_of_jest_is_no_pass() {
    let late = format!("test('late', () => {{ {LATE}; }});");
    let files = [("a.test.js", "test('a', () => {});"), ("b.test.js", &late)];
    let Some(ended) = run_files("jest", "jest/bin/jest.js", "session", &files) else {
        return;
    };
    assert_ne!(ended.code, Some(0), "{ended}");
}

#[test]
fn error_of_jest_while_another_test_of_the_file_runs_is_no_pass() {
    let text = format!(
        "test('late', () => {{ {LATE}; }}); test('next', async () => {{ await new Promise((done) => setTimeout(done, 200)); }});"
    );
    let files = [
        ("a.test.js", text.as_str()),
        ("b.test.js", "test('b', () => {}); test('c', () => {});"),
    ];
    let Some(ended) = run_files("jest", "jest/bin/jest.js", "session", &files) else {
        return;
    };
    assert_ne!(ended.code, Some(0), "{ended}");
}

#[test]
fn error_after_the_last_step_of_cucumber_js_is_no_pass() {
    let steps = format!("require('@cucumber/cucumber').Given('late', () => {{ {LATE}; }});");
    let feature = "Feature: F\n  Scenario: a\n    Given late\n";
    let files = [
        ("features/steps.js", steps.as_str()),
        ("features/a.feature", feature),
    ];
    let program = "@cucumber/cucumber/bin/cucumber.js";
    let Some(ended) = run_files("cucumber-js", program, "session", &files) else {
        return;
    };
    assert_ne!(ended.code, Some(0), "{ended}");
}

#[test]
fn error_after_the_last_test_of_mocha_is_no_pass() {
    let late = format!("it('late', () => {{ {LATE}; }});");
    let files = [
        ("test/a.js", "it('a', () => {});"),
        ("test/b.js", late.as_str()),
    ];
    let Some(ended) = run_files("mocha", "mocha/bin/mocha.js", "session", &files) else {
        return;
    };
    assert_ne!(ended.code, Some(0), "{ended}");
}

#[test]
fn global_teardown_that_fails_is_no_pass() {
    let jest = [
        (
            "package.json",
            r#"{ "jest": { "globalTeardown": "./down.js" } }"#,
        ),
        (
            "down.js",
            "module.exports = () => { throw new Error('not down'); };",
        ),
        ("a.test.js", "test('a', () => {});"),
    ];
    // Not when tests are listed, which would fail as well.
    let setup = "export default () => () => { if (!process.argv.includes('list')) throw new Error('not down'); };";
    let vitest = [
        (
            "vitest.config.mjs",
            "export default { test: { globalSetup: './setup.mjs' } };",
        ),
        ("setup.mjs", setup),
        (
            "a.test.mjs",
            "import { test } from 'vitest'; test('a', () => {});",
        ),
    ];
    for (preset, program, files) in [
        ("jest", "jest/bin/jest.js", &jest),
        ("vitest", "vitest/vitest.mjs", &vitest),
    ] {
        let Some(ended) = run_files(preset, program, "session", files) else {
            return;
        };
        assert_eq!(ended.code, Some(3), "{ended}");
        assert!(
            ended
                .stderr
                .contains("did not end in order after its tests"),
            "{ended}"
        );
        assert!(ended.stderr.contains("not down"), "{ended}");
    }
}

#[test]
fn hooks_of_a_run_of_cucumber_js_run_once_for_the_session() {
    let steps = "const { AfterAll, BeforeAll, Given } = require('@cucumber/cucumber');
const pool = { open: 0 };
BeforeAll(() => { pool.open += 1; });
AfterAll(() => { pool.open -= 1; require('node:fs').appendFileSync('closed', `${pool.open}`); });
Given('pool', () => { if (pool.open !== 1) throw new Error(`${pool.open} are open`); });
";
    let feature = "Feature: F\n  Scenario: a\n    Given pool\n  Scenario: b\n    Given pool\n";
    let files = [
        ("features/steps.js", steps),
        ("features/a.feature", feature),
        ("features/b.feature", feature),
        ("features/c.feature", feature),
    ];
    let program = "@cucumber/cucumber/bin/cucumber.js";
    let Some(ended) = run_files("cucumber-js", program, "session", &files) else {
        return;
    };
    passed(&ended, 6);
}

#[test]
fn interval_that_a_test_of_jest_leaves_does_not_delay_the_end() {
    let files = [(
        "a.test.js",
        "test('a', () => { setInterval(() => {}, 500); });",
    )];
    let Some(ended) = run_files("jest", "jest/bin/jest.js", "session", &files) else {
        return;
    };
    assert_eq!(ended.code, Some(0), "{ended}");
}

#[test]
fn leak_that_mocha_reports_is_of_one_test() {
    let files = [
        (".mocharc.json", r#"{ "checkLeaks": true }"#),
        ("test/a.js", "it('leak', () => { leaky = 1; });"),
        ("test/b.js", "it('b', () => {});"),
        ("test/c.js", "it('c', () => {});"),
    ];
    let Some(ended) = run_files("mocha", "mocha/bin/mocha.js", "session", &files) else {
        return;
    };
    assert_eq!(ended.code, Some(1), "{ended}");
    assert!(ended.stderr.contains("1 failed, 2 passed"), "{ended}");
}

#[test]
fn root_hook_of_mocha_that_fails_is_no_pass() {
    let files = [
        ("test/a.js", "it('a', () => {}); it('b', () => {});"),
        (
            "test/z.js",
            "describe('d', () => { it('ok', () => {}); }); after(() => { throw new Error('root after'); });",
        ),
    ];
    for mode in ["batch", "session"] {
        let Some(ended) = run_files("mocha", "mocha/bin/mocha.js", mode, &files) else {
            return;
        };
        assert_ne!(ended.code, Some(0), "{mode}: {ended}");
    }
}

#[test]
fn projects_of_jest_with_names_are_run_by_calls() {
    let package = r#"{ "jest": { "projects": [{ "displayName": "p1", "testMatch": ["**/a.test.js"] }, { "displayName": "p2", "testMatch": ["**/b.test.js"] }] } }"#;
    let files = [
        ("package.json", package),
        ("a.test.js", "test('a', () => {});"),
        ("b.test.js", "test('b', () => {});"),
    ];
    let Some(ended) = run_files("jest", "jest/bin/jest.js", "auto", &files) else {
        return;
    };
    passed(&ended, 2);
    assert!(
        ended
            .stderr
            .contains("several projects share one run of jest"),
        "{ended}"
    );
}
