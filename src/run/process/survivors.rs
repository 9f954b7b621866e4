//! Processes of a stopped command that still live: in its group or, on Linux, anywhere with its mark.

use rustix::process::{Pid, test_kill_process_group};

/// Whether a process of the group lives.
pub(super) fn in_group(group: u32) -> bool {
    let Some(pid) = i32::try_from(group).ok().and_then(Pid::from_raw) else {
        return false;
    };
    // A dead process that its parent has not collected keeps its group; only on Linux can it be told from a living one.
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

/// What came of killing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Killed {
    /// How many lived at first.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "asked on Linux"))]
    pub(super) found: usize,
    /// How many live on.
    pub(super) left: usize,
}

/// Kills those of the group, if one is named, and those with the mark, and looks again until there is none or a second
/// has passed. Blocks.
#[cfg(target_os = "linux")]
pub(super) fn kill(group: Option<u32>, mark: &str) -> Killed {
    const ROUNDS: usize = 100;
    let ours = |pid: Pid| proc::belongs(pid, group, mark);
    let mut killed = Killed { found: 0, left: 0 };
    for round in 0..ROUNDS {
        let living: Vec<Pid> = proc::processes().filter(|pid| ours(*pid)).collect();
        killed.left = living.len();
        if round == 0 {
            killed.found = living.len();
        }
        if living.is_empty() {
            break;
        }
        for pid in living {
            // It may have ended by itself.
            let _ = kill_if(pid, ours);
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    killed
}

/// Elsewhere only the group can be found, which was killed as a whole.
#[cfg(not(target_os = "linux"))]
pub(super) fn kill(_group: Option<u32>, _mark: &str) -> Killed {
    Killed { found: 0, left: 0 }
}

/// Whether a living process of the group bears the mark.
#[cfg(target_os = "linux")]
pub(super) fn is_marked(group: u32, mark: &str) -> bool {
    proc::processes().any(|pid| proc::living_group(pid) == Some(group) && proc::bears(pid, mark))
}

/// When a process was started, in ticks since the system was; also of one that is dead and not yet collected.
#[cfg(target_os = "linux")]
pub(super) fn started(pid: Pid) -> Option<u64> {
    proc::started(pid)
}

/// Kills a process if it is ours, also if its number goes to another one meanwhile.
#[cfg(target_os = "linux")]
fn kill_if(pid: Pid, ours: impl Fn(Pid) -> bool) -> std::io::Result<()> {
    use rustix::process::{PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

    match pidfd_open(pid, PidfdFlags::empty()) {
        // The descriptor names the process that has the number now.
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
    pub(super) fn belongs(pid: Pid, group: Option<u32>, mark: &str) -> bool {
        living_group(pid).is_some_and(|its| Some(its) == group || bears(pid, mark))
    }

    /// The group of a process that lives.
    pub(super) fn living_group(pid: Pid) -> Option<u32> {
        let stat = stat(pid)?;
        let mut fields = stat.split_ascii_whitespace();
        let state = fields.next()?;
        let group = fields.nth(1)?.parse().ok()?;
        (!matches!(state, "Z" | "X" | "x")).then_some(group)
    }

    /// The 22nd field, of which the first two are not in what is read.
    pub(super) fn started(pid: Pid) -> Option<u64> {
        stat(pid)?.split_ascii_whitespace().nth(19)?.parse().ok()
    }

    /// What the system says of a process, from its state on.
    fn stat(pid: Pid) -> Option<String> {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        // The name before it is in parentheses and may hold anything.
        let behind_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
        String::from_utf8(stat[behind_name..].to_vec()).ok()
    }

    /// Whether its environment has the mark. Environments of other users cannot be read.
    pub(super) fn bears(pid: Pid, mark: &str) -> bool {
        fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
            environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == mark.as_bytes())
        })
    }
}
