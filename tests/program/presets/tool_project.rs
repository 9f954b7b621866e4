//! A project for a tool, its testplan.yml, and what came of a run.

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{Ended, PATIENCE, Stage, Testplan, files_below};

use super::tool::{Does, Tool};

/// A project with tests for a tool.
pub(crate) struct ToolProject {
    pub(crate) tool: &'static Tool,
    pub(crate) stage: Stage,
    pub(super) program: Vec<String>,
}

/// What a run says of each test: its outcome, and why.
pub(crate) type Outcomes = BTreeMap<String, (String, String)>;

impl ToolProject {
    /// `None` if the tool is not there.
    pub(crate) fn new(tool: &'static Tool, tests: &[(&str, Does)]) -> Option<Self> {
        let program = tool.found()?;
        let project = Self {
            tool,
            stage: Stage::new(),
            program,
        };
        project.write(tests);
        Some(project)
    }

    /// Writes the tests in place of those that it has.
    pub(crate) fn write(&self, tests: &[(&str, Does)]) {
        (self.tool.write)(&self.stage, tests);
    }

    /// A testplan.yml with the tool's own listing, or with these tests of the tool's one suite.
    pub(crate) fn plan(&self, mode: &str, testcases: Option<&[String]>) {
        let tests = match testcases {
            Some(testcases) => json!({ "suite": self.tool.suite, "testcases": testcases }),
            None => json!({ "discover": self.tool.preset }),
        };
        let program = self.program.as_slice();
        // Without permissions deno's tests could do nothing.
        let args: &[&str] = match self.tool.preset {
            "deno" => &["--allow-all"],
            "meson" => &["-C", "build"],
            _ => &[],
        };
        let plan = json!({
            "project": "p",
            "runner": { "preset": self.tool.preset, "program": program, "args": args, "mode": mode },
            "templates": [{ "title": "T", "tests": [tests] }],
        });
        self.stage.write("testplan.yml", plan.to_string());
    }

    /// Runs all tests by the tool alone: the names of those that ran, sorted.
    pub(crate) fn own_run(&self) -> Vec<String> {
        let output = Command::new(&self.program[0])
            .args(&self.program[1..])
            .args(self.tool.run_all)
            .current_dir(self.stage.folder())
            .env_remove("NODE_OPTIONS")
            .env_remove("CARGO_TARGET_DIR")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let ran = self.take_ran();
        assert!(output.status.success() && !ran.is_empty(), "{output:?}");
        ran
    }

    /// The names of the tests that ran since they were last taken, sorted.
    pub(crate) fn take_ran(&self) -> Vec<String> {
        let path = self.stage.path("ran");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let _ = std::fs::remove_file(path);
        let mut names: Vec<String> = text.lines().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// `testplan run` with one worker, not started yet.
    pub(crate) fn command(&self) -> Testplan {
        let _ = std::fs::remove_dir_all(self.stage.path("testplan-out"));
        self.stage.testplan("run").flags("--workers 1")
    }

    /// How long something may take: a start of Java's tools takes half a minute on a busy machine.
    pub(crate) fn patience(&self) -> Duration {
        let is_slow = ["gradle", "maven"].contains(&self.tool.preset);
        if is_slow { PATIENCE * 5 } else { PATIENCE }
    }

    pub(crate) fn run(&self) -> (Ended, Outcomes) {
        let ended = self.command().start().end_within(self.patience());
        let outcomes = self.outcomes(&ended);
        (ended, outcomes)
    }

    /// What the records of the last run say.
    pub(crate) fn outcomes(&self, ended: &Ended) -> Outcomes {
        let report = self.stage.testplan("report");
        let report = report.flags("--format json --records testplan-out/records --out report");
        let report = report.run();
        let Ok(report) = serde_json::from_str::<Value>(&report.stdout) else {
            panic!("{report}\n{ended}");
        };
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let entries = report["executions"].as_array().unwrap().iter();
        entries
            .map(|it| {
                let why = format!("{} {}", text(it, "message"), text(it, "details"));
                (text(it, "testcase"), (text(it, "outcome"), why))
            })
            .collect()
    }

    /// How often the tool was started to run tests.
    pub(crate) fn calls(&self) -> usize {
        let logs = files_below(&self.stage.path("testplan-out/logs"));
        let is_log = |path: &&std::path::PathBuf| path.extension().is_some_and(|it| it == "log");
        logs.iter().filter(is_log).count()
    }
}

/// `NAME: OUTCOME` of each.
pub(crate) fn brief(outcomes: &Outcomes) -> Vec<String> {
    let line = |(name, (outcome, _)): (&String, &(String, String))| format!("{name}: {outcome}");
    outcomes.iter().map(line).collect()
}
