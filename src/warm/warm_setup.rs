//! What the workers of a process have in common, and how each of their processes is started.

use std::{
    collections::HashSet,
    ffi::OsString,
    io,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{second_process::Progress, session_folder::SessionFolder, warm_process::WarmCommand};
use crate::{
    model::{Capabilities, ExecutionId, PlanId},
    random,
    run::process,
    runner::{
        command_line::{self, CommandLine},
        runner_settings::{FreshProcess, RunnerSettings},
    },
    sync::ignore_poison,
};

/// Variables that a process would inherit, and that it gets in another form.
#[derive(Clone, Debug, Default)]
pub struct InheritedVariables {
    /// `PYTHONPATH`.
    pub python_path: Option<OsString>,
    /// `COVERAGE_FILE`.
    pub coverage_file: Option<OsString>,
}

/// How processes are started.
#[derive(Debug)]
pub struct WarmSetup {
    /// Starts pytest: the program, the project's own arguments and what is to be collected.
    pub command: CommandLine,
    /// What the command would inherit.
    pub inherited: InheritedVariables,
    /// The folder for the output of the processes; absolute. `None` keeps it only as long as they are used.
    pub logs: Option<PathBuf>,
    /// Most bytes kept of the output of a process.
    pub capture_limit: u64,
    /// Most processes at the same time.
    pub workers: usize,
}

impl WarmSetup {
    /// For the preset of `runner`, if it has one. `offered` is what the worker offers; a variable that asks for a
    /// capability is an error without it, and is left out if there is no worker.
    pub(crate) fn of(
        runner: &RunnerSettings,
        offered: Option<&Capabilities>,
        inherited: InheritedVariables,
    ) -> Option<Result<Self, command_line::CommandError>> {
        let (tool, warm) = runner.warm()?;
        let arguments = tool.command.iter().filter_map(|text| text.literal());
        let arguments = arguments.chain(warm.paths.iter().map(String::as_str));
        let argv = arguments.map(OsString::from).collect();
        let env = match offered {
            Some(offered) => match command_line::worker_variables(runner, offered) {
                Ok(env) => env,
                Err(error) => return Some(Err(error)),
            },
            None => runner
                .variables()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect(),
        };
        Some(Ok(Self {
            command: CommandLine {
                argv,
                env,
                env_remove: Vec::new(),
                cwd: runner.working_directory.clone(),
            },
            inherited,
            logs: None,
            capture_limit: u64::MAX,
            workers: 1,
        }))
    }
}

/// The plan whose tests are run, and how.
#[derive(Debug)]
pub struct WarmPlan {
    /// The plan.
    pub plan: PlanId,
    /// Its executions that are open now.
    pub tests: u64,
    /// `logs/` and `results/` are in here; absolute.
    pub out: PathBuf,
    /// Variables that tests get beside those of their process: facts of the plan, which is started after the first
    /// process.
    pub variables: Vec<(String, String)>,
    /// Most time that one test gets.
    pub time_limit: Option<Duration>,
    /// Whether each test gets a JUnit file in its results folder.
    pub writes_results: bool,
    /// When a process is replaced.
    pub fresh: FreshProcess,
}

/// Starts the processes of a run.
#[derive(Debug)]
pub(crate) struct Starter {
    setup: WarmSetup,
    folder: SessionFolder,
    /// Unique for the run.
    run: String,
    seed: u32,
    /// Unique for the run; the marks of its processes begin with it.
    mark: String,
}

impl Starter {
    pub(super) fn new(setup: WarmSetup) -> io::Result<Self> {
        Ok(Self {
            setup,
            folder: SessionFolder::make()?,
            run: random::hex(4)?,
            seed: random::number()?,
            mark: process::mark()?,
        })
    }

    /// How many workers there are.
    pub(super) fn workers(&self) -> usize {
        self.setup.workers
    }

    /// What the processes of a worker are marked with, by which they are found if this process is killed.
    pub(super) fn mark(&self, worker: u32) -> String {
        format!("{}-{worker}", self.mark)
    }

    /// How process `number` of a worker is started.
    pub(super) fn command(&self, worker: u32, number: u32) -> WarmCommand {
        let WarmSetup {
            command,
            inherited,
            logs,
            capture_limit,
            ..
        } = &self.setup;
        let name = format!("gw{worker}-{number}");
        let mut command = command.clone();
        // Each process writes its own; `coverage combine` puts them together.
        if !command.env.iter().any(|(name, _)| name == "COVERAGE_FILE") {
            let default = || OsString::from(".coverage");
            let mut file = inherited.coverage_file.clone().unwrap_or_else(default);
            file.push(format!(".{name}"));
            command.env.push(("COVERAGE_FILE".to_owned(), file));
        }
        let own = command.env.iter().rev();
        let own_path = own.clone().find(|(name, _)| name == "PYTHONPATH");
        let python_path = match own_path {
            Some((_, path)) => Some(path.clone()),
            None => inherited.python_path.clone(),
        };
        let logs = logs.as_deref().unwrap_or(self.folder.path());
        WarmCommand {
            log: logs.join(format!("pytest-{}-{name}.log", self.run)),
            command,
            folder: self.folder.path().to_owned(),
            worker: format!("gw{worker}"),
            name,
            mark: self.mark(worker),
            run: self.run.clone(),
            seed: self.seed,
            python_path,
            capture_limit: *capture_limit,
        }
    }
}

/// What all sessions have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) starter: Starter,
    pub(crate) plan: WarmPlan,
    /// Executions whose process ended while they ran.
    crashed: Mutex<HashSet<ExecutionId>>,
    /// Whether the process that has listed the tests is there.
    has_lister: AtomicBool,
    progress: Mutex<Progress>,
}

impl Shared {
    pub(super) fn new(
        starter: Starter,
        plan: WarmPlan,
        has_lister: bool,
        progress: Progress,
    ) -> Self {
        Self {
            starter,
            plan,
            crashed: Mutex::default(),
            has_lister: AtomicBool::new(has_lister),
            progress: Mutex::new(progress),
        }
    }

    /// Looks at how far the tests are, or notes how far they are.
    pub(crate) fn progress<T>(&self, look: impl FnOnce(&mut Progress) -> T) -> T {
        let mut progress = ignore_poison(self.progress.lock());
        look(&mut progress)
    }

    pub(crate) fn has_lister(&self) -> bool {
        self.has_lister.load(Ordering::Relaxed)
    }

    /// The process that has listed the tests is gone.
    pub(crate) fn lister_ended(&self) {
        self.has_lister.store(false, Ordering::Relaxed);
    }

    /// Notes that the process of an execution ended while it ran. Whether it is the first time here.
    pub(crate) fn crashes_first(&self, execution: ExecutionId) -> bool {
        ignore_poison(self.crashed.lock()).insert(execution)
    }
}
