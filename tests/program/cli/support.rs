//! The binary as a user starts it: in a folder of its own, in an environment without CI, secrets, colours and proxies.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

/// More than any command here takes on a busy machine; what takes longer has hung.
const LONG: Duration = Duration::from_secs(60);

/// What a process must not inherit: names, or their beginnings.
const SCRUBBED: &[&str] = &[
    "GITHUB_",
    "RUNNER_",
    "ACTIONS_",
    "INPUT_",
    "TESTCENTER_",
    "TESTPLAN_",
    "CI",
    "NO_COLOR",
    "CLICOLOR",
    "FORCE_COLOR",
    "COLORTERM",
    "TERM",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "RUST_",
];

/// A program in a scrubbed environment.
pub(crate) fn scrubbed(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_uppercase();
        if SCRUBBED.iter().any(|scrubbed| upper.starts_with(scrubbed)) {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// A folder to work in, with what a test puts there.
pub(crate) struct Desk(tempfile::TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With a `testplan.yml`.
    pub(crate) fn with(plan: &str) -> Self {
        let desk = Self::new();
        desk.write("testplan.yml", plan);
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The binary under test, not yet started.
    pub(crate) fn testplan(&self, arguments: &[&str]) -> Command {
        let mut command = scrubbed(env!("CARGO_BIN_EXE_testplan"), self.0.path());
        command.args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        run(&mut self.testplan(arguments))
    }
}

/// What a process left.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; `None` if a signal killed it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The one JSON document on stdout.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// Runs to the end.
pub(crate) fn run(command: &mut Command) -> Ended {
    Started::new(command).end()
}

/// A process that runs; killed when dropped.
pub(crate) struct Started {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Started {
    pub(crate) fn new(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// The next line on stdout.
    pub(crate) fn says(&self) -> String {
        let Ok(line) = self.stdout.recv_timeout(LONG) else {
            panic!("nothing on stdout; stderr: {}", rest(&self.stderr));
        };
        line
    }

    /// Reads stderr until a line holds this.
    pub(crate) fn tells(&self, part: &str) {
        loop {
            let Ok(line) = self.stderr.recv_timeout(LONG) else {
                panic!("never told {part:?}");
            };
            if line.contains(part) {
                return;
            }
        }
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for the end. The streams end with the process and all that it started.
    pub(crate) fn end(mut self) -> Ended {
        let (stdout, stderr) = (rest(&self.stdout), rest(&self.stderr));
        Ended {
            code: self.child.wait().unwrap().code(),
            stdout,
            stderr,
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
            if sender
                .send(String::from_utf8_lossy(&line).into_owned())
                .is_err()
            {
                return;
            }
            line.clear();
        }
    });
    receiver
}

fn rest(lines: &Receiver<String>) -> String {
    let mut text = String::new();
    loop {
        match lines.recv_timeout(LONG) {
            Ok(line) => text.push_str(&line),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return text,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("hangs after:\n{text}"),
        }
    }
}

/// A running `testplan serve`, with its templates from the desk's `testplan.yml` if there is one.
pub(crate) struct Service {
    process: Started,
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Service {
    pub(crate) fn start(desk: &Desk) -> Self {
        let process = Started::new(&mut desk.testplan(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data",
            "data",
        ]));
        let line = process.says();
        let url = line.trim_end().strip_prefix("listening on ").unwrap();
        Self {
            url: url.to_owned(),
            token: desk.read("data/token"),
            process,
        }
    }

    /// Its URL and token as a user exports them.
    pub(crate) fn exports(&self) -> [(&'static str, &str); 2] {
        [
            ("TESTCENTER_URL", &self.url),
            ("TESTCENTER_TOKEN", &self.token),
        ]
    }

    /// Runs a command that speaks to it.
    pub(crate) fn run(&self, desk: &Desk, arguments: &[&str]) -> Ended {
        run(desk.testplan(arguments).envs(self.exports()))
    }

    /// Stops it as a service manager does; it ends well.
    #[cfg(unix)]
    pub(crate) fn stop(self) -> Ended {
        self.process.signal(rustix::process::Signal::TERM);
        self.process.end()
    }
}
