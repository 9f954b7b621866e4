//! One call of the command: its tests, its folder and log, its process within its bounds, then what its end means for each.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, watch};

use super::{
    batch_setup::BatchSetup,
    call::{Call, CalledWork},
    call_attempts::CallAttempts,
    call_bounds::time_limit,
    call_leases::CallLeases,
    running_results,
};
use crate::{
    clock,
    fs::write_atomic,
    model::{ExecutionId, Outcome, Test},
    preset::{CallPaths, NotSelected},
    run::{
        Attempt, Phase, SessionEvent, WorkItem,
        process::{self, Running, SpawnError},
        supervisor::{Cutoff, NoEnding, Supervisor},
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

/// Runs one call. Returns the calls that its tests are divided into if the tool or the system refused it.
pub(crate) async fn run(
    setup: Arc<BatchSetup>,
    mut called: Vec<CalledWork>,
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
    call.run(leases, phase).await
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
struct ToolCall {
    call: Call,
    events: mpsc::UnboundedSender<SessionEvent>,
    began: Instant,
}

/// Why a call has no process.
enum NoProcess {
    Command(CommandError),
    Folder(String),
    Spawn(SpawnError),
    /// The names of the tests do not fit into one command.
    TooLong,
}

impl NoProcess {
    fn is_too_long(&self) -> bool {
        match self {
            Self::Spawn(error) => error.is_too_long(),
            Self::TooLong => true,
            Self::Command(_) | Self::Folder(_) => false,
        }
    }
}

impl ToolCall {
    async fn run(
        mut self,
        leases: CallLeases,
        phase: watch::Receiver<Phase>,
    ) -> Vec<Vec<CalledWork>> {
        let running = match self.start() {
            Ok(running) => running,
            Err(why) if why.is_too_long() && self.call.called.len() > 1 => return self.halves(),
            Err(why) => {
                self.end_all(&leases, |call| call.without_process(&why));
                return Vec::new();
            }
        };
        let pid = running.pid();
        for called in &self.call.called {
            let execution = called.execution();
            self.report(SessionEvent::Started { execution, pid });
        }
        let expected: Vec<Option<Duration>> = self
            .call
            .called
            .iter()
            .map(|called| called.work.granted.expected)
            .collect();
        let limit = self.call.setup.test.runner.timeout;
        let supervisor = Supervisor {
            execution: self.call.called[0].execution(),
            lease: leases,
            phase,
            time_limit: limit.map(|limit| time_limit(limit, &expected)),
        };
        let reporting = running_results::report(&self.call, &supervisor.lease, &self.events);
        let ended = tokio::select! {
            biased;
            ended = supervisor.supervise(running) => ended,
            never = reporting => match never {},
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
        self.judge(ending, &leases).await
    }

    /// Decides what the end of the call means for the tests whose leases are held.
    async fn judge(mut self, ending: ProcessEnd, leases: &CallLeases) -> Vec<Vec<CalledWork>> {
        let took = self.began.elapsed();
        let call = CallAttempts::read(&self.call, leases, ending, took).await;
        self.call
            .called
            .retain(|called| leases.is_held(&called.work));
        if call.is_refused() && self.call.called.len() > 1 {
            tracing::info!(
                tests = self.call.called.len(),
                %ending,
                "the tool ran none of the tests of a call, each half gets a call of its own"
            );
            return self.halves();
        }
        if let Some(cost) = call.start_cost() {
            self.report(SessionEvent::StartCost(cost));
        }
        let mut attempts = call.into_attempts(&self.call);
        for called in &self.call.called {
            if let Some(attempt) = attempts.remove(&called.execution()) {
                self.end(called.execution(), attempt);
            }
        }
        Vec::new()
    }

    fn start(&mut self) -> Result<Running, NoProcess> {
        let folder = |path: &Path, error: &dyn std::fmt::Display| {
            NoProcess::Folder(format!("{}: {error}", path.display()))
        };
        let names: Vec<String> = self.call.called.iter().map(|it| it.name.clone()).collect();
        let list = self
            .call
            .setup
            .test
            .out
            .join(format!("logs/{}.tests", self.call.name));
        if self.call.setup.batch.selection == Selection::File
            && self.call.setup.batch.preset.is_none()
        {
            // Some tools take an empty line for a test, so there is none at the end.
            let text = names.join("\n") + "\n";
            write_atomic(&list, text.as_bytes()).map_err(|error| folder(&list, &error))?;
        }
        std::fs::create_dir_all(&self.call.results)
            .map_err(|error| folder(&self.call.results, &error))?;
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

    /// Adds what the preset's tool needs to run these tests, and writes its list file.
    fn add_preset(
        &self,
        line: &mut CommandLine,
        settings: &PresetSettings,
        list: &Path,
    ) -> Result<(), NoProcess> {
        let reporters = match &self.call.setup.reporters {
            Some(Ok(folder)) => folder.path(),
            // Only tools with an event stream have a reporter.
            None => Path::new(""),
            Some(Err(error)) => {
                return Err(NoProcess::Folder(format!("testplan's reporters: {error}")));
            }
        };
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
