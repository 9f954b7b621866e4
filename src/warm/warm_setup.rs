//! What the workers of a process have in common, and how each of their processes is started.

use std::{ffi::OsString, io, path::PathBuf, time::Duration};

use super::{
    fresh_process::FreshProcess, session_folder::SessionFolder, warm_process::WarmCommand,
};
use crate::{model::PlanId, random, run::process, runner::command_line::CommandLine};

/// How tests are run by all workers of this process.
#[derive(Debug)]
pub struct WarmSetup {
    /// Starts pytest: the program, the project's own arguments and what is to be collected.
    pub command: CommandLine,
    /// `PYTHONPATH` as the command would inherit it.
    pub python_path: Option<OsString>,
    /// `COVERAGE_FILE` as the command would inherit it.
    pub coverage_file: Option<OsString>,
    /// `logs/` and `results/` are in here; absolute.
    pub out: PathBuf,
    /// The plan.
    pub plan: PlanId,
    /// Most bytes kept of the output of a process.
    pub capture_limit: u64,
    /// Most time that one test gets.
    pub time_limit: Option<Duration>,
    /// Whether each test gets a JUnit file in its results folder.
    pub writes_results: bool,
    /// When a process is replaced.
    pub fresh: FreshProcess,
}

/// What all sessions have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) setup: WarmSetup,
    folder: SessionFolder,
    /// Unique for the run.
    run: String,
    seed: u32,
    /// Unique for the run; the marks of its processes begin with it.
    mark: String,
}

impl Shared {
    pub(super) fn new(setup: WarmSetup) -> io::Result<Self> {
        Ok(Self {
            setup,
            folder: SessionFolder::make()?,
            run: random::hex(4)?,
            seed: random::number()?,
            mark: process::mark()?,
        })
    }

    /// What the processes of a worker are marked with, by which they are found if this process is killed.
    pub(super) fn mark(&self, worker: u32) -> String {
        format!("{}-{worker}", self.mark)
    }

    /// How process `number` of a worker is started.
    pub(super) fn command(&self, worker: u32, number: u32) -> WarmCommand {
        let setup = &self.setup;
        let name = format!("gw{worker}-{number}");
        let mut command = setup.command.clone();
        // Each process writes its own; `coverage combine` puts them together.
        if !command.env.iter().any(|(name, _)| name == "COVERAGE_FILE") {
            let default = || OsString::from(".coverage");
            let mut file = setup.coverage_file.clone().unwrap_or_else(default);
            file.push(format!(".{name}"));
            command.env.push(("COVERAGE_FILE".to_owned(), file));
        }
        let own = command.env.iter().rev();
        let own_path = own.clone().find(|(name, _)| name == "PYTHONPATH");
        let python_path = match own_path {
            Some((_, path)) => Some(path.clone()),
            None => setup.python_path.clone(),
        };
        WarmCommand {
            log: setup
                .out
                .join(format!("logs/{}-pytest-{name}.log", setup.plan)),
            command,
            folder: self.folder.path().to_owned(),
            worker: format!("gw{worker}"),
            name,
            mark: self.mark(worker),
            run: self.run.clone(),
            seed: self.seed,
            python_path,
            capture_limit: setup.capture_limit,
        }
    }
}
