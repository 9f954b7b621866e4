//! The server: its programs, statements, and what its processes cost.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

/// A running server on this machine.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) url: String,
    /// Its first process.
    postmaster: u32,
}

impl Database {
    pub(crate) fn new(url: String) -> anyhow::Result<Self> {
        let sql = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
        let pid: u32 = read(&url, sql)?.trim().parse()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .context("the server must run on this machine")?;
        let fields = stat.rsplit_once(')').map_or("", |it| it.1);
        let parent = fields.split_whitespace().nth(1);
        let postmaster = parent.and_then(|it| it.parse().ok()).context("no parent")?;
        Ok(Self { url, postmaster })
    }

    /// Runs statements.
    pub(crate) fn sql(&self, text: &str) -> anyhow::Result<()> {
        read(&self.url, text).map(drop)
    }

    /// Seconds of CPU of all its processes, those that ended included as far as the first one knows, and of another one.
    pub(crate) fn cpu(&self, also: Option<u32>) -> anyhow::Result<f64> {
        let mut ticks = 0_u64;
        let (also, postmaster) = (also.map(|pid| pid.to_string()), self.postmaster.to_string());
        for entry in std::fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().filter(|it| it.parse::<u32>().is_ok()) else {
                continue;
            };
            // It may be gone.
            let Ok(stat) = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"))
            else {
                continue;
            };
            let Some((_, rest)) = stat.rsplit_once(')') else {
                continue;
            };
            let fields: Vec<&str> = rest.split_whitespace().collect();
            let is_server = pid == postmaster || fields.get(1) == Some(&postmaster.as_str());
            if is_server || also.as_deref() == Some(pid) {
                // utime, stime, and those of children that were waited for.
                let times = fields.iter().skip(11).take(4);
                ticks += times.filter_map(|it| it.parse::<u64>().ok()).sum::<u64>();
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a count of ticks")]
        let seconds = ticks as f64 / 100.0;
        Ok(seconds)
    }
}

fn read(url: &str, text: &str) -> anyhow::Result<String> {
    let output = Command::new(newest("psql"))
        .args([url, "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", text])
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A program of Debian's newest PostgreSQL, or of the path.
pub(crate) fn newest(program: &str) -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut found: Vec<_> = folders
        .filter_map(|it| Some(it.ok()?.path().join("bin").join(program)))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| program.into())
}
