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
