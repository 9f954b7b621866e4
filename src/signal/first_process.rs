//! The first process of a container: the kernel gives it every process whose parent has ended, and it has to reap them.
//!
//! What testplan runs would collect as zombies, but a process that reaps everything takes the ends of its own children away
//! from whoever waits for them. So the first process is only a parent: it starts the program once more, passes signals on,
//! reaps whatever ends, and exits as its child does.

use std::{
    env, io,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Command, ExitStatus, id},
};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};
use tokio::signal::unix::{SignalKind, signal};

/// Signals that are passed on.
const PASSED_ON: [Signal; 4] = [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT];
/// A process that a signal ended has this and its number as exit code, as shells say it.
const BY_SIGNAL: i32 = 128;

/// Starts the program again below this process if it is the first one of its system. Returns its exit code; `None` if this
/// process is not the first one or cannot be a parent, and is the program itself.
pub(crate) fn run_below() -> Option<i32> {
    if id() != 1 {
        return None;
    }
    // A container without a way to start another process still gets its program.
    supervise().ok()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the program itself, not what it runs"
)]
fn supervise() -> io::Result<i32> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut ends = signal(SignalKind::child())?;
        let mut senders = Vec::new();
        for passed_on in PASSED_ON {
            let received = signal(SignalKind::from_raw(passed_on.as_raw()))?;
            senders.push((passed_on, received));
        }
        // In a group of its own: a signal from the terminal reaches this process alone, and is passed on once.
        let mut command = Command::new(env::current_exe()?);
        let child = command
            .args(env::args_os().skip(1))
            .process_group(0)
            .spawn()?;
        let child = Pid::from_child(&child);
        loop {
            if let Some(code) = reap(child) {
                return Ok(code);
            }
            let next = senders.iter_mut().map(|(number, received)| {
                Box::pin(async move {
                    received.recv().await;
                    *number
                })
            });
            tokio::select! {
                _ = ends.recv() => {}
                (number, ..) = futures_util::future::select_all(next) => {
                    // It may have ended at this moment.
                    let _ = kill_process(child, number);
                }
            }
        }
    })
}

/// Reaps all that have ended. Returns the exit code of `child`, if it is one of them.
fn reap(child: Pid) -> Option<i32> {
    let mut code = None;
    while let Ok(Some((ended, status))) = wait(WaitOptions::NOHANG) {
        if ended == child {
            let status = ExitStatus::from_raw(status.as_raw());
            let by_signal = status.signal().map(|number| BY_SIGNAL + number);
            code = status.code().or(by_signal);
        }
    }
    code
}
