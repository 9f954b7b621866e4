//! One execution in a process of its own, step by step: its command and folders, its process within its bounds, then what
//! exit code and files mean.

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{
    attempt_files::{attempt_name, output_tail, with_whole_paths},
    sequential::Starts,
};
use crate::{
    clock,
    model::{Capabilities, CaseCounts, ExecutionId, Outcome, PlanId, ServerTrouble, TestVerdict},
    run::{
        Attempt, Disposition, Phase, WorkItem, process,
        supervisor::{Cutoff, NoEnding, Supervisor},
    },
    runner::{
        command_facts::{CommandError, CommandFacts},
        command_line::{self, CommandLine},
        decision::{self, DecidedOutcome},
        process_end::ProcessEnd,
        results::Results,
        runner_settings::{ResultsFormat, RunnerSettings, Tool},
    },
};

/// How tests are run by all workers of this process.
#[derive(Debug)]
pub struct TestSetup {
    /// The command, and how its results are read.
    pub runner: RunnerSettings,
    /// `logs/` and `results/` are made in here; absolute.
    pub out: PathBuf,
    /// The plan.
    pub plan: PlanId,
    /// What the worker offers, for `{capability.KEY}`.
    pub offered: Capabilities,
    /// Most bytes kept of an execution's output.
    pub capture_limit: u64,
}

impl TestSetup {
    /// The folder that the tool runs in.
    pub(crate) fn folder(&self) -> &Path {
        let folder = self.runner.working_directory.as_deref();
        folder.unwrap_or(Path::new("."))
    }
}

/// An attempt that ended before its process had a result.
pub(crate) type Early = Box<Attempt>;

/// What an attempt says whose command could not be made, before the reason.
pub(crate) const NO_COMMAND: &str = "the command could not be made";
/// The same of a command that could not be started.
pub(crate) const NO_START: &str = "the command could not be started";

/// One execution, from its command to its outcome.
#[derive(Debug)]
pub(crate) struct TestProcess {
    setup: Arc<TestSetup>,
    work: WorkItem,
    supervisor: Supervisor,
    /// Its folder below `results/`.
    name: String,
    results_dir: PathBuf,
    /// The file of its output, relative to the `--out` folder.
    log: String,
    line: CommandLine,
    /// When its last process was started.
    began: Instant,
}

impl TestProcess {
    /// Makes the command and the results folder.
    pub(crate) fn prepare(
        setup: &Arc<TestSetup>,
        work: WorkItem,
        phase: watch::Receiver<Phase>,
    ) -> Result<Self, Early> {
        if let Some(reason) = work.lease.loss() {
            tracing::warn!(%reason, "lease lost, the test is not started");
            let lost = Attempt::without_process(Duration::ZERO, Outcome::LeaseLost);
            return Err(lost.into());
        }
        let name = attempt_name(setup.plan, &work.granted);
        let mut prepared = Self {
            supervisor: Supervisor {
                execution: work.granted.execution,
                lease: work.lease.clone(),
                phase,
                time_limit: setup.runner.timeout,
            },
            results_dir: setup.out.join("results").join(&name),
            log: format!("logs/{name}.log"),
            name,
            setup: Arc::clone(setup),
            work,
            line: CommandLine::default(),
            began: clock::monotonic(),
        };
        prepared.line = command_line::build(&setup.runner, &prepared.facts())
            .map_err(|refused| prepared.no_command(&refused))?;
        if let Some(folder) = prepared.results()
            && let Err(error) = std::fs::create_dir_all(&folder)
        {
            let why = format!("{}: {error}", folder.display());
            let what = "the results folder could not be made";
            return Err(Attempt::not_started(prepared.began.elapsed(), what, &why).into());
        }
        Ok(prepared)
    }

    pub(crate) fn work(&self) -> &WorkItem {
        &self.work
    }

    pub(crate) fn results_dir(&self) -> &Path {
        &self.results_dir
    }

    /// What its command can be made of.
    pub(crate) fn facts(&self) -> CommandFacts<'_> {
        let granted = &self.work.granted;
        CommandFacts {
            plan: self.setup.plan,
            execution: granted.execution,
            test: &granted.test,
            project: &granted.project,
            batch: &granted.batch,
            results: &self.results_dir,
            server: granted.server.as_ref(),
            capabilities: &self.setup.offered,
            call: None,
        }
    }

    /// The attempt of an execution whose command cannot be made.
    pub(crate) fn no_command(&self, refused: &CommandError) -> Early {
        Attempt::could_not_run(self.began.elapsed(), NO_COMMAND, &refused.to_string()).into()
    }

    /// Runs the command once. May be called again, after a process that did not run the test.
    pub(crate) async fn run(&mut self, starts: &Starts) -> Result<ProcessEnd, Early> {
        self.began = clock::monotonic();
        let log = self.setup.out.join(&self.log);
        let limit = self.setup.capture_limit;
        let spawned = match &self.work.mark {
            Some(mark) => process::spawn_marked(&self.line, &log, limit, mark.clone()),
            None => process::spawn(&self.line, &log, limit),
        };
        let mut running = spawned.map_err(|error| self.not_spawned(&error))?;
        starts.report(self.execution(), running.pid()).await;
        match self.supervisor.supervise(&mut running).await {
            Ok(ending) => Ok(ending),
            Err(NoEnding::CutOff(cutoff)) => Err(self.cut_off(&cutoff)),
            Err(NoEnding::Unknown(error)) => {
                let what = "the system cannot say how the command ended";
                Err(Attempt::could_not_run(self.began.elapsed(), what, &error.to_string()).into())
            }
        }
    }

    /// What comes of `waiting`, within the bounds of the execution.
    pub(crate) async fn unless_cut_off<T>(
        &self,
        waiting: impl Future<Output = T>,
    ) -> Result<T, Early> {
        let waited = self.supervisor.unless_cut_off(waiting).await;
        waited.map_err(|cutoff| self.cut_off(&cutoff))
    }

    /// Decides what the end of the process and its files mean. `before_reading` may add files to the results folder.
    pub(crate) async fn judge(
        &self,
        ending: ProcessEnd,
        before_reading: impl FnOnce(&Path) + Send + 'static,
    ) -> Result<Attempt, Early> {
        let duration = self.began.elapsed();
        if let Some(reason) = self.work.lease.loss() {
            return Err(self.cut_off(&Cutoff::Lease(reason)));
        }
        let (decision, not_kept) = self.decide(ending, duration, before_reading).await;
        if let Some(note) = &decision.note {
            tracing::info!(%note, "exit code and results disagree");
        }
        let passed = matches!(&decision.outcome, Outcome::Completed { result: Some(result) }
            if result.verdict != TestVerdict::Failed);
        if ending.says_not_started() && is_unexplained_error(&decision) {
            let tail = self.output_tail();
            return Ok(Attempt {
                disposition: not_started(ending, &tail),
                output_tail: tail,
                log: Some(self.log.clone()),
                ..Attempt::without_process(duration, decision.outcome)
            });
        }
        Ok(Attempt {
            output_tail: if passed {
                String::new()
            } else {
                self.output_tail()
            },
            log: Some(self.log.clone()),
            cases: with_whole_paths(&self.name, decision.cases),
            not_kept,
            results: self.results(),
            ..Attempt::without_process(duration, decision.outcome)
        })
    }

    async fn decide(
        &self,
        ending: ProcessEnd,
        duration: Duration,
        before_reading: impl FnOnce(&Path) + Send + 'static,
    ) -> (DecidedOutcome, CaseCounts) {
        let runner = &self.setup.runner;
        let test = &self.work.granted.test;
        if matches!(&runner.tool, Tool::Command(tool) if tool.results == ResultsFormat::ExitCode) {
            let decision = runner
                .tool
                .decide(test, ending, duration, Results::NotAsked);
            return (decision, CaseCounts::default());
        }
        // Result files can be large: reading them must not hold up other workers' heartbeats.
        let (setup, test) = (Arc::clone(&self.setup), test.clone());
        let results_dir = self.results_dir.clone();
        let read = move || {
            before_reading(&results_dir);
            let tool = &setup.runner.tool;
            let found = tool.read_results(&results_dir);
            decision::with_not_kept(found.not_kept, found.results, |results| {
                tool.decide(&test, ending, duration, results)
            })
        };
        tokio::task::spawn_blocking(read)
            .await
            .unwrap_or_else(|error| {
                let outcome = Outcome::ExecutionError {
                    message: "reading its results failed".to_owned(),
                    details: error.to_string(),
                };
                let decision = DecidedOutcome {
                    outcome,
                    cases: Vec::new(),
                    note: None,
                };
                (decision, CaseCounts::default())
            })
    }

    fn execution(&self) -> ExecutionId {
        self.work.granted.execution
    }

    /// Its results folder, if the tool uses one.
    fn results(&self) -> Option<PathBuf> {
        let wanted = self.setup.runner.wants_results_folder();
        wanted.then(|| self.results_dir.clone())
    }

    fn output_tail(&self) -> String {
        output_tail(&self.setup.out.join(&self.log))
    }

    fn not_spawned(&self, error: &process::SpawnError) -> Early {
        let (duration, why) = (self.began.elapsed(), error.to_string());
        // A program that is named by the test is the test's own fault.
        if self.setup.runner.starts_the_same_for_every_test() || error.is_of_the_machine() {
            Attempt::not_started(duration, NO_START, &why).into()
        } else {
            Attempt::could_not_run(duration, NO_START, &why).into()
        }
    }

    fn cut_off(&self, cutoff: &Cutoff) -> Early {
        let duration = self.began.elapsed();
        let mut server_trouble = None;
        let outcome = match cutoff {
            Cutoff::Lease(reason) => {
                tracing::warn!(%reason, "lease lost, the test was stopped");
                Outcome::LeaseLost
            }
            Cutoff::Phase(_) => Outcome::Cancelled,
            Cutoff::TimeLimit(limit) => {
                let has_server = self.work.granted.server.is_some();
                server_trouble = has_server.then_some(ServerTrouble::Hung);
                let test = &self.work.granted.test;
                let ending = ProcessEnd::TimedOut(*limit);
                let tool = &self.setup.runner.tool;
                tool.decide(test, ending, duration, Results::NotAsked)
                    .outcome
            }
        };
        Box::new(Attempt {
            log: Some(self.log.clone()),
            output_tail: self.output_tail(),
            results: self.results(),
            server_trouble,
            ..Attempt::without_process(duration, outcome)
        })
    }
}

/// Whether it is an error of which no case says anything.
pub(crate) fn is_unexplained_error(decided: &DecidedOutcome) -> bool {
    decided.cases.is_empty() && matches!(decided.outcome, Outcome::ExecutionError { .. })
}

/// What becomes of executions whose command says that it could not start the program: its own words are at the end of its
/// output.
pub(crate) fn not_started(ending: ProcessEnd, output_tail: &str) -> Disposition {
    let mut lines = output_tail.lines().rev().map(str::trim);
    let reason = match lines.find(|line| !line.is_empty()) {
        Some(line) => format!("{ending}: {line}"),
        None => ending.to_string(),
    };
    Disposition::NotStarted { reason }
}
