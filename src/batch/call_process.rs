//! The process of a call: its command, its folder and log, its start, and the bounds of its tests.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, watch};

use super::{
    batch_setup::BatchSetup, call::Call, call_bounds::time_limit, call_leases::CallLeases,
    running_results,
};
use crate::{
    clock,
    fs::write_atomic,
    model::Test,
    preset::{CallPaths, NotSelected, Reports},
    random,
    run::{
        Phase, SessionEvent, WorkItem,
        process::{self, Running, SpawnError},
        supervisor::{NoEnding, Supervised, Supervisor},
    },
    runner::{
        command_facts::{CallTests, CommandError, CommandFacts},
        command_line::{self, CommandLine, call_tests},
        process_end::ProcessEnd,
        runner_settings::{PresetSettings, Selection},
        stream_results::EVENTS_FILE,
    },
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
    pub(super) events: mpsc::UnboundedSender<SessionEvent>,
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
    pub(super) fn is_too_long(&self) -> bool {
        match self {
            Self::Spawn(error) => error.is_too_long(),
            Self::TooLong => true,
            Self::Command(_) | Self::Folder(_) | Self::NoSession(_) => false,
        }
    }
}

impl ToolCall {
    pub(super) fn supervisor(
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

    pub(super) fn start(&mut self) -> Result<Running, NoProcess> {
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
        let setup = std::sync::Arc::clone(&self.call.setup);
        if let Some(preset) = &setup.batch.preset {
            let reports = self.add_preset(&mut line, preset, &list)?;
            self.call.reports = reports;
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

    /// Adds what the preset's tool needs to run these tests, and writes its list file. Returns the reports that it writes
    /// elsewhere.
    fn add_preset(
        &self,
        line: &mut CommandLine,
        settings: &PresetSettings,
        list: &Path,
    ) -> Result<Option<Reports>, NoProcess> {
        let reporters = self.reporters()?;
        let tag = random::unique_key();
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
            tag: &tag,
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
        Ok(call.reports)
    }

    pub(super) fn report(&self, event: SessionEvent) {
        // Received for as long as the session lives.
        let _ = self.events.send(event);
    }
}
