//! How a process ended, and the text for it.

use std::{fmt, time::Duration};

use crate::text::format_duration;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessEnd {
    /// With an exit code.
    Exited(i32),
    /// By a signal that it did not handle (Unix).
    Signalled(i32),
    /// testplan stopped it at its time limit.
    TimedOut(Duration),
}

impl ProcessEnd {
    /// Whether a shell or a loader says by it that it could not start the program: not found, not executable, or without a
    /// library that it needs.
    pub(crate) fn says_not_started(self) -> bool {
        matches!(self, Self::Exited(126 | 127))
    }

    /// Whether the process may have been asked to stop: it ended by SIGHUP, SIGINT, SIGTERM or SIGKILL, or a shell reports
    /// one of them.
    pub(crate) fn may_be_a_stop(self) -> bool {
        let number = match self {
            Self::Signalled(number) => number,
            Self::Exited(code) => code.saturating_sub(128),
            Self::TimedOut(_) => return false,
        };
        matches!(number, 1 | 2 | 9 | 15)
    }
}

impl fmt::Display for ProcessEnd {
    /// With what the number usually means.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TimedOut(limit) => write!(f, "the time limit of {}", format_duration(limit)),
            Self::Signalled(number) => match signal(number) {
                Some((name, "")) => write!(f, "killed by {name} ({number})"),
                Some((name, why)) => write!(f, "killed by {name} ({number}): {why}"),
                None => write!(f, "killed by signal {number}"),
            },
            Self::Exited(code) => match meaning(code) {
                Some(meaning) => write!(f, "exit code {code} ({meaning})"),
                None => write!(f, "exit code {code}"),
            },
        }
    }
}

/// What a code means by custom of shells and of Windows.
fn meaning(code: i32) -> Option<String> {
    // Windows gives the status of a crash as a negative number.
    let status = match code.cast_unsigned() {
        0xC000_0005 => "access violation",
        0xC000_0017 => "out of memory",
        0xC000_001D => "illegal instruction",
        0xC000_0094 => "division by zero",
        0xC000_00FD => "stack overflow",
        0xC000_0135 => "a DLL was not found",
        0xC000_0139 => "an entry point of a DLL was not found",
        0xC000_013A => "stopped by Ctrl-C",
        0xC000_0142 => "a DLL failed to start",
        0xC000_0374 => "heap corruption",
        0xC000_0409 => "stack buffer overrun or abort",
        126 => "as a shell says: found but not executable",
        127 => "as a shell says: command not found",
        _ => {
            let (name, _) = signal(code.checked_sub(128)?)?;
            return Some(format!("as a shell says: killed by {name}"));
        }
    };
    Some(status.to_owned())
}

fn signal(number: i32) -> Option<(&'static str, &'static str)> {
    let linux = cfg!(any(target_os = "linux", target_os = "android"));
    Some(match number {
        1 => ("SIGHUP", ""),
        2 => ("SIGINT", ""),
        3 => ("SIGQUIT", ""),
        4 => ("SIGILL", "a crash"),
        5 => ("SIGTRAP", "a crash"),
        6 => ("SIGABRT", "an assertion or a fatal error in the program"),
        8 => ("SIGFPE", "a crash"),
        9 => ("SIGKILL", "often the system, out of memory"),
        11 => ("SIGSEGV", "a crash"),
        13 => ("SIGPIPE", ""),
        14 => ("SIGALRM", ""),
        15 => ("SIGTERM", ""),
        24 => ("SIGXCPU", "its limit of processor time"),
        25 => ("SIGXFSZ", "its limit of file size"),
        7 if linux => ("SIGBUS", "a crash"),
        10 if !linux => ("SIGBUS", "a crash"),
        31 if linux => ("SIGSYS", "a forbidden system call"),
        12 if !linux => ("SIGSYS", "a forbidden system call"),
        _ => return None,
    })
}
