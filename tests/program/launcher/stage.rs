//! What the tests have in common: a checkout of the action, the runner's folders, and a launcher that starts in them
//! in a scrubbed environment.

use std::{
    fmt, fs,
    io::{BufRead as _, BufReader, Read, Write as _},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{launcher::node::node, support::until};

/// What a launcher must not inherit: names, or their beginnings.
const SCRUBBED: &[&str] = &[
    "GITHUB_",
    "RUNNER_",
    "ACTIONS_",
    "INPUT_",
    "STATE_",
    "TESTPLAN_",
    "CARGO",
    "RUST",
    "NODE_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

/// How a shell script answers as testplan.
const VERSION: &str = "[ \"$1\" = --version ] && echo testplan 1.2.3 && exit 0\n";

/// The checkout with what the runner gives. All of it goes with the test.
pub(crate) struct Stage {
    folder: tempfile::TempDir,
    node: PathBuf,
}

impl Stage {
    /// None without Node 24: then the test is skipped.
    pub(crate) fn new() -> Option<Self> {
        let node = node()?;
        let folder = tempfile::tempdir().unwrap();
        let stage = Self { folder, node };
        for name in ["action/dist", "temp", "tools", "workspace", "path"] {
            fs::create_dir_all(stage.path(name)).unwrap();
        }
        for file in fs::read_dir(repository().join("dist")).unwrap() {
            let file = file.unwrap();
            fs::copy(
                file.path(),
                stage.path("action/dist").join(file.file_name()),
            )
            .unwrap();
        }
        fs::write(stage.path("state"), "").unwrap();
        stage.release(&serde_json::json!({}));
        Some(stage)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        // Folders of people have spaces.
        self.folder.path().join("a stage").join(name)
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
        let mut command = Command::new(&self.node);
        for (name, _) in std::env::vars_os() {
            let upper = name.to_string_lossy().to_uppercase();
            if SCRUBBED.iter().any(|scrubbed| upper.starts_with(scrubbed)) {
                command.env_remove(name);
            }
        }
        // No cargo, no compiler: tests put theirs first.
        let path = format!("{}:/usr/bin:/bin", self.path("path").display());
        command
            .arg(self.path("action/dist").join(name))
            .env("PATH", path)
            .env("RUNNER_TEMP", self.path("temp"))
            .env("RUNNER_TOOL_CACHE", self.path("tools"))
            .env("GITHUB_STATE", self.path("state"))
            .current_dir(self.path("workspace"))
            .stdin(Stdio::null());
        Launch(command)
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
pub(crate) struct Launch(Command);

impl Launch {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
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

    pub(crate) fn start(mut self) -> Running {
        self.0.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.0.spawn().unwrap();
        let stdout = Heard::from(child.stdout.take().unwrap());
        let stderr = Heard::from(child.stderr.take().unwrap());
        Running {
            child,
            stdout,
            stderr,
        }
    }

    /// From start to end.
    pub(crate) fn run(self) -> Ended {
        self.start().end()
    }
}

/// What a process said so far.
struct Heard {
    text: Arc<Mutex<String>>,
    reader: thread::JoinHandle<()>,
}

impl Heard {
    fn from(stream: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut lines = BufReader::new(stream);
            let mut line = Vec::new();
            while lines
                .read_until(b'\n', &mut line)
                .is_ok_and(|read| read > 0)
            {
                kept.lock()
                    .unwrap()
                    .push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        Self { text, reader }
    }

    fn so_far(&self) -> String {
        self.text.lock().unwrap().clone()
    }
}

/// A launcher that runs. Dropping it kills it.
pub(crate) struct Running {
    child: Child,
    stdout: Heard,
    stderr: Heard,
}

impl Running {
    /// The rest of the first line that begins like this.
    #[track_caller]
    pub(crate) fn until_said(&self, beginning: &str) -> String {
        until(beginning, || {
            let said = self.stdout.so_far();
            let mut whole = said
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'));
            whole
                .find_map(|line| line.trim_end().strip_prefix(beginning))
                .map(str::to_owned)
        })
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it ended, and until nobody holds its stdout and stderr any more.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        let status = until("the end of the launcher", || self.child.try_wait().unwrap());
        until("the end of its output", || {
            (self.stdout.reader.is_finished() && self.stderr.reader.is_finished()).then_some(())
        });
        Ended {
            status,
            stdout: self.stdout.so_far(),
            stderr: self.stderr.so_far(),
        }
    }

    /// Waits until the process itself ended, whoever holds its stdout.
    #[track_caller]
    pub(crate) fn end_alone(&mut self) -> ExitStatus {
        until("the end of the launcher", || self.child.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A launcher that ended.
pub(crate) struct Ended {
    status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    #[track_caller]
    pub(crate) fn code_is(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }

    /// The workflow commands among its lines, as the runner reads them, but for `debug`: name and text.
    pub(crate) fn commands(&self) -> Vec<(String, String)> {
        let lines = self
            .stdout
            .split(['\n', '\r'])
            .chain(self.stderr.split(['\n', '\r']));
        lines
            .filter_map(command)
            .filter(|(name, _)| name != "debug")
            .collect()
    }

    /// The text of its one workflow command, which has this name.
    #[track_caller]
    pub(crate) fn only(&self, name: &str) -> String {
        let commands = self.commands();
        assert!(
            matches!(&commands[..], [(only, _)] if only == name),
            "{self}"
        );
        commands[0].1.clone()
    }
}

/// Both syntaxes of the runner: `::name props::data` at the start of a line, `##[name props]data` anywhere.
fn command(line: &str) -> Option<(String, String)> {
    let (head, data) = match line.trim_start().strip_prefix("::") {
        Some(rest) => rest.split_once("::")?,
        None => line.split_once("##[")?.1.split_once(']')?,
    };
    let name = head.split(' ').next()?.to_owned();
    let text = data
        .replace("%0A", "\n")
        .replace("%0D", "\r")
        .replace("%25", "%");
    Some((name, text))
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signal = self.status.signal();
        write!(
            f,
            "{} (signal {signal:?})\n{}{}",
            self.status, self.stdout, self.stderr
        )
    }
}

/// Whether a process is gone, or a zombie that nobody waits for.
pub(crate) fn gone(pid: &str) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).map_or(true, |line| line.is_empty())
}
