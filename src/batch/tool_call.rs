//! One call of the command: its tests, its folder and log, its process within its bounds, then what its end means for each.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, watch};

use super::{
    batch_setup::BatchSetup,
    call::{Call, CalledWork},
    call_attempts::{CallAttempts, passed},
    call_bounds::time_limit,
    call_leases::CallLeases,
    running_results,
    session_call::{InSession, WorkerSession},
};
use crate::{
    clock,
    fs::write_atomic,
    model::{ExecutionId, Outcome, Test},
    preset::{CallPaths, NotSelected},
    run::{
        Attempt, Phase, SessionEvent, WorkItem,
        process::{self, Running, SpawnError},
        supervisor::{Cutoff, NoEnding, Supervised, Supervisor},
    },
    runner::{
        command_facts::{CallTests, CommandError, CommandFacts},
        command_line::{self, CommandLine, call_tests},
        process_end::ProcessEnd,
        runner_settings::{PresetSettings, Selection},
        stream_results::EVENTS_FILE,
    },
    single::{NO_COMMAND, NO_START},
};

/// What the command calls a test, or why it cannot.
pub(crate) fn name(setup: &BatchSetup, work: &WorkItem) -> Result<String, CommandError> {
    // One name that the tool cannot select must not cost the others of a call.
    if let Some(settings) = &setup.batch.preset {
        settings.preset.check(&work.granted.test)?;
    }
    let facts = facts(setup, work, Path::new(""), None);
    let name = call_tests::test_name(&setup.batch, &facts)?;
    Ok(match &setup.batch.preset {
        Some(settings) => settings.preset.called(&work.granted.test),
        None => name,
    })
}

/// Runs one call, in the process of `session` if there is one. Returns the calls that its tests are divided into if the tool or
/// the system refused it.
pub(crate) async fn run(
    setup: Arc<BatchSetup>,
    mut called: Vec<CalledWork>,
    session: Option<&mut WorkerSession>,
    phase: watch::Receiver<Phase>,
    events: mpsc::UnboundedSender<SessionEvent>,
) -> Vec<Vec<CalledWork>> {
    let work: Vec<WorkItem> = called.iter().map(|called| called.work.clone()).collect();
    let leases = CallLeases::new(&work, events.clone());
    called.retain(|called| leases.is_held(&called.work));
    let Some(call) = Call::new(setup, called) else {
        return Vec::new();
    };
    let call = ToolCall {
        call,
        events,
        began: clock::monotonic(),
    };
    if *phase.borrow() != Phase::Working {
        call.end_all(&leases, ToolCall::cancelled);
        return Vec::new();
    }
    call.run(leases, session, phase).await
}

fn facts<'a>(
    setup: &'a BatchSetup,
    work: &'a WorkItem,
    results: &'a Path,
    call: Option<CallTests<'a>>,
) -> CommandFacts<'a> {
    let granted = &work.granted;
    CommandFacts {
        plan: setup.test.plan,
        execution: granted.execution,
        test: &granted.test,
        project: &granted.project,
        batch: &granted.batch,
        results,
        server: granted.server.as_ref(),
        capabilities: &setup.test.offered,
        call,
    }
}

/// A call, from its command to its end.
pub(super) struct ToolCall {
    pub(super) call: Call,
    events: mpsc::UnboundedSender<SessionEvent>,
    pub(super) began: Instant,
}

fn no_folder(path: &Path, error: &dyn std::fmt::Display) -> NoProcess {
    NoProcess::Folder(format!("{}: {error}", path.display()))
}

/// Why a call has no process.
pub(super) enum NoProcess {
    Command(CommandError),
    Folder(String),
    Spawn(SpawnError),
    /// The names of the tests do not fit into one command.
    TooLong,
    /// No process stays, and the settings want one.
    NoSession(String),
}

impl NoProcess {
    fn is_too_long(&self) -> bool {
        match self {
            Self::Spawn(error) => error.is_too_long(),
            Self::TooLong => true,
            Self::Command(_) | Self::Folder(_) | Self::NoSession(_) => false,
        }
    }
}

impl ToolCall {
    async fn run(
        mut self,
        leases: CallLeases,
        mut session: Option<&mut WorkerSession>,
        mut phase: watch::Receiver<Phase>,
    ) -> Vec<Vec<CalledWork>> {
        let supervisor = self.supervisor(leases, phase.clone());
        let setup = Arc::clone(&self.call.setup);
        let (ended, facts) = match self.run_process(&mut session, &supervisor).await {
            Ok(ended) => ended,
            Err(why) if why.is_too_long() && self.call.called.len() > 1 => return self.halves(),
            Err(why) => {
                self.end_all(&supervisor.lease, |call| call.without_process(&why));
                return Vec::new();
            }
        };
        let leases = supervisor.lease;
        let ending = match ended {
            Ok(ending) => ending,
            Err(NoEnding::CutOff(Cutoff::TimeLimit(limit))) => ProcessEnd::TimedOut(limit),
            Err(NoEnding::CutOff(Cutoff::Lease(_))) => return Vec::new(),
            Err(NoEnding::CutOff(Cutoff::Phase(_))) => {
                self.end_all(&leases, Self::cancelled);
                return Vec::new();
            }
            Err(NoEnding::Unknown(error)) => {
                let what = "the system cannot say how the command ended";
                let took = self.began.elapsed();
                self.end_all(&leases, |_| {
                    Attempt::could_not_run(took, what, &error.to_string())
                });
                return Vec::new();
            }
        };
        let (divided, has_failure) = self.judge(ending, facts, &leases).await;
        if let (Some(session), Some(settings)) = (session, setup.session()) {
            session
                .after_call(settings.fresh, has_failure, &mut phase)
                .await;
        }
        divided
    }

    /// Runs the process of the call, or has that of the session run the call.
    async fn run_process(
        &mut self,
        session: &mut Option<&mut WorkerSession>,
        supervisor: &Supervisor<CallLeases>,
    ) -> Result<(Result<ProcessEnd, NoEnding>, Option<InSession>), NoProcess> {
        let setup = Arc::clone(&self.call.setup);
        if let (Some(session), Some(preset)) = (session, &setup.batch.preset)
            && let Some(settings) = preset.session
            && !self.is_of_one_that_runs_alone()
        {
            if setup.refusal.reason().is_none()
                && let Some(call) = self.run_in_session(session, preset, supervisor).await?
            {
                return Ok((call.ended, Some(call.facts)));
            }
            if settings.is_required {
                let why = setup.refusal.reason().unwrap_or_default();
                return Err(NoProcess::NoSession(why.to_owned()));
            }
        }
        let mut running = self.start()?;
        self.report_started(running.pid());
        Ok((self.bounded(supervisor, &mut running).await, None))
    }

    /// Whether its test shares no process: an earlier one ended while it ran.
    fn is_of_one_that_runs_alone(&self) -> bool {
        let trust = &self.call.setup.trust;
        let mut called = self.call.called.iter();
        called.any(|called| trust.is_alone(called.execution()))
    }

    fn supervisor(
        &self,
        leases: CallLeases,
        phase: watch::Receiver<Phase>,
    ) -> Supervisor<CallLeases> {
        let called = self.call.called.iter();
        let expected: Vec<Option<Duration>> =
            called.map(|called| called.work.granted.expected).collect();
        let limit = self.call.setup.test.runner.timeout;
        Supervisor {
            execution: self.call.called[0].execution(),
            lease: leases,
            phase,
            time_limit: limit.map(|limit| time_limit(limit, &expected)),
        }
    }

    pub(super) fn report_started(&self, pid: u32) {
        for called in &self.call.called {
            let execution = called.execution();
            self.report(SessionEvent::Started { execution, pid });
        }
    }

    /// Waits for the end of a process, or of a session's call, within the bounds of its tests.
    pub(super) async fn bounded(
        &self,
        supervisor: &Supervisor<CallLeases>,
        running: &mut impl Supervised,
    ) -> Result<ProcessEnd, NoEnding> {
        let reporting = running_results::report(&self.call, &supervisor.lease, &self.events);
        tokio::select! {
            biased;
            ended = supervisor.supervise(running) => ended,
            never = reporting => match never {},
        }
    }

    /// Decides what the end of the call means for the tests whose leases are held. Whether one of them failed.
    async fn judge(
        mut self,
        ending: ProcessEnd,
        facts: Option<InSession>,
        leases: &CallLeases,
    ) -> (Vec<Vec<CalledWork>>, bool) {
        let took = self.began.elapsed();
        let call = CallAttempts::read(&self.call, leases, facts, ending, took).await;
        self.call
            .called
            .retain(|called| leases.is_held(&called.work));
        if call.is_refused() && self.call.called.len() > 1 {
            tracing::info!(
                tests = self.call.called.len(),
                %ending,
                "the tool ran none of the tests of a call, each half gets a call of its own"
            );
            return (self.halves(), true);
        }
        if let Some(cost) = call.start_cost() {
            self.report(SessionEvent::StartCost(cost));
        }
        let mut attempts = call.into_attempts(&self.call);
        let has_failure = attempts.values().any(|it| !passed(&it.outcome));
        for called in &self.call.called {
            if let Some(attempt) = attempts.remove(&called.execution()) {
                self.end(called.execution(), attempt);
            }
        }
        (Vec::new(), has_failure)
    }

    fn start(&mut self) -> Result<Running, NoProcess> {
        let names = self.names();
        let list = self.list_file();
        if self.call.setup.batch.selection == Selection::File
            && self.call.setup.batch.preset.is_none()
        {
            // Some tools take an empty line for a test, so there is none at the end.
            let text = names.join("\n") + "\n";
            write_atomic(&list, text.as_bytes()).map_err(|error| no_folder(&list, &error))?;
        }
        self.make_results_folder()?;
        let first = &self.call.called[0].work;
        let mut line = self.command(first, &names, &list)?;
        if let Some(preset) = &self.call.setup.batch.preset {
            self.add_preset(&mut line, preset, &list)?;
        }
        let log = self.call.setup.test.out.join(&self.call.log);
        let limit = self.call.setup.test.capture_limit;
        let mark = first.mark.clone();
        self.began = clock::monotonic();
        let spawned = match mark {
            Some(mark) => process::spawn_marked(&line, &log, limit, mark),
            None => process::spawn(&line, &log, limit),
        };
        spawned.map_err(NoProcess::Spawn)
    }

    fn names(&self) -> Vec<String> {
        self.call.called.iter().map(|it| it.name.clone()).collect()
    }

    fn list_file(&self) -> PathBuf {
        let name = format!("logs/{}.tests", self.call.name);
        self.call.setup.test.out.join(name)
    }

    pub(super) fn make_results_folder(&self) -> Result<(), NoProcess> {
        let results = &self.call.results;
        std::fs::create_dir_all(results).map_err(|error| no_folder(results, &error))
    }

    /// The command without the facts of one test: that of a process for many.
    pub(super) fn command_of_many(&self) -> Result<CommandLine, NoProcess> {
        let first = &self.call.called[0].work;
        let mut line = self.command(first, &self.names(), &self.list_file())?;
        command_line::remove_test(&mut line);
        Ok(line)
    }

    fn command(
        &self,
        first: &WorkItem,
        names: &[String],
        file: &Path,
    ) -> Result<CommandLine, NoProcess> {
        let tests = CallTests { names, file };
        let facts = facts(&self.call.setup, first, &self.call.results, Some(tests));
        command_line::build(&self.call.setup.test.runner, &facts).map_err(NoProcess::Command)
    }

    /// The folder of testplan's own files for the tool.
    pub(super) fn reporters(&self) -> Result<&Path, NoProcess> {
        match &self.call.setup.reporters {
            Some(Ok(folder)) => Ok(folder.path()),
            // Only tools with an event stream have a reporter.
            None => Ok(Path::new("")),
            Some(Err(error)) => Err(NoProcess::Folder(format!("testplan's reporters: {error}"))),
        }
    }

    /// Adds what the preset's tool needs to run these tests, and writes its list file.
    fn add_preset(
        &self,
        line: &mut CommandLine,
        settings: &PresetSettings,
        list: &Path,
    ) -> Result<(), NoProcess> {
        let reporters = self.reporters()?;
        let tests = self
            .call
            .called
            .iter()
            .map(|it| it.work.granted.test.clone());
        let tests: Vec<Test> = tests.collect();
        let paths = CallPaths {
            list,
            results: &self.call.results,
            events: &self.call.results.join(EVENTS_FILE),
            reporters,
        };
        let mut call = settings
            .preset
            .call(&tests, &paths)
            .map_err(|error| match error {
                NotSelected::TooLong => NoProcess::TooLong,
                error @ NotSelected::Name { .. } => NoProcess::Command(error.into()),
            })?;
        if let Some(text) = &call.list {
            write_atomic(list, text.as_bytes())
                .map_err(|error| NoProcess::Folder(format!("{}: {error}", list.display())))?;
        }
        line.argv.extend(settings.call_arguments(&mut call));
        let variables = call.environment.into_iter();
        line.env
            .extend(variables.map(|(name, value)| (name.to_owned(), value)));
        Ok(())
    }

    fn halves(mut self) -> Vec<Vec<CalledWork>> {
        let second = self.call.called.split_off(self.call.called.len() / 2);
        vec![self.call.called, second]
    }

    fn without_process(&self, why: &NoProcess) -> Attempt {
        let took = self.began.elapsed();
        match why {
            NoProcess::Command(refused) => {
                Attempt::could_not_run(took, NO_COMMAND, &refused.to_string())
            }
            NoProcess::Folder(why) => {
                Attempt::not_started(took, "the results folder could not be made", why)
            }
            NoProcess::Spawn(error) => Attempt::not_started(took, NO_START, &error.to_string()),
            NoProcess::NoSession(why) => {
                Attempt::could_not_run(took, "runner.mode is session, and there can be none", why)
            }
            NoProcess::TooLong => {
                let why = "the name of the test is too long for a command";
                Attempt::could_not_run(took, NO_COMMAND, why)
            }
        }
    }

    fn cancelled(&self) -> Attempt {
        Attempt {
            log: Some(self.call.log.clone()),
            ..Attempt::without_process(self.began.elapsed(), Outcome::Cancelled)
        }
    }

    fn end_all(&self, leases: &CallLeases, attempt: impl Fn(&Self) -> Attempt) {
        for called in &self.call.called {
            if leases.is_held(&called.work) {
                self.end(called.execution(), attempt(self));
            }
        }
    }

    fn end(&self, execution: ExecutionId, attempt: Attempt) {
        self.report(SessionEvent::Ended {
            execution,
            attempt: Box::new(attempt),
        });
    }

    fn report(&self, event: SessionEvent) {
        // Received for as long as the session lives.
        let _ = self.events.send(event);
    }
}
