//! The leases that this process holds, as files, so that a later process can release the leases of a killed one.
//!
//! One file per lease, `EXECUTION.json`, from the reservation until the result is delivered or the lease released. It holds
//! the lease and how to recognise the test's processes, and nothing about the service. It costs two small writes and one
//! removal per execution, so it is done only where the last step of the action reads the folder.

use std::{
    collections::BTreeMap,
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

/// How many leases are released at once.
const AT_ONCE: usize = 8;

/// The content of a file.
#[derive(Debug, Serialize, Deserialize)]
struct HeldFile {
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

/// Writes the files of leases that came together: one process may run all their tests, so they have one mark.
#[derive(Debug)]
pub(crate) struct NewLeaseFiles<'a> {
    plan: PlanId,
    folder: &'a Path,
    mark: String,
}

/// The file of a lease that this process holds. Dropping the value keeps the file.
#[derive(Debug)]
pub(crate) struct LeaseFile {
    file: PathBuf,
    held: HeldFile,
}

impl<'a> NewLeaseFiles<'a> {
    /// Begins to write into a folder. Makes a mark if there is none; writes nothing if the system has no random numbers.
    pub(crate) fn begin(plan: PlanId, folder: &'a Path, mark: Option<String>) -> Option<Self> {
        let mark = mark.map_or_else(process::mark, Ok);
        let mark = mark.inspect_err(warn_not_written).ok()?;
        Some(Self { plan, folder, mark })
    }

    /// Writes the file of a new lease. A failure is logged and changes nothing: the lease expires by
    /// itself, only later.
    pub(crate) fn create(&self, granted: &Granted) -> LeaseFile {
        let created = LeaseFile {
            file: self.folder.join(format!("{}.json", granted.execution)),
            held: HeldFile {
                v: VERSION,
                plan: self.plan,
                execution: granted.execution,
                lease: granted.lease.clone(),
                mark: self.mark.clone(),
                process: None,
            },
        };
        created.write();
        created
    }
}

impl LeaseFile {
    /// What the test's processes are to be marked with.
    pub(crate) fn mark(&self) -> &str {
        &self.held.mark
    }

    /// Adds the test's first process.
    pub(crate) fn record_process(&mut self, pid: u32) {
        self.held.process = Some(Trace::of(pid));
        self.write();
    }

    /// Removes the file, once the lease was traded for a result, lost or released.
    pub(crate) fn remove(self) {
        // Another lease of this process may be on the execution by now.
        let is_its =
            |held: HeldFile| (&held.mark, &held.lease) == (&self.held.mark, &self.held.lease);
        if read(&self.file).is_ok_and(is_its) {
            remove_file(&self.file);
        }
    }

    fn write(&self) {
        let written = serde_json::to_vec(&self.held)
            .map_err(io::Error::other)
            .and_then(|bytes| {
                fs::write_private_atomic(&self.file, &bytes).map_err(io::Error::other)
            });
        if let Err(error) = written {
            warn_not_written(&error);
        }
    }
}

fn warn_not_written(error: &io::Error) {
    tracing::warn!(%error, "the file of a lease could not be written");
}

fn remove_file(file: &Path) {
    if let Err(error) = std::fs::remove_file(file) {
        tracing::warn!(file = %file.display(), %error, "the file of a lease that ended could not be removed");
    }
}

fn read(file: &Path) -> io::Result<HeldFile> {
    let held: HeldFile = serde_json::from_slice(&std::fs::read(file)?)?;
    if held.v == VERSION {
        return Ok(held);
    }
    let other = format!("another version of testplan wrote it (format {})", held.v);
    Err(io::Error::other(other))
}

/// The outcome for a lease that a killed process left.
#[derive(Debug)]
pub struct ReleasedLease {
    plan: PlanId,
    /// Its execution.
    pub execution: ExecutionId,
    /// Whether processes of its test still ran.
    pub orphans: Orphans,
    /// Whether it was released.
    pub outcome: ReleaseOutcome,
}

/// How releasing an abandoned lease went.
#[derive(Debug)]
pub enum ReleaseOutcome {
    /// The execution is open again.
    Released,
    /// The lease had ended before: why, in the service's words.
    AlreadyEnded(String),
    /// The lease stands until it expires: why.
    Stands(String),
}

impl fmt::Display for ReleasedLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "execution {} of plan {}: ", self.execution, self.plan)?;
        match self.orphans {
            Orphans::Gone => {}
            Orphans::Ended(count) => write!(f, "{count} processes of its test were ended, ")?,
            Orphans::Left => f.write_str("processes of its test may still run, ")?,
        }
        match &self.outcome {
            ReleaseOutcome::Released => f.write_str("its lease was given back"),
            ReleaseOutcome::AlreadyEnded(why) => write!(f, "its lease had ended ({why})"),
            ReleaseOutcome::Stands(why) => write!(f, "its lease expires by itself ({why})"),
        }
    }
}

/// How the service of abandoned leases is reached.
#[derive(Clone, Copy, Debug)]
pub enum LeaseService<'a> {
    /// By this client.
    At(&'a Client),
    /// It was one of the dead process, and is gone as well.
    Gone,
    /// Not at all: why. Its leases expire by themselves.
    Unknown(&'a str),
}

/// Ends the processes of the tests whose leases a dead process left in `folder`, and then releases each lease whose test has
/// no process any more. A file is removed when its lease has ended. Without a service only the processes are ended.
///
/// To be called when the process that held the leases has ended. Takes a few seconds at most. Fails if the folder cannot
/// be read; a folder that does not exist holds nothing.
pub async fn release_abandoned(
    folder: &Path,
    service: LeaseService<'_>,
) -> io::Result<Vec<ReleasedLease>> {
    let folder = folder.to_owned();
    let found = tokio::task::spawn_blocking(move || end_orphans(&folder))
        .await
        .map_err(io::Error::other)??;
    let mut released = Vec::with_capacity(found.len());
    for some in found.chunks(AT_ONCE) {
        let releasing = some.iter().map(|found| async move {
            let (held, orphans) = (&found.held, found.orphans);
            let outcome = release(held, orphans, service).await;
            if !matches!(outcome, ReleaseOutcome::Stands(_)) {
                remove_file(&found.file);
            }
            ReleasedLease {
                plan: held.plan,
                execution: held.execution,
                orphans,
                outcome,
            }
        });
        released.extend(join_all(releasing).await);
    }
    Ok(released)
}

/// A file that a dead process left.
struct FoundFile {
    file: PathBuf,
    held: HeldFile,
    orphans: Orphans,
}

fn end_orphans(folder: &Path) -> io::Result<Vec<FoundFile>> {
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
            Ok(held) => found.push(FoundFile {
                file,
                held,
                orphans: Orphans::Gone,
            }),
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "the file of an abandoned lease cannot be read");
            }
        }
    }
    found.sort_by_key(|found| (found.held.plan, found.held.execution));
    end_marked(&mut found);
    Ok(found)
}

/// Ends the processes of each mark. They are those of all its files: while one of them lives, no lease of these is
/// released. The first file has the count.
fn end_marked(found: &mut [FoundFile]) {
    let mut marks: BTreeMap<String, Vec<&mut FoundFile>> = BTreeMap::new();
    for found in found {
        marks
            .entry(found.held.mark.clone())
            .or_default()
            .push(found);
    }
    for (mark, mut files) in marks {
        let mut traces: Vec<_> = files.iter().filter_map(|it| it.held.process).collect();
        traces.sort_unstable();
        traces.dedup();
        let mut ended = orphans::end(traces.pop(), &mark);
        for trace in traces {
            ended = ended.and(orphans::end(Some(trace), &mark));
        }
        match ended {
            Orphans::Left => files.iter_mut().for_each(|it| it.orphans = ended),
            _ => files.iter_mut().take(1).for_each(|it| it.orphans = ended),
        }
    }
}

async fn release(held: &HeldFile, orphans: Orphans, service: LeaseService<'_>) -> ReleaseOutcome {
    if orphans == Orphans::Left {
        let why = "another worker must not run the test at the same time";
        return ReleaseOutcome::Stands(why.to_owned());
    }
    let client = match service {
        LeaseService::At(client) => client,
        LeaseService::Gone => {
            return ReleaseOutcome::AlreadyEnded("its service is gone as well".to_owned());
        }
        LeaseService::Unknown(why) => return ReleaseOutcome::Stands(why.to_owned()),
    };
    match client.release(held.execution, held.lease.as_ref()).await {
        Ok(()) => ReleaseOutcome::Released,
        Err(error) if error.lease_is_lost() => ReleaseOutcome::AlreadyEnded(error.to_string()),
        Err(error) => ReleaseOutcome::Stands(error.to_string()),
    }
}
