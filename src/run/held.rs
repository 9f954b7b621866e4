//! The leases that this process holds now, as files: whoever comes after a killed worker gives them back at once.
//!
//! One file per lease, `EXECUTION.json`, from the reservation until the result is told or the lease given back. It has
//! the lease and how to recognise the test's processes, and nothing of the service. It costs an execution two small files
//! written and one removed, so it is done only where somebody will look: the last step of the action.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::process::{
    self,
    orphans::{self, Orphans, Trace},
};
use crate::{
    client::{Client, Granted},
    fs,
    model::{ExecutionId, LeaseToken, PlanId},
};

/// The version of the files that this build writes and reads.
const VERSION: u32 = 1;

/// What a file says.
#[derive(Debug, Serialize, Deserialize)]
struct Held {
    v: u32,
    plan: PlanId,
    execution: ExecutionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease: Option<LeaseToken>,
    /// Value of [`process::ATTEMPT`] in the environment of the test's processes.
    mark: String,
    /// The test's first process, once it was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    process: Option<Trace>,
}

/// The file of a lease that this process holds. Dropping it leaves the file.
#[derive(Debug)]
pub struct Hold {
    file: PathBuf,
    held: Held,
}

impl Hold {
    /// Writes down a lease that was just granted. What cannot be written is told and changes nothing: the lease ends by
    /// itself if need be, only later.
    pub fn of(granted: &Granted, plan: PlanId, folder: &Path) -> Option<Self> {
        let mark = process::mark().inspect_err(cannot_write).ok()?;
        let hold = Self {
            file: folder.join(format!("{}.json", granted.execution)),
            held: Held {
                v: VERSION,
                plan,
                execution: granted.execution,
                lease: granted.lease.clone(),
                mark,
                process: None,
            },
        };
        hold.write();
        Some(hold)
    }

    /// What its processes are to be marked with.
    pub fn mark(&self) -> &str {
        &self.held.mark
    }

    /// Its first process runs.
    pub fn started(&mut self, pid: u32) {
        self.held.process = Some(Trace::of(pid));
        self.write();
    }

    /// The lease is over: told, lost or given back.
    pub fn over(self) {
        // Another worker of this process may hold the execution by now.
        if read(&self.file).is_ok_and(|held| held.mark == self.held.mark) {
            remove(&self.file);
        }
    }

    fn write(&self) {
        let written = serde_json::to_vec(&self.held)
            .map_err(io::Error::other)
            .and_then(|bytes| {
                fs::write_private_atomic(&self.file, &bytes).map_err(io::Error::other)
            });
        if let Err(error) = written {
            cannot_write(&error);
        }
    }
}

fn cannot_write(error: &io::Error) {
    tracing::warn!(%error, "a lease cannot be written down");
}

fn remove(file: &Path) {
    if let Err(error) = std::fs::remove_file(file) {
        tracing::warn!(file = %file.display(), %error, "the file of a lease that is over cannot be removed");
    }
}

fn read(file: &Path) -> io::Result<Held> {
    let held: Held = serde_json::from_slice(&std::fs::read(file)?)?;
    if held.v == VERSION {
        return Ok(held);
    }
    let other = format!("it was written by another testplan (version {})", held.v);
    Err(io::Error::other(other))
}

/// What became of a lease that somebody left.
#[derive(Debug)]
pub struct GivenBack {
    /// Its plan.
    pub plan: PlanId,
    /// Its execution.
    pub execution: ExecutionId,
    /// What was found of its test.
    pub orphans: Orphans,
    /// How that went.
    pub end: GivenBackEnd,
}

/// How giving back went.
#[derive(Debug)]
pub enum GivenBackEnd {
    /// The execution is open for others.
    Open,
    /// The lease was over already, in the service's words.
    WasOver(String),
    /// It still stands and ends by itself, and why.
    Stands(String),
}

impl fmt::Display for GivenBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "execution {} of plan {}: ", self.execution, self.plan)?;
        match self.orphans {
            Orphans::Gone => {}
            Orphans::Ended(count) => write!(f, "{count} processes of its test were ended, ")?,
            Orphans::Left => f.write_str("processes of its test may run on, ")?,
        }
        match &self.end {
            GivenBackEnd::Open => f.write_str("its lease was given back"),
            GivenBackEnd::WasOver(why) => write!(f, "its lease was over ({why})"),
            GivenBackEnd::Stands(why) => write!(f, "its lease ends by itself ({why})"),
        }
    }
}

/// Ends what still runs of the tests whose leases a dead process left in `folder`, and gives the leases back where
/// nothing runs any more. A file is removed when its lease is over. Without a client (the service is gone as well) the
/// processes are ended alone.
///
/// To be called when the process that held them has ended. Takes a few seconds at most. An error is a folder that
/// cannot be read; one that is not there holds nothing.
pub async fn give_back(folder: &Path, client: Option<&Client>) -> io::Result<Vec<GivenBack>> {
    let folder = folder.to_owned();
    let found = tokio::task::spawn_blocking(move || end_all(&folder))
        .await
        .map_err(io::Error::other)??;
    let giving = found.into_iter().map(|(file, held, orphans)| async move {
        let end = settle(&held, orphans, client).await;
        if !matches!(end, GivenBackEnd::Stands(_)) {
            remove(&file);
        }
        GivenBack {
            plan: held.plan,
            execution: held.execution,
            orphans,
            end,
        }
    });
    Ok(join_all(giving).await)
}

fn end_all(folder: &Path) -> io::Result<Vec<(PathBuf, Held, Orphans)>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let file = entry?.path();
        if file.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        match read(&file) {
            Ok(held) => {
                let orphans = orphans::end(held.process, &held.mark);
                found.push((file, held, orphans));
            }
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "a lease that was left cannot be read");
            }
        }
    }
    found.sort_by_key(|(_, held, _)| (held.plan, held.execution));
    Ok(found)
}

async fn settle(held: &Held, orphans: Orphans, client: Option<&Client>) -> GivenBackEnd {
    if orphans == Orphans::Left {
        let why = "somebody else must not run the test beside it";
        return GivenBackEnd::Stands(why.to_owned());
    }
    let Some(client) = client else {
        return GivenBackEnd::WasOver("its service is gone as well".to_owned());
    };
    match client.release(held.execution, held.lease.as_ref()).await {
        Ok(()) => GivenBackEnd::Open,
        Err(error) if error.lease_is_lost() => GivenBackEnd::WasOver(error.to_string()),
        Err(error) => GivenBackEnd::Stands(error.to_string()),
    }
}
