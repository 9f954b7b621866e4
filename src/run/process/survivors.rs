//! Processes of a stopped command that still live: in its group or, on Linux, anywhere with its mark.

use rustix::process::{Pid, test_kill_process_group};

/// Whether a process of the group lives.
pub(super) fn in_group(group: u32) -> bool {
    let Some(pid) = i32::try_from(group).ok().and_then(Pid::from_raw) else {
        return false;
    };
    // A dead process that its parent has not collected keeps its group; only Linux shows that it is dead.
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

/// How many processes there were to kill.
#[derive(Clone, Copy, Debug)]
pub(super) struct Killed {
    /// The most that lived at once.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "asked on Linux"))]
    pub(super) found: usize,
    /// How many live on.
    pub(super) left: usize,
}

/// Kills those of the group, if one is named, and those with the mark, and looks again until there is none or a second
/// has passed. Blocks.
#[cfg(target_os = "linux")]
pub(super) fn kill(group: Option<u32>, mark: &str) -> Killed {
    let member = |pid: Pid| proc::membership(pid, group, mark);
    let kill = |ours: &Survivor| {
        // It may have ended by itself.
        let _ = kill_if(ours.pid, |pid| proc::started(pid) == ours.started);
    };
    let pause = || std::thread::sleep(std::time::Duration::from_millis(10));
    kill_all(|| Scan::of(proc::processes(), member), kill, pause)
}

/// Whether a process is one of those to be killed.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Membership {
    Ours,
    Foreign,
    /// It is executing a new program, and its environment cannot be read until that has begun.
    Unclear,
}

/// A process to kill. Its start tells it from a later one with its number, even while it executes a new program.
#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Survivor {
    pid: Pid,
    started: Option<u64>,
}

/// One look at all processes.
#[cfg(target_os = "linux")]
#[derive(Debug, Default)]
struct Scan {
    ours: Vec<Survivor>,
    has_unclear: bool,
}

#[cfg(target_os = "linux")]
impl Scan {
    fn of(processes: impl Iterator<Item = Pid>, member: impl Fn(Pid) -> Membership) -> Self {
        let mut scan = Self::default();
        for pid in processes {
            let started = proc::started(pid);
            match member(pid) {
                Membership::Ours => scan.ours.push(Survivor { pid, started }),
                Membership::Unclear => scan.has_unclear = true,
                Membership::Foreign => {}
            }
        }
        scan
    }
}

/// Scans and kills until a scan has neither a process to kill nor one that is unclear.
#[cfg(target_os = "linux")]
fn kill_all(
    mut scan: impl FnMut() -> Scan,
    mut kill: impl FnMut(&Survivor),
    mut pause: impl FnMut(),
) -> Killed {
    const ROUNDS: usize = 100;
    let mut killed = Killed { found: 0, left: 0 };
    for _ in 0..ROUNDS {
        let Scan { ours, has_unclear } = scan();
        killed.left = ours.len();
        killed.found = killed.found.max(ours.len());
        if ours.is_empty() && !has_unclear {
            break;
        }
        ours.iter().for_each(&mut kill);
        pause();
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
    proc::processes().any(|pid| {
        proc::living_group(pid) == Some(group)
            && proc::membership(pid, None, mark) == Membership::Ours
    })
}

/// When a process was started, in ticks since the system was; also of one that is dead and not yet collected.
#[cfg(target_os = "linux")]
pub(super) fn started(pid: Pid) -> Option<u64> {
    proc::started(pid)
}

/// Kills a process only if it is ours, even if another process gets its number meanwhile.
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
    use std::{fs, io::Read as _, time::Duration};

    use super::{Membership, Pid};

    /// All visible processes.
    pub(super) fn processes() -> impl Iterator<Item = Pid> {
        fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(Pid::from_raw)
    }

    /// Whether a process lives and is of the group or has the mark in its environment.
    pub(super) fn membership(pid: Pid, group: Option<u32>, mark: &str) -> Membership {
        match living_group(pid) {
            None => Membership::Foreign,
            Some(its) if Some(its) == group => Membership::Ours,
            Some(_) => by_mark(pid, mark),
        }
    }

    /// Environments of other users cannot be read: their processes are foreign.
    fn by_mark(pid: Pid, mark: &str) -> Membership {
        let mut found = environment(pid);
        if matches!(&found, Environment::Whole(bytes) if bytes.is_empty()) {
            // While a new program is being loaded its environment has no size yet.
            std::thread::sleep(Duration::from_millis(1));
            found = environment(pid);
        }
        match found {
            Environment::Whole(bytes) => {
                let mut variables = bytes.split(|byte| *byte == 0);
                if variables.any(|variable| variable == mark.as_bytes()) {
                    Membership::Ours
                } else {
                    Membership::Foreign
                }
            }
            Environment::Changing => Membership::Unclear,
            Environment::None => Membership::Foreign,
        }
    }

    enum Environment {
        Whole(Vec<u8>),
        /// A new program is being loaded.
        Changing,
        /// None that may be read.
        None,
    }

    /// Reads the environment in one call: a new program that begins between two would end the file early, with all that
    /// was not read yet. The size, which the process says elsewhere, shows that it did not begin before the call either.
    fn environment(pid: Pid) -> Environment {
        let Ok(mut file) = fs::File::open(format!("/proc/{pid}/environ")) else {
            return Environment::None;
        };
        let size = match environment_size(pid) {
            Some(EnvironmentSize::Bytes(size)) => size,
            Some(EnvironmentSize::NotSet) => return Environment::Changing,
            None => return Environment::None,
        };
        let mut bytes = vec![0; size.saturating_add(1)];
        match file.read(&mut bytes) {
            Ok(read) if read == size => {
                bytes.truncate(size);
                Environment::Whole(bytes)
            }
            Ok(_) => Environment::Changing,
            Err(_) => Environment::None,
        }
    }

    enum EnvironmentSize {
        Bytes(usize),
        /// A new program is being loaded.
        NotSet,
    }

    /// From the fields 23 (size of the memory), 50 and 51 (where the environment begins and ends); `None` for a thread
    /// of the kernel, which has no memory, and for a process that is gone.
    fn environment_size(pid: Pid) -> Option<EnvironmentSize> {
        let stat = stat(pid)?;
        let field = |number: usize| -> Option<usize> {
            stat.split_ascii_whitespace().nth(number - 3)?.parse().ok()
        };
        let (memory, start, end) = (field(23)?, field(50)?, field(51)?);
        match (memory, end) {
            (0, _) => None,
            (_, 0) => Some(EnvironmentSize::NotSet),
            (_, end) => Some(EnvironmentSize::Bytes(end.saturating_sub(start))),
        }
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
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Kills by these scans, each with its processes and whether one is unclear. Returns the processes that were killed.
    fn killed_by(scans: &[(&[i32], bool)]) -> (Vec<i32>, Killed) {
        let mut scans: VecDeque<&(&[i32], bool)> = scans.iter().collect();
        let mut kills = Vec::new();
        let scan = || {
            let (pids, has_unclear) = scans.pop_front().expect("no more scans than needed");
            Scan {
                ours: pids
                    .iter()
                    .filter_map(|pid| Pid::from_raw(*pid))
                    .map(|pid| Survivor { pid, started: None })
                    .collect(),
                has_unclear: *has_unclear,
            }
        };
        let kill = |ours: &Survivor| kills.push(ours.pid.as_raw_nonzero().get());
        let killed = kill_all(scan, kill, || {});
        assert!(scans.is_empty(), "all scans are made");
        (kills, killed)
    }

    #[test]
    fn scans_go_on_while_a_process_is_unclear() {
        let (kills, killed) = killed_by(&[(&[], true), (&[7], false), (&[], true), (&[], false)]);
        assert_eq!(kills, [7]);
        assert_eq!((killed.found, killed.left), (1, 0));
    }

    #[test]
    fn the_first_scan_without_any_process_is_the_last() {
        let (kills, killed) = killed_by(&[(&[7, 8], false), (&[8], false), (&[], false)]);
        assert_eq!(kills, [7, 8, 8]);
        assert_eq!((killed.found, killed.left), (2, 0));
        assert_eq!(killed_by(&[(&[], false)]).1.found, 0);
    }

    #[test]
    fn a_process_is_ours_by_its_mark_and_foreign_without_environment() {
        let start = |mark: Option<&str>| {
            let mut command = std::process::Command::new("sleep");
            command.arg("600").env_clear();
            if let Some(mark) = mark {
                command.env("MARK", mark);
            }
            command.spawn().expect("sleep starts")
        };
        for (mark, expected) in [
            (Some("a"), Membership::Ours),
            (Some("b"), Membership::Foreign),
            (None, Membership::Foreign),
        ] {
            let mut child = start(mark);
            let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
            // The child executes its program while this test looks.
            let found = std::iter::repeat_with(|| proc::membership(pid, None, "MARK=a"))
                .find(|found| *found != Membership::Unclear);
            assert_eq!(found, Some(expected), "{mark:?}");
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}
