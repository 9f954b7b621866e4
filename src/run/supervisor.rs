//! Bounds a process by its lease, by the phase of the run and by its time limit: whichever comes first ends its group.

use std::{future::Future, io, time::Duration};

use tokio::sync::watch;

use super::{
    heartbeat::LeaseWatch,
    phase::{Phase, moved_past},
    process::Running,
};
use crate::{model::ExecutionId, runner::process_end::ProcessEnd};

/// Which bound an execution reached.
#[derive(Debug)]
pub(crate) enum Cutoff {
    /// Its lease was lost: why.
    Lease(String),
    /// The run stops.
    Phase(Phase),
    /// It took longer than its time limit.
    TimeLimit(Duration),
}

/// Why a process has no ending of its own.
#[derive(Debug)]
pub(crate) enum NoEnding {
    /// It reached a bound, and was ended.
    CutOff(Cutoff),
    /// The system cannot tell how it ended.
    Unknown(io::Error),
}

/// How long a process group may take to end by itself after its time limit.
const TIME_LIMIT_GRACE: Duration = Duration::from_secs(2);
/// How long to wait for this process's own stop signal after a test's process ended by one. A CI job that is aborted, a
/// machine that shuts down and a cluster manager signal all processes at once or children first; then the end of the
/// process says nothing about the test.
const SIGNAL_GRACE: Duration = Duration::from_secs(1);
/// How long a process group may take to end by itself when the run stops: four of the seven seconds a CI leaves.
const STOP_GRACE: Duration = Duration::from_secs(4);

/// What entitles a process to run.
pub(crate) trait Right {
    /// Resolves when the process must end, with the reason.
    fn lost(&self) -> impl Future<Output = String> + Send;

    /// How long ending it may take.
    fn kill_budget(&self) -> Duration;
}

impl Right for LeaseWatch {
    fn lost(&self) -> impl Future<Output = String> + Send {
        self.lost()
    }

    fn kill_budget(&self) -> Duration {
        self.kill_budget()
    }
}

/// What is bounded: a process group, or what one does for now.
pub(crate) trait Supervised {
    /// Waits for its end. May be dropped and called again. Fails only if the system cannot tell.
    fn wait(&mut self) -> impl Future<Output = io::Result<ProcessEnd>> + Send;

    /// How it ended, if it has.
    fn ended(&self) -> Option<ProcessEnd>;

    /// Asks the group to end, and kills it after `grace`.
    fn stop(&mut self, grace: Duration) -> impl Future<Output = io::Result<ProcessEnd>> + Send;
}

impl Supervised for Running {
    fn wait(&mut self) -> impl Future<Output = io::Result<ProcessEnd>> + Send {
        self.wait()
    }

    fn ended(&self) -> Option<ProcessEnd> {
        self.ended()
    }

    fn stop(&mut self, grace: Duration) -> impl Future<Output = io::Result<ProcessEnd>> + Send {
        self.stop(grace)
    }
}

/// The bounds of the processes of one execution, or of several that share a process.
#[derive(Debug)]
pub(crate) struct Supervisor<R = LeaseWatch> {
    /// The execution, or the first of them.
    pub(crate) execution: ExecutionId,
    /// The lease, or those of all.
    pub(crate) lease: R,
    pub(crate) phase: watch::Receiver<Phase>,
    /// Of each process.
    pub(crate) time_limit: Option<Duration>,
}

impl<R: Right> Supervisor<R> {
    /// Waits for the end of a process, or ends it at the first bound.
    pub(crate) async fn supervise(
        &self,
        running: &mut impl Supervised,
    ) -> Result<ProcessEnd, NoEnding> {
        match self.ended(running).await {
            Ok(Ok(ending)) if ending.may_be_a_stop() => {
                let waiting = self.unless_cut_off(tokio::time::sleep(SIGNAL_GRACE));
                waiting.await.map_err(NoEnding::CutOff)?;
                Ok(ending)
            }
            Ok(ending) => ending.map_err(NoEnding::Unknown),
            Err(cutoff) => {
                let grace = match &cutoff {
                    Cutoff::Lease(_) => self.lease.kill_budget() / 2,
                    Cutoff::Phase(Phase::Killing) => Duration::ZERO,
                    Cutoff::Phase(_) => STOP_GRACE,
                    Cutoff::TimeLimit(_) => TIME_LIMIT_GRACE,
                };
                if let Err(error) = self.stop(running, grace).await {
                    tracing::error!(%error, execution = %self.execution, "its processes could not be ended");
                }
                Err(NoEnding::CutOff(cutoff))
            }
        }
    }

    /// Waits for the process, or for the first bound.
    async fn ended(&self, running: &mut impl Supervised) -> Result<io::Result<ProcessEnd>, Cutoff> {
        let out_of_time = async {
            match self.time_limit {
                Some(limit) => {
                    tokio::time::sleep(limit).await;
                    limit
                }
                None => std::future::pending().await,
            }
        };
        let within_time = async {
            let limit = tokio::select! {
                biased;
                ending = running.wait() => return Ok(ending),
                limit = out_of_time => limit,
            };
            match running.ended() {
                // Only its output was still being read.
                Some(ending) => Ok(Ok(ending)),
                None => Err(Cutoff::TimeLimit(limit)),
            }
        };
        self.unless_cut_off(within_time).await?
    }

    /// The result of `waiting`, unless the lease or the run's phase ends it. The lease is checked first: after a pause of
    /// the whole process (SIGSTOP, a suspended machine) everything is ready at once, and then only the lease decides.
    pub(crate) async fn unless_cut_off<T>(
        &self,
        waiting: impl Future<Output = T>,
    ) -> Result<T, Cutoff> {
        let mut phase = self.phase.clone();
        tokio::select! {
            biased;
            reason = self.lease.lost() => Err(Cutoff::Lease(reason)),
            phase = moved_past(&mut phase, Phase::Working) => Err(Cutoff::Phase(phase)),
            found = waiting => Ok(found),
        }
    }

    /// Ends the group; a second signal meanwhile ends the grace.
    async fn stop(&self, running: &mut impl Supervised, grace: Duration) -> io::Result<ProcessEnd> {
        let mut phase = self.phase.clone();
        tokio::select! {
            ended = running.stop(grace) => return ended,
            _ = moved_past(&mut phase, Phase::Stopping), if !grace.is_zero() => {}
        }
        running.stop(Duration::ZERO).await
    }
}
