//! A stage of a step while it runs: its output, its end, and how it is cancelled.

use std::{
    io::Read,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{PATIENCE, until};

/// How far a cancellation had to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reached {
    Interrupt,
    Terminate,
    Kill,
}

const AFTER_INTERRUPT: Duration = Duration::from_millis(7500);
const AFTER_TERMINATE: Duration = Duration::from_millis(2500);
/// How long output is waited for that others hold open.
const OUTPUT: Duration = Duration::from_secs(5);

/// A process and what it said so far.
pub(crate) struct Running {
    child: Child,
    stdout: Stream,
    stderr: Stream,
    ended: Option<(ExitStatus, Instant)>,
}

/// How a stage ended.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    /// Whether somebody still holds its output open.
    pub(super) held_open: bool,
}

struct Stream {
    text: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Running {
    /// Standard input is at its end from the start.
    pub(super) fn start(mut command: Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        Self {
            stdout: Stream::of(child.stdout.take().unwrap()),
            stderr: Stream::of(child.stderr.take().unwrap()),
            child,
            ended: None,
        }
    }

    /// Both outputs so far.
    pub(crate) fn said(&self) -> String {
        let mut text = self.stdout.text();
        text.extend(self.stderr.text());
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Waits until something holds of what it said.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, what: &str) {
        until(what, || {
            let over = self.is_over();
            let said = self.said();
            let found = said.contains(what);
            assert!(found || !over, "it ended without {what:?}:\n{said}");
            found.then_some(())
        });
    }

    /// Whether the runner goes on: the process has ended, and nobody else writes to its output, or for too long.
    pub(crate) fn is_over(&mut self) -> bool {
        if self.ended.is_none() {
            let status = self.child.try_wait().unwrap();
            self.ended = status.map(|status| (status, Instant::now()));
        }
        self.ended
            .is_some_and(|(_, at)| !self.held_open() || at.elapsed() > OUTPUT)
    }

    fn held_open(&self) -> bool {
        !(self.stdout.reader.is_finished() && self.stderr.reader.is_finished())
    }

    /// Signals go to this one process alone.
    #[track_caller]
    pub(super) fn cancel(&mut self) -> (Reached, Duration) {
        let began = Instant::now();
        let steps = [
            (Reached::Interrupt, Signal::INT, AFTER_INTERRUPT),
            (Reached::Terminate, Signal::TERM, AFTER_TERMINATE),
        ];
        for (reached, signal, limit) in steps {
            self.send(signal);
            let sent = Instant::now();
            while sent.elapsed() < limit {
                if self.is_over() {
                    return (reached, began.elapsed());
                }
                thread::sleep(Duration::from_millis(2));
            }
        }
        self.send(Signal::KILL);
        until("the end of what was killed", || {
            self.is_over().then_some(())
        });
        (Reached::Kill, began.elapsed())
    }

    fn send(&mut self, signal: Signal) {
        if self.ended.is_none() {
            let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
            let _ = kill_process(pid, signal);
        }
    }

    #[track_caller]
    pub(super) fn end(mut self) -> Ended {
        let began = Instant::now();
        while !self.is_over() {
            assert!(
                began.elapsed() < PATIENCE,
                "it does not end:\n{}",
                self.said()
            );
            thread::sleep(Duration::from_millis(5));
        }
        Ended {
            status: self.ended.unwrap().0,
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
            held_open: self.held_open(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Stream {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                kept.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { text, reader }
    }

    fn text(&self) -> Vec<u8> {
        self.text.lock().unwrap().clone()
    }
}
