//! What something cost: wall clock, and CPU of everybody who took part.

use std::{
    fs,
    ops::Add,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context as _;

/// A cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

impl Cost {
    /// The share of one of `count`.
    pub(crate) fn per(self, count: u32) -> Self {
        Self {
            wall: self.wall / count,
            cpu: self.cpu / count,
        }
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            wall: self.wall + other.wall,
            cpu: self.cpu + other.cpu,
        }
    }
}

/// Measures from its making to [`Meter::read`].
#[derive(Debug)]
pub(crate) struct Meter {
    began: Instant,
    service: Option<u32>,
    before: Duration,
}

impl Meter {
    /// Counts this process and its children, once they have ended and were waited for.
    pub(crate) fn start() -> anyhow::Result<Self> {
        Self::with(None)
    }

    /// Counts a process beside that which lives on.
    pub(crate) fn start_with(service: u32) -> anyhow::Result<Self> {
        Self::with(Some(service))
    }

    fn with(service: Option<u32>) -> anyhow::Result<Self> {
        Ok(Self {
            service,
            before: cpu(service)?,
            began: Instant::now(),
        })
    }

    /// The cost so far.
    pub(crate) fn read(&self) -> anyhow::Result<Cost> {
        let wall = self.began.elapsed();
        Ok(Cost {
            wall,
            cpu: cpu(self.service)?.saturating_sub(self.before),
        })
    }
}

fn cpu(service: Option<u32>) -> anyhow::Result<Duration> {
    let beside = service.map_or(Ok(Duration::ZERO), |pid| of_threads(&pid.to_string()))?;
    Ok(of_threads("self")? + of_children()? + beside)
}

/// What the living threads of a process used, to the nanosecond: what `stat` has is rounded to 10 ms.
pub(crate) fn of_threads(process: &str) -> anyhow::Result<Duration> {
    let folder = PathBuf::from(format!("/proc/{process}/task"));
    let mut sum = 0;
    for thread in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        // A thread may end while its folder is read.
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else {
            continue;
        };
        sum += text
            .split_whitespace()
            .next()
            .and_then(|nanoseconds| nanoseconds.parse::<u64>().ok())
            .unwrap_or(0);
    }
    Ok(Duration::from_nanos(sum))
}

/// What children that were waited for used, with theirs; Linux counts it in ticks of 10 ms.
fn of_children() -> anyhow::Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').context("/proc/self/stat")?.1;
    // Fields 16 and 17 of the line, of which this is the third on.
    let ticks = fields
        .split_whitespace()
        .skip(13)
        .take(2)
        .map(str::parse::<u64>)
        .sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// Peak (`VmHWM`) or present (`VmRSS`) memory of a process, in bytes; `None` once it is gone.
pub(crate) fn memory(pid: u32, what: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(what))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
