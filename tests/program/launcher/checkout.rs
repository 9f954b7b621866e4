//! What the tests have in common: a checkout of the action, the runner's folders, and a launcher that starts in them
//! in a scrubbed environment.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    launcher::node::node,
    support::{Ended, Process, Stage, Testplan},
};

/// How a shell script answers as testplan.
const VERSION: &str = "[ \"$1\" = --version ] && echo testplan 1.2.3 && exit 0\n";

/// The checkout with what the runner gives. All of it goes with the test.
pub(crate) struct Checkout {
    stage: Stage,
    node: PathBuf,
}

impl Checkout {
    /// None without Node 24: then the test is skipped.
    pub(crate) fn new() -> Option<Self> {
        let node = node()?;
        let checkout = Self {
            stage: Stage::new(),
            node,
        };
        for name in ["action/dist", "temp", "tools", "workspace", "path"] {
            fs::create_dir_all(checkout.path(name)).unwrap();
        }
        for file in fs::read_dir(repository().join("dist")).unwrap() {
            let file = file.unwrap();
            fs::copy(
                file.path(),
                checkout.path("action/dist").join(file.file_name()),
            )
            .unwrap();
        }
        fs::write(checkout.path("state"), "").unwrap();
        checkout.release(&serde_json::json!({}));
        Some(checkout)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        // Folders of people have spaces.
        self.stage.path("a stage").join(name)
    }

    /// The manifest of version 1.2.3 with these files.
    pub(crate) fn release(&self, files: &serde_json::Value) {
        let manifest = serde_json::json!({ "version": "1.2.3", "source": "", "files": files });
        fs::write(self.path("action/dist/manifest.json"), manifest.to_string()).unwrap();
    }

    /// Where `@actions/tool-cache` keeps a version.
    pub(crate) fn kept(&self, version: &str) -> PathBuf {
        self.path("tools/testplan").join(version).join(arch())
    }

    /// Puts a binary into the tool cache, without the marker.
    pub(crate) fn keep(&self, version: &str, script: &str) -> PathBuf {
        let place = self.kept(version);
        fs::create_dir_all(&place).unwrap();
        executable(&place.join("testplan"), script);
        place
    }

    /// A shell script in the place of the binary, somewhere.
    pub(crate) fn binary(&self, name: &str, script: &str) -> PathBuf {
        let path = self.path(name);
        executable(&path, &format!("{VERSION}{script}"));
        path
    }

    /// The same without an answer to `--version`.
    pub(crate) fn stranger(&self, name: &str, script: &str) -> PathBuf {
        let path = self.path(name);
        executable(&path, script);
        path
    }

    /// The same in JavaScript, which answers signals at once.
    pub(crate) fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.path(name);
        let version = "if (process.argv[2] === '--version') {
            console.log('testplan 1.2.3');
            process.exit(0);
        }";
        let node = self.node.display();
        write(&path, &format!("#!{node}\n{version}\n{script}"));
        path
    }

    /// A binary that stays until it got two signals and tells each of them; then it ends with 130.
    pub(crate) fn stubborn(&self) -> PathBuf {
        self.program(
            "stubborn",
            "const got = [];
            for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {
                console.log(`got ${signal}`);
                if (got.push(signal) === 2) process.exit(130);
            });
            setInterval(() => {}, 1e6);
            console.log(`ready ${process.argv.slice(2)} ${process.pid}`);",
        )
    }

    /// The launcher as the runner starts it.
    pub(crate) fn main(&self) -> Launch {
        self.script("main.js")
    }

    /// The post step, with the state that main left.
    pub(crate) fn post(&self) -> Launch {
        let mut launch = self.script("post.js");
        for (name, value) in self.state() {
            launch = launch.env(&format!("STATE_{name}"), value);
        }
        launch
    }

    fn script(&self, name: &str) -> Launch {
        // No cargo, no compiler: tests put theirs first.
        let path = format!("{}:/usr/bin:/bin", self.path("path").display());
        let launch = self
            .stage
            .program(&self.node)
            .in_folder(self.path("workspace"))
            .arg(self.path("action/dist").join(name))
            .with("PATH", path)
            .with("RUNNER_TEMP", self.path("temp"))
            .with("RUNNER_TOOL_CACHE", self.path("tools"))
            .with("GITHUB_STATE", self.path("state"));
        Launch(launch)
    }

    /// `GITHUB_STATE`, read as the runner reads it: heredocs, lines that end with `\n` alone.
    pub(crate) fn state(&self) -> Vec<(String, String)> {
        let text = fs::read_to_string(self.path("state")).unwrap();
        let mut values = Vec::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (head, body) = rest.split_once('\n').expect("a line ends with \\n");
            let (name, delimiter) = head.split_once("<<").expect("a heredoc");
            let end = format!("\n{delimiter}\n");
            let (value, behind) = body.split_once(&end).expect("the end of the heredoc");
            values.push((name.to_owned(), value.to_owned()));
            rest = behind;
        }
        values
    }
}

pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The processor, as Node names it.
pub(crate) fn arch() -> &'static str {
    if cfg!(target_arch = "x86_64") {
        "x64"
    } else {
        "arm64"
    }
}

/// Writes an executable shell script.
pub(crate) fn executable(path: &Path, script: &str) {
    write(path, &format!("#!/bin/sh\n{script}\n"));
}

/// By a process of its own: one that another test forks meanwhile would hold our file open, and what is open for
/// writing cannot be started.
fn write(path: &Path, text: &str) {
    let mut shell = Command::new("sh")
        .args(["-c", "cat >\"$0\" && chmod +x \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = shell.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    assert!(shell.wait().unwrap().success());
}

/// A launcher that is about to start.
pub(crate) struct Launch(Testplan);

impl Launch {
    pub(crate) fn env(self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        Self(self.0.with(name, value))
    }

    pub(crate) fn without(self, name: &str) -> Self {
        Self(self.0.without(name))
    }

    pub(crate) fn binary_path(self, path: impl AsRef<std::ffi::OsStr>) -> Self {
        self.env("INPUT_BINARY-PATH", path)
    }

    /// Some of the launcher's times run a thousand times faster: `pause`, `limit`, `clock`.
    pub(crate) fn faster(self, times: &str) -> Self {
        let preload = repository().join("tests/program/launcher/faster.cjs");
        self.env(
            "NODE_OPTIONS",
            format!("--require \"{}\"", preload.display()),
        )
        .env("FASTER", times)
    }

    pub(crate) fn start(self) -> Process {
        self.0.start()
    }

    /// From start to end.
    #[track_caller]
    pub(crate) fn run(self) -> Ended {
        self.0.run()
    }
}

/// Whether a process is gone, or a zombie that nobody waits for.
pub(crate) fn gone(pid: &str) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).map_or(true, |line| line.is_empty())
}
