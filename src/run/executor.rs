//! Runs one execution: its command in a process group of its own, bounded by the lease, the time limit and the run's
//! phase; then its exit code and files become an outcome.

use std::{
    future::Future,
    path::PathBuf,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{
    heartbeat::Heartbeat,
    lease::HeldLease,
    process::{self, Running},
    state::{Phase, moved_past},
};
use crate::{
    client::Granted,
    clock,
    fs::safe_name,
    model::{Capabilities, CaseResult, Outcome, PlanId, ServerTrouble},
    runner::{
        command::{self, Facts},
        outcome::{self, Decision, Ending},
        results::{self, Results},
        settings::{ResultsFormat, RunnerSettings},
        tail,
    },
};

/// How executions are run in this process.
#[derive(Debug)]
pub struct Executor {
    /// The command and how its results are read.
    pub runner: RunnerSettings,
    /// `logs/` and `results/` are made in here.
    pub out: PathBuf,
    /// The plan.
    pub plan: PlanId,
    /// What the worker offers, for `{capability.KEY}`.
    pub offered: Capabilities,
    /// Most bytes kept of an execution's output.
    pub capture_limit: u64,
    /// Whether each execution gets a results folder: made only where somebody will look into it.
    pub wants_results_folder: bool,
}

/// An execution to run.
#[derive(Debug)]
pub struct Work<'a> {
    /// What was granted.
    pub granted: &'a Granted,
    /// The lease that bounds it.
    pub lease: &'a HeldLease,
    /// What its processes are marked with, where somebody knows it already.
    pub mark: Option<String>,
}

/// What became of an attempt, and what is left of it.
#[derive(Debug)]
pub struct Attempt {
    /// What became of it.
    pub outcome: Outcome,
    /// From start to end of its process.
    pub duration: Duration,
    /// Cases of its result files.
    pub cases: Vec<CaseResult>,
    /// Its captured output, relative to the `--out` folder.
    pub log: Option<String>,
    /// The last lines of it, where it did not pass.
    pub output_tail: String,
    /// Its results folder, where it has one and ran in it.
    pub results: Option<PathBuf>,
    /// What was wrong with its Squish server, where it had one.
    pub server_trouble: Option<ServerTrouble>,
}

/// Why an execution's process had to end.
enum Cut {
    Lease(String),
    Phase(Phase),
    TimeLimit(Duration),
}

/// How long a process tree may take to end by itself when a time limit cut it.
const TIME_LIMIT_GRACE: Duration = Duration::from_secs(2);
/// The same when the run is stopped: four of the seven seconds a CI system leaves.
const STOP_GRACE: Duration = Duration::from_secs(4);
/// How much of a failed attempt's output its record keeps.
const TAIL_LINES: usize = 40;
const TAIL_BYTES: usize = 8 * 1024;

impl Executor {
    /// Runs one execution. `heartbeat` keeps its lease, also after this returns; `started` is told the process.
    pub async fn execute<F: Future<Output = ()>>(
        &self,
        work: Work<'_>,
        heartbeat: &mut Heartbeat,
        phase: watch::Receiver<Phase>,
        started: impl FnOnce(u32) -> F,
    ) -> Attempt {
        let Work {
            granted,
            lease,
            mark,
        } = work;
        let began = clock::monotonic();
        if let Some(reason) = heartbeat.is_lost() {
            tracing::warn!(%reason, "lease lost, the test is not started");
            return never_began(began, Outcome::LeaseLost);
        }
        let name = self.attempt_name(granted);
        let results_dir = self.out.join("results").join(&name);
        let log = format!("logs/{name}.log");
        let log_path = self.out.join(&log);
        let facts = Facts {
            plan: self.plan,
            execution: granted.execution,
            test: &granted.test,
            project: &granted.project,
            batch: &granted.batch,
            results: &results_dir,
            server: granted.server.as_ref(),
            capabilities: &self.offered,
        };
        let line = match command::build(&self.runner, &facts) {
            Ok(line) => line,
            Err(refused) => {
                return could_not_run(began, "the command could not be made", &refused.to_string());
            }
        };
        if self.wants_results_folder
            && let Err(error) = std::fs::create_dir_all(&results_dir)
        {
            let where_ = format!("{}: {error}", results_dir.display());
            return could_not_run(began, "the results folder could not be made", &where_);
        }
        let results = self.wants_results_folder.then(|| results_dir.clone());
        let spawned = match mark {
            Some(mark) => process::spawn_marked(&line, &log_path, self.capture_limit, mark),
            None => process::spawn(&line, &log_path, self.capture_limit),
        };
        let mut running = match spawned {
            Ok(running) => running,
            Err(error) => {
                return could_not_run(
                    began,
                    "the command could not be started",
                    &error.to_string(),
                );
            }
        };
        started(running.pid()).await;
        let ending = match self.supervise(&mut running, heartbeat, phase.clone()).await {
            Ok(Ok(ending)) => ending,
            Ok(Err(error)) => {
                return could_not_run(
                    began,
                    "the system cannot say how the command ended",
                    &error.to_string(),
                );
            }
            Err(cut) => {
                let grace = match &cut {
                    Cut::Lease(_) => lease.kill_budget() / 2,
                    Cut::Phase(Phase::Killing) => Duration::ZERO,
                    Cut::Phase(_) => STOP_GRACE,
                    Cut::TimeLimit(_) => TIME_LIMIT_GRACE,
                };
                if let Err(error) = stop(&mut running, grace, phase).await {
                    tracing::error!(%error, execution = %granted.execution, "its processes could not be ended");
                }
                return Attempt {
                    results,
                    server_trouble: match cut {
                        Cut::TimeLimit(_) if granted.server.is_some() => Some(ServerTrouble::Hung),
                        Cut::TimeLimit(_) | Cut::Lease(_) | Cut::Phase(_) => None,
                    },
                    ..self.cut_short(began, &cut, log)
                };
            }
        };
        let duration = began.elapsed();
        if let Some(reason) = heartbeat.is_lost() {
            return self.cut_short(began, &Cut::Lease(reason), log);
        }
        let (outcome, cases) = self.judge(ending, duration, results_dir).await;
        let passed = matches!(&outcome, Outcome::Completed { result: Some(result) }
            if result.verdict != crate::model::TestVerdict::Failed);
        let output_tail = if passed {
            String::new()
        } else {
            tail(&log_path, TAIL_LINES, TAIL_BYTES)
        };
        Attempt {
            outcome,
            duration,
            cases,
            log: Some(log),
            output_tail,
            results,
            server_trouble: None,
        }
    }

    /// Waits for the process, or for the first reason to end it. The lease is looked at first: after a time stopped
    /// (SIGSTOP, a suspended machine) everything is ready at once, and then only the lease decides.
    async fn supervise(
        &self,
        running: &mut Running,
        heartbeat: &mut Heartbeat,
        mut phase: watch::Receiver<Phase>,
    ) -> Result<std::io::Result<Ending>, Cut> {
        let limit = async {
            match self.runner.timeout {
                Some(limit) => {
                    tokio::time::sleep(limit).await;
                    limit
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            reason = heartbeat.lost() => Err(Cut::Lease(reason)),
            phase = moved_past(&mut phase, Phase::Working) => Err(Cut::Phase(phase)),
            ending = running.wait() => Ok(ending),
            limit = limit => Err(Cut::TimeLimit(limit)),
        }
    }

    async fn judge(
        &self,
        ending: Ending,
        duration: Duration,
        results_dir: PathBuf,
    ) -> (Outcome, Vec<CaseResult>) {
        let runner = self.runner.clone();
        let decision = if self.runner.results == ResultsFormat::ExitCode {
            outcome::decide(&runner, ending, duration, Results::NotAsked)
        } else {
            // Result files can be large: reading them must not hold up other workers' heartbeats.
            let read = move || {
                let found = results::gather(&runner.results, &results_dir);
                outcome::decide(&runner, ending, duration, found)
            };
            tokio::task::spawn_blocking(read)
                .await
                .unwrap_or_else(|error| Decision {
                    outcome: Outcome::ExecutionError {
                        message: "reading its results failed".to_owned(),
                        details: error.to_string(),
                    },
                    cases: Vec::new(),
                    note: None,
                })
        };
        if let Some(note) = decision.note {
            tracing::info!(%note, "exit code and results disagree");
        }
        (decision.outcome, decision.cases)
    }

    fn cut_short(&self, began: Instant, cut: &Cut, log: String) -> Attempt {
        let outcome = match cut {
            Cut::Lease(reason) => {
                tracing::warn!(%reason, "lease lost, the test was stopped");
                Outcome::LeaseLost
            }
            Cut::Phase(_) => Outcome::Cancelled,
            Cut::TimeLimit(limit) => {
                let over = Ending::TimedOut(*limit);
                outcome::decide(&self.runner, over, began.elapsed(), Results::NotAsked).outcome
            }
        };
        let output_tail = tail(&self.out.join(&log), TAIL_LINES, TAIL_BYTES);
        Attempt {
            outcome,
            duration: began.elapsed(),
            cases: Vec::new(),
            log: Some(log),
            output_tail,
            results: None,
            server_trouble: None,
        }
    }

    /// Unique per attempt, readable, and safe as a file name whatever the test is called.
    fn attempt_name(&self, granted: &Granted) -> String {
        let test = safe_name(
            &format!("{}-{}", granted.test.suite, granted.test.testcase),
            80,
        );
        let attempt = match (granted.attempt, &granted.lease) {
            (Some(attempt), _) => attempt.to_string(),
            (None, _) => clock::wall().0.to_string(),
        };
        format!("{}-{}-{attempt}-{test}", self.plan, granted.execution)
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

fn could_not_run(began: Instant, what: &str, details: &str) -> Attempt {
    let outcome = Outcome::ExecutionError {
        message: format!("{what}: {details}"),
        details: String::new(),
    };
    never_began(began, outcome)
}

fn never_began(began: Instant, outcome: Outcome) -> Attempt {
    Attempt {
        outcome,
        duration: began.elapsed(),
        cases: Vec::new(),
        log: None,
        output_tail: String::new(),
        results: None,
        server_trouble: None,
    }
}
