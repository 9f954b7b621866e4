//! The tests of a project, from the first warm process: no other call of pytest lists them.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use super::{
    early_workers::{self, EarlyWorkers},
    message::{FileNote, FromProcess, Hello, ToProcess},
    pytest_names::{broken_file, test_of},
    warm_process::{ProcessEvent, WarmProcess},
    warm_setup::Starter,
};
use crate::{clock, model::Test, single::output_tail, text::format_duration};

/// What pytest collected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Name and version of the tool.
    pub tool: String,
    /// The ids, in pytest's order.
    pub ids: Vec<String>,
    /// Digest of the ids in order: a process with another one has other tests.
    pub hash: String,
    /// Files that could not be collected.
    pub broken: Vec<FileNote>,
    /// Files that were skipped as a whole.
    pub skipped: Vec<FileNote>,
    /// Ids of several tests; each is run as one.
    pub duplicates: Vec<String>,
    /// How many tests the project's settings left out.
    pub deselected: u64,
    /// Why the process cannot run its tests one by one; empty if it can.
    pub obstacles: Vec<String>,
}

impl Collected {
    /// The tests as a plan has them, each once: the file is the suite. A file that could not be collected is one test,
    /// which fails.
    pub fn tests(&self) -> Vec<Test> {
        let mut seen = HashSet::new();
        let broken = self.broken.iter().map(|note| broken_file(&note.file));
        let tests = self.ids.iter().filter_map(|id| test_of(id)).chain(broken);
        tests.filter(|test| seen.insert(test.clone())).collect()
    }

    /// Ids that name no file and test: a plan cannot have these.
    pub fn without_test(&self) -> Vec<&str> {
        let ids = self.ids.iter().map(String::as_str);
        ids.filter(|id| test_of(id).is_none()).collect()
    }
}

/// Why there is no list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCollected {
    /// pytest did not start, or ended before it had collected its tests.
    #[error("{0}")]
    Failed(String),
    /// The command ended, and no pytest was heard of.
    #[error("{0}")]
    NoPytest(String),
}

/// A process that has collected its tests and was not given any yet.
#[derive(Debug)]
pub(crate) struct ReadyProcess {
    pub(crate) process: WarmProcess,
    /// It has asked for a test.
    pub(crate) has_asked: bool,
    /// Files that it could not collect.
    pub(crate) broken: Vec<FileNote>,
    /// Whether it was asked for the names of its tests.
    pub(crate) has_listed: bool,
    /// How long it took from its start until it had collected its tests.
    pub(crate) start_cost: Duration,
}

/// A process that was started before the first one had collected its tests.
#[derive(Debug)]
pub(crate) struct EarlyProcess {
    /// Of which worker it is.
    pub(crate) worker: u32,
    pub(crate) process: WarmProcess,
    pub(crate) began: Instant,
}

/// A process that a session begins with.
#[derive(Debug)]
pub(crate) enum FirstProcess {
    Ready(ReadyProcess),
    Early(EarlyProcess),
}

/// How long a process without tests may take to end in order.
const END_GRACE: Duration = Duration::from_secs(10);

impl ReadyProcess {
    /// Ends it in order: it runs no test.
    pub(super) async fn end(mut self) {
        self.process.send(&ToProcess::End.line()).await;
        let ending = async { while let ProcessEvent::Message(_) = self.process.event().await {} };
        if tokio::time::timeout(END_GRACE, ending).await.is_err() {
            tracing::warn!("pytest did not end in order after it had listed its tests");
        }
        self.process.stop(Duration::ZERO).await;
    }
}

/// What is asked of the first process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The names of its tests.
    Names,
    /// How many there are.
    Counts,
}

/// Starts the first process and asks it for its tests. Starts others as well if that takes long.
pub(super) async fn collect(
    starter: &Starter,
    wanted: Wanted,
    limit: Duration,
) -> Result<(Collected, ReadyProcess, Vec<EarlyProcess>), NotCollected> {
    let mut early = Vec::new();
    let (collected, ready) = {
        let collecting = collect_first(starter, wanted, limit);
        tokio::pin!(collecting);
        let mut workers = EarlyWorkers::new(starter.workers());
        loop {
            match tokio::time::timeout(early_workers::INTERVAL, &mut collecting).await {
                Ok(collected) => break collected?,
                Err(_) => {
                    for worker in workers.next() {
                        early.extend(start_early(starter, worker).await);
                    }
                }
            }
        }
    };
    Ok((collected, ready, early))
}

async fn start_early(starter: &Starter, worker: u32) -> Option<EarlyProcess> {
    let began = clock::monotonic();
    match WarmProcess::start(&starter.command(worker, 0)).await {
        Ok(process) => Some(EarlyProcess {
            worker,
            process,
            began,
        }),
        Err(error) => {
            // Its session tries again, and reports why it cannot.
            tracing::debug!(error, worker, "no process was started early");
            None
        }
    }
}

async fn collect_first(
    starter: &Starter,
    wanted: Wanted,
    limit: Duration,
) -> Result<(Collected, ReadyProcess), NotCollected> {
    let began = clock::monotonic();
    let mut process = WarmProcess::start(&starter.command(0, 0))
        .await
        .map_err(NotCollected::NoPytest)?;
    let mut reading = Reading::new(began);
    let asking = tokio::time::timeout(limit, reading.read(&mut process, wanted));
    match asking.await {
        Ok(Ok(())) => {
            let Reading {
                collected,
                has_asked,
                start_cost,
                ..
            } = reading;
            let broken = collected.broken.clone();
            let ready = ReadyProcess {
                process,
                has_asked,
                broken,
                has_listed: wanted == Wanted::Names,
                start_cost,
            };
            Ok((collected, ready))
        }
        Ok(Err(error)) => Err(error),
        Err(_) => {
            let known = process.abort().await;
            let limit = format_duration(limit);
            let why = format!("pytest has not collected its tests after {limit}\n{known}");
            Err(NotCollected::Failed(why.trim_end().to_owned()))
        }
    }
}

/// What the first process has sent so far.
struct Reading {
    began: Instant,
    collected: Collected,
    has_asked: bool,
    start_cost: Duration,
}

impl Reading {
    fn new(began: Instant) -> Self {
        Self {
            began,
            collected: Collected::default(),
            has_asked: false,
            start_cost: Duration::ZERO,
        }
    }

    async fn read(
        &mut self,
        process: &mut WarmProcess,
        wanted: Wanted,
    ) -> Result<(), NotCollected> {
        loop {
            let message = match process.event().await {
                ProcessEvent::Message(message) => message,
                ProcessEvent::Ended(end) if process.pid().is_none() => {
                    let why = format!(
                        "the command ended ({end}) and pytest had not loaded testplan's plugin"
                    );
                    return Err(NotCollected::NoPytest(with_log(&why, process)));
                }
                ProcessEvent::Ended(end) => {
                    let why = format!("pytest ended before it had collected its tests: {end}");
                    return Err(NotCollected::Failed(with_log(&why, process)));
                }
                ProcessEvent::Broken(why) => {
                    return Err(NotCollected::Failed(with_log(&why, process)));
                }
            };
            let collected = &mut self.collected;
            match message {
                FromProcess::Broken(file) => collected.broken.push(file),
                FromProcess::SkippedFile(file) => collected.skipped.push(file),
                FromProcess::Hello(hello) => {
                    self.start_cost = clock::monotonic().saturating_duration_since(self.began);
                    collected.tool = hello.tool;
                    collected.hash = hello.hash;
                    collected.duplicates = hello.duplicates;
                    collected.deselected = hello.deselected;
                    collected.obstacles = hello.obstacles;
                    if wanted == Wanted::Counts {
                        return Ok(());
                    }
                    process.send(&ToProcess::Names.line()).await;
                }
                FromProcess::Next { .. } => self.has_asked = true,
                FromProcess::Names { names, more } => {
                    collected.ids.extend(names);
                    if !more {
                        return Ok(());
                    }
                }
                _ => {}
            }
        }
    }
}

/// Why a process that has collected its tests cannot run them one by one.
pub(super) fn obstacle(hello: &Hello) -> Option<String> {
    (!hello.obstacles.is_empty()).then(|| hello.obstacles.join("; "))
}

/// A reason with the end of the process's output.
pub(super) fn with_log(why: &str, process: &WarmProcess) -> String {
    let output = output_tail(process.log());
    if output.is_empty() {
        why.to_owned()
    } else {
        format!("{why}; its output ends with:\n{output}")
    }
}
