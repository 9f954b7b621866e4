//! Signals to one process of a command's group, where a wrapper started the process that matters.

use rustix::process::{Pid, Signal, getpgid, kill_process};

use super::Running;

/// What a process can be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MemberSignal {
    /// SIGINT: end in order.
    Interrupt,
    /// SIGABRT: end with a trace of where it is.
    Abort,
}

impl Running {
    /// Whether a number is that of a process of this group.
    pub(crate) fn has_member(&self, pid: u32) -> bool {
        let group = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        group.is_some() && member(pid).is_some_and(|pid| getpgid(Some(pid)).ok() == group)
    }

    /// Sends a signal to a process if it belongs to this group. Returns whether it was sent.
    pub(crate) fn signal_member(&self, pid: u32, signal: MemberSignal) -> bool {
        let signal = match signal {
            MemberSignal::Interrupt => Signal::INT,
            MemberSignal::Abort => Signal::ABORT,
        };
        self.has_member(pid) && member(pid).is_some_and(|pid| kill_process(pid, signal).is_ok())
    }
}

fn member(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}
