//! What the tests have in common: a folder, a named pipe, and shell scripts that know both.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    time::Duration,
};

use testplan::{
    run::process::{Running, spawn},
    runner::command_line::CommandLine,
};
use tokio::sync::mpsc;

/// More than any step takes; whoever waits longer has found a bug.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) struct Stage {
    dir: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let stage = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        stage.pipe("life");
        stage
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Makes a named pipe.
    pub(crate) fn pipe(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let made = std::process::Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap();
        assert!(made.success());
        path
    }

    /// A shell script as a command; it starts in the stage's folder. The first `exec 3>life` is done for it.
    pub(crate) fn script(&self, script: &str) -> CommandLine {
        self.command(&["sh", "-c", &format!("exec 3>life\n{script}")])
    }

    pub(crate) fn command(&self, argv: &[&str]) -> CommandLine {
        CommandLine {
            argv: argv.iter().map(Into::into).collect(),
            env: vec![],
            env_remove: vec![],
            cwd: Some(self.dir.path().to_owned()),
        }
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path("log")
    }

    pub(crate) fn logged(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap()
    }

    pub(crate) fn start(&self, script: &str) -> Running {
        spawn(&self.script(script), &self.log(), 1 << 20).unwrap()
    }

    pub(crate) fn life(&self) -> Life {
        Life::of(self.path("life"))
    }
}

/// The reading end of a pipe that processes hold. A thread of its own reads it: one that hangs does not keep a failed
/// test from ending.
pub(crate) struct Life(mpsc::UnboundedReceiver<String>);

impl Life {
    pub(crate) fn of(path: PathBuf) -> Self {
        let (say, heard) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            // Opening waits for the first writer.
            for line in BufReader::new(File::open(path).unwrap()).lines() {
                if say.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        Self(heard)
    }

    /// Waits for the next line.
    pub(crate) async fn line(&mut self) -> String {
        within(self.0.recv()).await.unwrap()
    }

    /// Waits until nobody holds the pipe any more; what was written until then.
    pub(crate) async fn end(&mut self) -> Vec<String> {
        let mut rest = Vec::new();
        while let Some(line) = within(self.0.recv()).await {
            rest.push(line);
        }
        rest
    }
}

/// Writes into a pipe, once somebody reads it.
pub(crate) async fn tell(path: &Path, text: &'static str) {
    let path = path.to_owned();
    let (done, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || done.send(std::fs::write(path, text)));
    within(told).await.unwrap().unwrap();
}

/// Fails rather than hangs.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("it hangs")
}
