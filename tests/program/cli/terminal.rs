//! What a run shows on a terminal: a bar with what runs, keys, and progress in the terminal's tab. The terminal is real, and the run
//! has it for itself, as in an interactive shell.

use std::{
    fs::File,
    io::Read as _,
    os::fd::{AsFd as _, OwnedFd},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};

use crate::support::{Stage, skip::missing};

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A command on a terminal of its own.
struct Session {
    terminal: OwnedFd,
    child: Child,
    output: mpsc::Receiver<Vec<u8>>,
    seen: String,
}

impl Session {
    fn start(stage: &Stage, arguments: &[&str]) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal)
            .and_then(|()| unlockpt(&terminal))
            .expect("it is ours");
        let name = ptsname(&terminal, Vec::new()).expect("it has a name");
        let side =
            open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its other side");
        let size = Winsize {
            ws_row: 24,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&terminal, size).expect("a size");
        let copy = || Stdio::from(side.try_clone().expect("a copy"));
        let child = Command::new("setsid")
            .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_testplan")])
            .args(arguments)
            .current_dir(stage.path("."))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TERM", "xterm-256color")
            .env("TERM_PROGRAM", "WezTerm")
            .stdin(copy())
            .stdout(copy())
            .stderr(copy())
            .spawn()
            .expect("setsid of util-linux");
        let (sender, output) = mpsc::channel();
        let mut reader = File::from(terminal.try_clone().expect("a copy"));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The end of the last process on a terminal reads as an error.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            terminal,
            child,
            output,
            seen: String::new(),
        }
    }

    /// Reads until a text was printed.
    fn until(&mut self, text: &str) {
        while !self.seen.contains(text) {
            let bytes = self.output.recv_timeout(LIMIT);
            let bytes = bytes.unwrap_or_else(|_| panic!("no {text:?} in {}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    /// Whether keys are shown and kept until Enter.
    fn keeps_lines(&self) -> bool {
        let modes = tcgetattr(self.terminal.as_fd())
            .expect("its modes")
            .local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }
}

#[test]
fn terminal_shows_what_runs_and_answers_a_key() {
    if Command::new("setsid").arg("--version").output().is_err() {
        return missing("setsid of util-linux is not there");
    }
    let stage = Stage::with(
        "project: example\n\
         runner: { command: [sh, -c, 'until [ -e go ]; do sleep 0.05; done'] }\n\
         templates:\n\
         - { title: all, tests: [{ suite: suite, testcases: [waits] }] }\n",
    );
    let mut session = Session::start(&stage, &["run", "--workers", "1"]);
    assert!(session.keeps_lines(), "nothing was changed yet");
    session.until("0/1");
    session.until("running: suite / waits (");
    assert!(!session.keeps_lines(), "keys come without Enter");
    rustix::io::write(&session.terminal, b"t").expect("a key");
    session.until("running for ");
    session.until(" on worker 1: suite / waits");
    stage.write("go", "");
    session.until("conclusion: ");
    let ended = session.child.wait().expect("it ends");
    assert_eq!(ended.code(), Some(0), "{}", session.seen);
    assert!(session.keeps_lines(), "the modes are back");
    for sequence in ["\x1b]9;4;1;100\x1b\\", "\x1b]9;4;0;\x1b\\"] {
        assert!(session.seen.contains(sequence), "{:?}", session.seen);
    }
}
