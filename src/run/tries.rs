//! The processes of one execution, one after the other, until one of them says something of the test: bounded by the
//! lease and the run's phase, each by the time limit.

use std::{
    future::Future,
    path::Path,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{
    heartbeat::Heartbeat,
    lease::HeldLease,
    licence::Licence,
    process::{self, Running},
    state::{Phase, moved_past},
};
use crate::{
    clock,
    model::Test,
    runner::{command::CommandLine, outcome::Ending},
};

/// Why an execution had to end.
pub(super) enum Cut {
    Lease(String),
    Phase(Phase),
    TimeLimit(Duration),
}

/// Why there is no ending.
pub(super) enum NoEnding {
    Cut(Cut),
    /// The program could not be started: why.
    NotStarted(String),
    /// What was tried, and why that failed.
    Failed(&'static str, String),
}

/// How long a process tree may take to end by itself when a time limit cut it.
const TIME_LIMIT_GRACE: Duration = Duration::from_secs(2);
/// How long a process that a stop signal ended waits for the worker's own: a job that is aborted, a machine that shuts
/// down and a cluster manager signal all processes at once or children first, and then the test says nothing.
const SIGNAL_GRACE: Duration = Duration::from_secs(1);
/// The same when the run is stopped: four of the seven seconds a CI system leaves.
const STOP_GRACE: Duration = Duration::from_secs(4);

/// What every try of an execution has in common.
pub(super) struct Tries<'a> {
    pub(super) test: &'a Test,
    pub(super) line: &'a CommandLine,
    pub(super) log: &'a Path,
    pub(super) capture_limit: u64,
    pub(super) time_limit: Option<Duration>,
    pub(super) lease: &'a HeldLease,
    pub(super) mark: Option<String>,
    pub(super) phase: watch::Receiver<Phase>,
    pub(super) licence: Licence,
    /// When the last try began.
    pub(super) began: Instant,
}

impl Tries<'_> {
    /// Runs until a try ends that is not to be repeated.
    pub(super) async fn run<F: Future<Output = ()>>(
        &mut self,
        heartbeat: &mut Heartbeat,
        mut started: impl FnMut(u32) -> F,
    ) -> Result<Ending, NoEnding> {
        loop {
            self.began = clock::monotonic();
            let ending = self.once(heartbeat, &mut started).await?;
            let Some(pause) = self.licence.pause_after(ending) else {
                return Ok(ending);
            };
            tracing::warn!(
                test = %self.test, tries = self.licence.missed(), seconds = pause.as_secs(),
                "squishrunner found no licence (exit code 37): its licence server cannot be reached; trying again"
            );
            self.unless_cut(heartbeat, tokio::time::sleep(pause))
                .await
                .map_err(NoEnding::Cut)?;
        }
    }

    async fn once<F: Future<Output = ()>>(
        &mut self,
        heartbeat: &mut Heartbeat,
        started: &mut impl FnMut(u32) -> F,
    ) -> Result<Ending, NoEnding> {
        let spawned = match &self.mark {
            Some(mark) => {
                process::spawn_marked(self.line, self.log, self.capture_limit, mark.clone())
            }
            None => process::spawn(self.line, self.log, self.capture_limit),
        };
        let mut running = spawned.map_err(|error| NoEnding::NotStarted(error.to_string()))?;
        started(running.pid()).await;
        match self.supervise(&mut running, heartbeat).await {
            Ok(Ok(ending)) if ending.may_be_a_stop() => {
                let waiting = self.unless_cut(heartbeat, tokio::time::sleep(SIGNAL_GRACE));
                waiting.await.map_err(NoEnding::Cut)?;
                Ok(ending)
            }
            Ok(Ok(ending)) => Ok(ending),
            Ok(Err(error)) => Err(NoEnding::Failed(
                "the system cannot say how the command ended",
                error.to_string(),
            )),
            Err(cut) => {
                let grace = match &cut {
                    Cut::Lease(_) => self.lease.kill_budget() / 2,
                    Cut::Phase(Phase::Killing) => Duration::ZERO,
                    Cut::Phase(_) => STOP_GRACE,
                    Cut::TimeLimit(_) => TIME_LIMIT_GRACE,
                };
                if let Err(error) = stop(&mut running, grace, self.phase.clone()).await {
                    let execution = self.lease.execution;
                    tracing::error!(%error, %execution, "its processes could not be ended");
                }
                Err(NoEnding::Cut(cut))
            }
        }
    }

    /// Waits for the process, or for the first reason to end it.
    async fn supervise(
        &self,
        running: &mut Running,
        heartbeat: &mut Heartbeat,
    ) -> Result<std::io::Result<Ending>, Cut> {
        let limit = async {
            match self.time_limit {
                Some(limit) => {
                    tokio::time::sleep(limit).await;
                    limit
                }
                None => std::future::pending().await,
            }
        };
        let ended = async {
            let over = tokio::select! {
                biased;
                ending = running.wait() => Ok(ending),
                limit = limit => Err(limit),
            };
            over.or_else(|limit| match running.ended() {
                // Only its output was still to be read.
                Some(ending) => Ok(Ok(ending)),
                None => Err(Cut::TimeLimit(limit)),
            })
        };
        self.unless_cut(heartbeat, ended).await?
    }

    /// What comes of `waiting`, unless the lease or the run's phase ends it. The lease is looked at first: after a time
    /// stopped (SIGSTOP, a suspended machine) everything is ready at once, and then only the lease decides.
    pub(super) async fn unless_cut<T>(
        &self,
        heartbeat: &mut Heartbeat,
        waiting: impl Future<Output = T>,
    ) -> Result<T, Cut> {
        let mut phase = self.phase.clone();
        tokio::select! {
            biased;
            reason = heartbeat.lost() => Err(Cut::Lease(reason)),
            phase = moved_past(&mut phase, Phase::Working) => Err(Cut::Phase(phase)),
            found = waiting => Ok(found),
        }
    }
}

/// Ends the tree; a second signal meanwhile ends the grace.
async fn stop(
    running: &mut Running,
    grace: Duration,
    mut phase: watch::Receiver<Phase>,
) -> std::io::Result<Ending> {
    tokio::select! {
        ended = running.stop(grace) => return ended,
        _ = moved_past(&mut phase, Phase::Stopping), if !grace.is_zero() => {}
    }
    running.stop(Duration::ZERO).await
}
