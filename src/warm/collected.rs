//! The tests of a project, from the first warm process: no other call of pytest lists them.

use std::{sync::Arc, time::Duration};

use super::{
    message::{FileNote, FromProcess, Hello, ToProcess},
    pytest_names::test_of,
    warm_attempt::log_tail,
    warm_process::{ProcessEvent, WarmProcess},
    warm_setup::Shared,
};
use crate::model::Test;

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
}

impl Collected {
    /// The tests as a plan has them: the file is the suite.
    pub fn tests(&self) -> Vec<Test> {
        self.ids.iter().filter_map(|id| test_of(id)).collect()
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
    /// It collected its tests, and cannot run them one by one.
    #[error("pytest cannot run its tests one by one here: {0}")]
    Unsuited(String),
}

/// A process that has collected its tests and was not given any yet.
#[derive(Debug)]
pub(crate) struct ReadyProcess {
    pub(crate) process: WarmProcess,
    /// It has asked for a test.
    pub(crate) has_asked: bool,
}

/// Starts the first process and asks it for its tests.
pub(super) async fn collect(
    shared: &Arc<Shared>,
    limit: Duration,
) -> Result<(Collected, ReadyProcess), NotCollected> {
    let mut process = WarmProcess::start(&shared.command(0, 0))
        .await
        .map_err(NotCollected::Failed)?;
    let asking = tokio::time::timeout(limit, names(&mut process));
    match asking.await {
        Ok(Ok((collected, has_asked))) => Ok((collected, ReadyProcess { process, has_asked })),
        Ok(Err(error)) => Err(error),
        Err(_) => {
            let known = process.abort().await;
            let why = format!("pytest has not collected its tests after {limit:?}\n{known}");
            Err(NotCollected::Failed(why.trim_end().to_owned()))
        }
    }
}

async fn names(process: &mut WarmProcess) -> Result<(Collected, bool), NotCollected> {
    let mut collected = Collected::default();
    let mut has_asked = false;
    loop {
        let message = match process.event().await {
            ProcessEvent::Message(message) => message,
            ProcessEvent::Ended(end) => {
                let why = format!("pytest ended before it had collected its tests: {end}");
                return Err(NotCollected::Failed(with_log(&why, process)));
            }
            ProcessEvent::Broken(why) => {
                return Err(NotCollected::Failed(with_log(&why, process)));
            }
        };
        match message {
            FromProcess::Broken(file) => collected.broken.push(file),
            FromProcess::SkippedFile(file) => collected.skipped.push(file),
            FromProcess::Hello(hello) => {
                if let Some(obstacle) = obstacle(&hello) {
                    return Err(NotCollected::Unsuited(obstacle));
                }
                collected.tool = hello.tool;
                collected.hash = hello.hash;
                collected.duplicates = hello.duplicates;
                collected.deselected = hello.deselected;
                process.send(&ToProcess::Names.line()).await;
            }
            FromProcess::Next { .. } => has_asked = true,
            FromProcess::Names { names, more } => {
                collected.ids.extend(names);
                if !more {
                    return Ok((collected, has_asked));
                }
            }
            _ => {}
        }
    }
}

/// Why a process that has collected its tests cannot run them one by one.
pub(super) fn obstacle(hello: &Hello) -> Option<String> {
    (!hello.obstacles.is_empty()).then(|| hello.obstacles.join("; "))
}

/// A reason with the end of the process's output.
pub(super) fn with_log(why: &str, process: &WarmProcess) -> String {
    let output = log_tail(process.log());
    if output.is_empty() {
        why.to_owned()
    } else {
        format!("{why}; its output ends with:\n{output}")
    }
}
