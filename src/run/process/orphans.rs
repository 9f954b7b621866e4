//! Processes of a command whose testplan was killed: a later process finds and ends them, and no others.

/// Identifies the first process of a command later, when another process may have its number.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Trace {
    /// Number of the first process, which is the group's on Unix.
    pub group: u32,
    /// When it was started, in ticks since the system was; known on Linux only.
    pub started: Option<u64>,
}

/// The processes that were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orphans {
    /// No process of it ran any more.
    Gone,
    /// How many processes of it ran and were ended.
    Ended(usize),
    /// A process still runs: it could not be ended, or may be a foreign one.
    Left,
}

impl Orphans {
    /// Those of two commands together.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Left, _) | (_, Self::Left) => Self::Left,
            (Self::Gone, other) => other,
            (ended, Self::Gone) => ended,
            (Self::Ended(some), Self::Ended(more)) => Self::Ended(some + more),
        }
    }
}

impl Trace {
    /// Of a process that runs now.
    pub(crate) fn of(pid: u32) -> Self {
        Self {
            group: pid,
            started: started(pid),
        }
    }
}

#[cfg(target_os = "linux")]
fn started(pid: u32) -> Option<u64> {
    let pid = i32::try_from(pid).ok()?;
    super::survivors::started(rustix::process::Pid::from_raw(pid)?)
}

#[cfg(not(target_os = "linux"))]
fn started(_pid: u32) -> Option<u64> {
    None
}

/// Ends what runs of a command that was started with the mark. The group counts as its own if its first process is the
/// one that was started, or if any in it bears the mark. Blocks, a second at most.
#[cfg(target_os = "linux")]
pub fn end(trace: Option<Trace>, mark: &str) -> Orphans {
    use super::survivors;

    let mark = format!("{}={mark}", super::ATTEMPT);
    let group = trace.filter(|trace| {
        let same = trace.started.is_some() && started(trace.group) == trace.started;
        same || survivors::is_marked(trace.group, &mark)
    });
    let ended = survivors::kill(group.map(|trace| trace.group), &mark);
    match (ended.found, ended.left) {
        (0, 0) => Orphans::Gone,
        (found, 0) => Orphans::Ended(found),
        (_, _) => Orphans::Left,
    }
}

/// Elsewhere a group that exists may be a foreign one, and is left alone.
#[cfg(all(unix, not(target_os = "linux")))]
pub fn end(trace: Option<Trace>, _mark: &str) -> Orphans {
    match trace {
        Some(trace) if super::survivors::in_group(trace.group) => Orphans::Left,
        _ => Orphans::Gone,
    }
}

/// A job ends with the process that made it.
#[cfg(windows)]
pub fn end(_trace: Option<Trace>, _mark: &str) -> Orphans {
    Orphans::Gone
}
