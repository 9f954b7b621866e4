//! A project for one of the real tools, and what its reporter wrote.

use std::{
    collections::HashSet,
    ffi::OsString,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use testplan::{
    model::outcome::CaseVerdict,
    reporter::{EVENTS, ReportedTool, ReporterFolder, SELECTION},
    result_file::{EventStream, read_events},
};

use crate::skip;

/// Longest that anything may take here.
const LONG: Duration = Duration::from_secs(120);

/// One of the tools in one of its versions.
#[derive(Clone, Copy)]
pub(crate) struct Tool {
    pub(crate) reported: ReportedTool,
    /// The folder of its packages.
    packages: &'static str,
    /// Its program in there; empty for node itself.
    program: &'static str,
    /// What every call gets before the names of files.
    arguments: &'static [&'static str],
}

pub(crate) const VITEST_5: Tool = Tool {
    reported: ReportedTool::Vitest,
    packages: "current",
    program: "vitest/vitest.mjs",
    arguments: &["run"],
};
pub(crate) const VITEST_4: Tool = Tool {
    packages: "vitest-4",
    ..VITEST_5
};
pub(crate) const JEST: Tool = Tool {
    reported: ReportedTool::Jest,
    packages: "current",
    program: "jest/bin/jest.js",
    // `--reporters` takes words until the next option.
    arguments: &["--ci", "--runTestsByPath"],
};
pub(crate) const MOCHA: Tool = Tool {
    reported: ReportedTool::Mocha,
    packages: "current",
    program: "mocha/bin/mocha.js",
    arguments: &[],
};
pub(crate) const NODE_TEST: Tool = Tool {
    reported: ReportedTool::NodeTest,
    packages: "current",
    program: "",
    arguments: &["--test"],
};
pub(crate) const PLAYWRIGHT: Tool = Tool {
    reported: ReportedTool::Playwright,
    packages: "current",
    program: "playwright/cli.js",
    arguments: &["test", "--workers=1"],
};
pub(crate) const CUCUMBER: Tool = Tool {
    reported: ReportedTool::CucumberJs,
    packages: "current",
    program: "@cucumber/cucumber/bin/cucumber.js",
    arguments: &["--require=steps.js"],
};

/// A folder with tests; its name has a blank.
pub(crate) struct ToolProject {
    pub(crate) tool: Tool,
    folder: tempfile::TempDir,
    reporters: ReporterFolder,
    node: OsString,
    packages: PathBuf,
}

/// What became of a call.
pub(crate) struct Call {
    pub(crate) exit: Option<i32>,
    pub(crate) stream: EventStream,
    pub(crate) output: String,
}

impl ToolProject {
    /// `None` without the tool; the test that asks is skipped.
    pub(crate) fn new(tool: Tool) -> Option<Self> {
        let folder = std::env::var_os("TESTPLAN_JS_TOOLS").filter(|path| !path.is_empty());
        let packages = folder.map(|it| Path::new(&it).join(tool.packages).join("node_modules"));
        let Some(packages) = packages.filter(|it| it.join(tool.program).exists()) else {
            skip::missing(&format!("no {} in TESTPLAN_JS_TOOLS", tool.program));
            return None;
        };
        let node = std::env::var_os("TESTPLAN_NODE").filter(|path| !path.is_empty());
        let folder = tempfile::Builder::new()
            .prefix("js tools")
            .tempdir()
            .unwrap();
        let project = Self {
            tool,
            folder,
            reporters: ReporterFolder::make().unwrap(),
            node: node.unwrap_or_else(|| "node".into()),
            packages,
        };
        std::os::unix::fs::symlink(&project.packages, project.path("node_modules")).unwrap();
        project.write("package.json", "{}");
        Some(project)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Runs these files to the end.
    pub(crate) fn run(&self, files: &[&str]) -> Call {
        let child = self.start(files, None);
        self.ended(child)
    }

    /// Runs only the tests of a list, `FILE<tab>NAME` on each line.
    pub(crate) fn run_selected(&self, files: &[&str], list: &str) -> Call {
        self.write("selected", list);
        let child = self.start(files, Some(self.path("selected")));
        self.ended(child)
    }

    /// Runs these files until the stream contains a text, and kills all processes then.
    pub(crate) fn kill_at(&self, files: &[&str], text: &str) -> Call {
        let child = self.start(files, None);
        let started = Instant::now();
        while !self.events().contains(text) {
            assert!(started.elapsed() < LONG, "no {text:?} in {}", self.events());
            std::thread::sleep(Duration::from_millis(20));
        }
        let group = format!("-{}", child.id());
        let killed = Command::new("kill").args(["-9", "--", &group]).status();
        assert!(killed.unwrap().success());
        self.ended(child)
    }

    /// The stream as it is.
    pub(crate) fn events(&self) -> String {
        std::fs::read_to_string(self.path("events")).unwrap_or_default()
    }

    fn start(&self, files: &[&str], selection: Option<PathBuf>) -> Child {
        let _ = std::fs::remove_file(self.path("events"));
        let mut command = Command::new(&self.node);
        if !self.tool.program.is_empty() {
            command.arg(self.packages.join(self.tool.program));
        }
        command
            .args(self.tool.arguments.iter().take(1))
            .args(self.tool.reported.arguments(self.reporters.path()))
            .args(self.tool.arguments.iter().skip(1))
            .args(files)
            .current_dir(self.folder.path())
            .env(EVENTS, self.path("events"))
            .env_remove("NODE_OPTIONS")
            .stdout(std::fs::File::create(self.path("output")).unwrap())
            .stderr(std::fs::File::create(self.path("errors")).unwrap())
            .stdin(Stdio::null())
            .process_group(0);
        if let Some(list) = selection {
            command.env(SELECTION, list);
        }
        command.spawn().unwrap()
    }

    fn ended(&self, mut child: Child) -> Call {
        let started = Instant::now();
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if started.elapsed() > LONG => {
                    child.kill().unwrap();
                    panic!("it runs for too long: {}", self.events());
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        // A tool that ends before it has loaded its reporter leaves none.
        let events = std::fs::read(self.path("events")).unwrap_or_default();
        assert_final_files(&String::from_utf8_lossy(&events));
        let read = |name| std::fs::read_to_string(self.path(name)).unwrap_or_default();
        Call {
            exit: status.code(),
            stream: read_events("events", &*events).unwrap(),
            output: format!("{}{}", read("output"), read("errors")),
        }
    }
}

impl Call {
    /// `name: verdict message` of each case; an error outside of a test has its file before it.
    pub(crate) fn results(&self) -> Vec<String> {
        let words = |case: &testplan::model::CaseResult| {
            let verdict = match &case.verdict {
                CaseVerdict::Passed { flaky: false } => "passed".to_owned(),
                CaseVerdict::Passed { flaky: true } => "flaky".to_owned(),
                CaseVerdict::Failed(it) => format!("failed {}", it.message),
                CaseVerdict::Error(it) => format!("error {} {}", case.classname, it.message),
                CaseVerdict::Skipped { message } => format!("skipped {message}"),
            };
            format!("{}: {}", case.name, verdict.trim_end())
        };
        self.stream.results.cases.iter().map(words).collect()
    }

    /// The names of the suspects.
    pub(crate) fn suspects(&self) -> Vec<&str> {
        let names = self.stream.suspects.iter();
        names.map(|test| test.name.as_str()).collect()
    }
}

/// If a tool says that files are final, no line of a file follows its end.
fn assert_final_files(events: &str) {
    let lines = events
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut is_final = false;
    let mut ended = HashSet::new();
    for line in lines {
        is_final |= line["final_files"] == true;
        let file = line["file"].as_str().unwrap_or_default().to_owned();
        if is_final && !file.is_empty() {
            assert!(
                !ended.contains(&file),
                "{line} after the end of its file:\n{events}"
            );
            if line["t"] == "file_end" {
                ended.insert(file);
            }
        }
    }
}
