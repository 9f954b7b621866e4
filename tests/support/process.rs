//! A testplan process that runs, and how it ended.

use std::{
    path::PathBuf,
    process::{Child, ExitStatus},
    time::{Duration, Instant},
};

use super::{PATIENCE, until, until_within};

/// A running process. Dropping it kills it.
pub(crate) struct Process {
    name: String,
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

/// How a process ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) name: String,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    pub(super) fn new(name: String, child: Child, out: PathBuf, err: PathBuf) -> Self {
        Self {
            name,
            child,
            out,
            err,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to stdout so far.
    pub(crate) fn stdout(&self) -> String {
        read(&self.out)
    }

    /// What it wrote to stderr so far.
    pub(crate) fn stderr(&self) -> String {
        read(&self.err)
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until it said something on stderr.
    #[track_caller]
    pub(crate) fn wait_for_word(&mut self, word: &str) {
        until(&format!("{word:?} of {}", self.name), || {
            let ended = self.has_ended();
            let said = self.stderr().contains(word);
            assert!(
                said || !ended,
                "{} ended without {word:?}:\n{}",
                self.name,
                self.stderr()
            );
            said.then_some(())
        });
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(self) -> Ended {
        self.end_within(PATIENCE)
    }

    /// Waits for its end, which is late after `limit`.
    #[track_caller]
    pub(crate) fn end_within(mut self, limit: Duration) -> Ended {
        let began = Instant::now();
        let status = until_within(PATIENCE, &format!("the end of {}", self.name), || {
            self.child.try_wait().unwrap()
        });
        let took = began.elapsed();
        let ended = Ended {
            name: self.name.clone(),
            status,
            stdout: self.stdout(),
            stderr: self.stderr(),
        };
        assert!(took <= limit, "it took {took:?}, not {limit:?}: {ended}");
        ended
    }

    /// Kills this one process, as the system does when memory runs out: nothing it started is touched.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    #[cfg(unix)]
    pub(crate) fn send(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.pid()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Process {
    #[expect(
        clippy::print_stderr,
        reason = "it is for whoever reads of the failure"
    )]
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
            if std::thread::panicking() {
                eprintln!("--- {} was still running; it said:", self.name);
                eprintln!("{}{}", self.stdout(), self.stderr());
            }
        }
    }
}

impl Ended {
    /// That it ended with this exit code, by itself.
    #[track_caller]
    pub(crate) fn code_is(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }

    /// Its stdout as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            name,
            status,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "{name}: {status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}

fn read(path: &PathBuf) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

/// Whether a process lives; one that is dead and not yet collected does not.
#[cfg(unix)]
pub(crate) fn alive(pid: u32) -> bool {
    let listed = std::process::Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output()
        .unwrap();
    let state = String::from_utf8_lossy(&listed.stdout);
    !matches!(state.trim().chars().next(), None | Some('Z'))
}
