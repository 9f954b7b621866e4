//! Squish on a stage: stand-ins for squishrunner and squishserver, and suites for them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Ended, Process, Stage, Testplan};

/// A stage with Squish installed in `prefix` and suites in `suites`.
pub(crate) struct Squish {
    pub(crate) stage: Stage,
}

impl Squish {
    pub(crate) fn new() -> Self {
        let stage = Stage::new();
        let bin = stage.path("prefix/bin");
        fs::create_dir_all(&bin).unwrap();
        for name in ["squishrunner", "squishserver"] {
            let to = bin.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            fs::hard_link(stand_in(name), &to)
                .or_else(|_| fs::copy(stand_in(name), &to).map(drop))
                .unwrap();
        }
        Self { stage }
    }

    /// A suite with a Python test case for each name and body; see the stand-in's `script.rs` for what it understands.
    pub(crate) fn suite(&self, name: &str, testcases: &[(&str, &str)]) -> &Self {
        let names: Vec<&str> = testcases.iter().map(|(name, _)| *name).collect();
        let conf = format!("LANGUAGE=Python\nTEST_CASES={}\n", names.join(" "));
        self.stage
            .write(&format!("suites/{name}/suite.conf"), &conf);
        for (testcase, body) in testcases {
            let file = format!("suites/{name}/{testcase}/test.py");
            let mut lines = String::new();
            for line in body.lines() {
                lines.extend(["    # stand-in: ", line.trim(), "\n"]);
            }
            self.stage.write(&file, format!("def main():\n{lines}"));
        }
        self
    }

    /// Writes `testplan.yml`: template `T` has all suites; `squish` is what stands in its braces, `more` more lines.
    pub(crate) fn plan(&self, squish: &str, more: &str) -> &Self {
        let text = format!(
            "project: p\nrunner:\n  squish: {{ suites: [suites], {squish} }}\n{more}\ntemplates:\n  - title: T\n    tests: [discover: squish]\n"
        );
        self.stage.write("testplan.yml", &text);
        self
    }

    /// A testplan process to be, which finds Squish.
    pub(crate) fn testplan(&self, subcommand: &str) -> Testplan {
        self.stage
            .testplan(subcommand)
            .with("SQUISH_PREFIX", self.stage.path("prefix"))
            .with("STAND_IN_ARGUMENTS", self.stage.path("arguments"))
    }

    /// `testplan run`, to its end.
    #[track_caller]
    pub(crate) fn run(&self) -> Ended {
        self.testplan("run").flags("--out out").run()
    }

    /// What squishrunner was started with, one by one.
    pub(crate) fn calls(&self) -> Vec<Vec<String>> {
        let lines = self.stage.lines("arguments");
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// A Squish server of its own port.
    #[track_caller]
    pub(crate) fn server(&self, name: &str) -> SquishServer {
        self.server_with(name, &[])
    }

    /// The same with variables.
    #[track_caller]
    pub(crate) fn server_with(&self, name: &str, variables: &[(&str, &str)]) -> SquishServer {
        let process = self
            .program("squishserver")
            .called(name)
            .args(["--port", "0", "--verbose"])
            .with_all(variables.iter().copied())
            .start();
        let port = process.wait_for_line("Port: ").parse().unwrap();
        SquishServer { process, port }
    }

    /// Runs a program of Squish.
    #[track_caller]
    pub(crate) fn tool(&self, name: &str, arguments: &[&str]) -> Ended {
        self.program(name).args(arguments).run()
    }

    fn program(&self, name: &str) -> Testplan {
        let file = format!("prefix/bin/{name}{}", std::env::consts::EXE_SUFFIX);
        self.stage
            .program(self.stage.path(&file))
            .with("SQUISH_USER_SETTINGS_DIR", self.stage.path("settings"))
    }
}

/// A Squish server that runs. Dropping it kills it.
pub(crate) struct SquishServer {
    pub(crate) process: Process,
    pub(crate) port: u16,
}

impl SquishServer {
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

/// An example target, which `cargo test` builds beside the tests.
pub(crate) fn stand_in(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_testplan")).parent().unwrap();
    let path = target.join(format!("examples/{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.is_file(),
        "{} is missing: cargo build --examples",
        path.display()
    );
    path
}
