//! A process that runs, and how it ended.

use std::{
    fs::File,
    io::{Read, Write as _},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{PATIENCE, runner_commands::all_commands, until, until_within};

/// A running process. Dropping it kills it.
pub(crate) struct Process {
    name: String,
    child: Child,
    stdout: Output,
    stderr: Output,
}

/// How a process ended, and its output.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) name: String,
    /// The exit code; `None` if a signal killed it.
    pub(crate) code: Option<i32>,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// One output stream, read by a thread of its own.
struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Output {
    /// Keeps it in a file as well, where one is named.
    fn of(mut pipe: impl Read + Send + 'static, file: Option<PathBuf>) -> Self {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let kept = Arc::clone(&bytes);
        let mut file = file.map(|path| File::create(path).unwrap());
        let reader = thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                if let Some(file) = &mut file {
                    // The stage may be gone before a process that outlives its test.
                    let _ = file.write_all(&buffer[..count]);
                }
                kept.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { bytes, reader }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }
}

impl Process {
    #[track_caller]
    pub(super) fn start(name: String, command: &mut Command, files: [Option<PathBuf>; 2]) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let [out, err] = files;
        Self {
            name,
            stdout: Output::of(child.stdout.take().unwrap(), out),
            stderr: Output::of(child.stderr.take().unwrap(), err),
            child,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its stdout so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Its stderr so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Whether neither it nor a process that it started writes to its output any more.
    pub(super) fn has_closed_its_output(&self) -> bool {
        self.stdout.reader.is_finished() && self.stderr.reader.is_finished()
    }

    /// Waits until its stderr contains a text.
    #[track_caller]
    pub(crate) fn wait_for_word(&mut self, word: &str) {
        until(&format!("{word:?} of {}", self.name), || {
            let ended = self.has_ended() && self.has_closed_its_output();
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

    /// Waits for a line of stdout that begins so, and returns the rest of it.
    #[track_caller]
    pub(crate) fn wait_for_line(&self, beginning: &str) -> String {
        until(&format!("{beginning:?} of {}", self.name), || {
            let stdout = self.stdout();
            let complete = &stdout[..stdout.rfind('\n')?];
            let mut lines = complete.lines();
            lines.find_map(|line| line.strip_prefix(beginning).map(str::to_owned))
        })
    }

    /// Waits for its end and that of its output.
    #[track_caller]
    pub(crate) fn end(self) -> Ended {
        self.end_within(PATIENCE)
    }

    /// The same; its end is late after `limit`.
    #[track_caller]
    pub(crate) fn end_within(mut self, limit: Duration) -> Ended {
        let began = Instant::now();
        let status = self.end_alone();
        let took = began.elapsed();
        until(&format!("the end of the output of {}", self.name), || {
            self.has_closed_its_output().then_some(())
        });
        let ended = Ended {
            name: self.name.clone(),
            code: status.code(),
            status,
            stdout: self.stdout(),
            stderr: self.stderr(),
        };
        assert!(took <= limit, "it took {took:?}, not {limit:?}: {ended}");
        ended
    }

    /// Waits for the end of the process itself, whatever still holds its output.
    #[track_caller]
    pub(crate) fn end_alone(&mut self) -> ExitStatus {
        until_within(PATIENCE, &format!("the end of {}", self.name), || {
            self.child.try_wait().unwrap()
        })
    }

    /// Kills this one process, as the system does when memory runs out: nothing it started is touched.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    #[cfg(unix)]
    pub(crate) fn send(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "it explains a failed test")]
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
            if thread::panicking() {
                eprintln!("--- {} was still running; its output:", self.name);
                eprintln!("{}{}", self.stdout(), self.stderr());
            }
        }
    }
}

impl Ended {
    /// Asserts that it ended by itself, with this exit code.
    #[track_caller]
    pub(crate) fn code_is(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// The workflow commands in its output, but for `debug`: name and text.
    pub(crate) fn commands(&self) -> Vec<(String, String)> {
        // Line by line, because a line is one command at most: the old form counts only where the new one does not.
        let lines = self.stdout.split(['\r', '\n']);
        lines
            .chain(self.stderr.split(['\r', '\n']))
            .filter_map(|line| all_commands(line.as_bytes()).into_iter().next())
            .map(|command| (command.name, command.data))
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
            code: _,
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

/// Whether a process lives; one that is dead and not yet collected does not.
#[cfg(unix)]
pub(crate) fn alive(pid: u32) -> bool {
    let listed = Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output()
        .unwrap();
    let state = String::from_utf8_lossy(&listed.stdout);
    !matches!(state.trim().chars().next(), None | Some('Z'))
}
