//! Processes of a stopped command that are still there: in its group or, on Linux, anywhere with its mark.

use rustix::process::{Pid, test_kill_process_group};

/// Whether a process of the group lives.
pub(super) fn in_group(group: u32) -> bool {
    let Some(pid) = i32::try_from(group).ok().and_then(Pid::from_raw) else {
        return false;
    };
    // A dead process that nobody collects keeps its group; only Linux lets us tell it from a living one.
    let exists = test_kill_process_group(pid) != Err(rustix::io::Errno::SRCH);
    exists && still_living(group)
}

#[cfg(not(target_os = "linux"))]
fn still_living(_group: u32) -> bool {
    true
}

#[cfg(target_os = "linux")]
fn still_living(group: u32) -> bool {
    proc::processes().any(|pid| proc::living_group(pid) == Some(group))
}

/// Kills them, and looks again until there is none or a second has passed. Returns how many live on. Blocks.
#[cfg(target_os = "linux")]
pub(super) fn kill(group: u32, mark: &str) -> usize {
    const ROUNDS: usize = 100;
    let ours = |pid: Pid| proc::belongs(pid, group, mark);
    let mut left = 0;
    for _ in 0..ROUNDS {
        let living: Vec<Pid> = proc::processes().filter(|pid| ours(*pid)).collect();
        left = living.len();
        if left == 0 {
            break;
        }
        for pid in living {
            // One that just ended by itself is what we want.
            let _ = kill_if(pid, ours);
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    left
}

/// Elsewhere there is no way to find them beyond the group, which was killed as a whole.
#[cfg(not(target_os = "linux"))]
pub(super) fn kill(_group: u32, _mark: &str) -> usize {
    0
}

/// Kills a process if it is ours, also if its number goes to another one meanwhile.
#[cfg(target_os = "linux")]
fn kill_if(pid: Pid, ours: impl Fn(Pid) -> bool) -> std::io::Result<()> {
    use rustix::process::{PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

    match pidfd_open(pid, PidfdFlags::empty()) {
        // Whoever has the number now is whom the descriptor names.
        Ok(descriptor) if ours(pid) => pidfd_send_signal(&descriptor, Signal::KILL)?,
        Ok(_) => {}
        // Linux before 5.3 has none.
        Err(rustix::io::Errno::NOSYS) => kill_process(pid, Signal::KILL)?,
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

#[cfg(target_os = "linux")]
mod proc {
    use std::fs;

    use super::Pid;

    /// All that can be seen.
    pub(super) fn processes() -> impl Iterator<Item = Pid> {
        fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(Pid::from_raw)
    }

    /// Whether a process lives and is of the group or bears the mark in its environment.
    pub(super) fn belongs(pid: Pid, group: u32, mark: &str) -> bool {
        living_group(pid).is_some_and(|its| its == group || bears(pid, mark))
    }

    /// The group of a process that lives.
    pub(super) fn living_group(pid: Pid) -> Option<u32> {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        // The name before it is in parentheses and may hold anything.
        let behind_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
        let fields = std::str::from_utf8(&stat[behind_name..]).ok()?;
        let mut fields = fields.split_ascii_whitespace();
        let state = fields.next()?;
        let group = fields.nth(1)?.parse().ok()?;
        (!matches!(state, "Z" | "X" | "x")).then_some(group)
    }

    /// Others' environments cannot be read, and ours do not interest.
    fn bears(pid: Pid, mark: &str) -> bool {
        fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
            environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == mark.as_bytes())
        })
    }
}
