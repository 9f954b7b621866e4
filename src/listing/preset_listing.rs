//! The tests of the runner's preset: a warm process of the tool lists them, and may then run them.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::preset_command;
use crate::{
    config::{discover::ListedTests, plan_file::DISCOVERY_TIMEOUT},
    failure::Failure,
    model::{Capabilities, LeftOut, Test},
    runner::runner_settings::{ProcessMode, RunnerSettings},
    text::counted,
    warm::{Collected, InheritedVariables, NotCollected, WarmHost, WarmSetup},
};

/// What to do about a pytest that does not start.
const NEEDED: &str = "pytest 7 or later is needed: install it, or name the command that starts it, for example \
                      `runner: { preset: pytest, program: [uv, run, pytest] }`";

/// How the process that lists tests is started, and what becomes of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct PresetListing {
    /// What its process would inherit.
    pub(crate) inherited: InheritedVariables,
    /// Where it is kept for the workers of this process; else it is ended once it has listed the tests.
    pub(crate) kept: Option<KeptProcess>,
}

/// Keeps the process that has listed the tests.
#[derive(Clone, Debug)]
pub(crate) struct KeptProcess {
    /// For the output of processes; absolute.
    logs: PathBuf,
    capture_limit: u64,
    workers: usize,
    offered: Capabilities,
    process: Arc<Mutex<Option<PreparedTool>>>,
}

/// A tool whose first process is started.
#[derive(Debug)]
pub(crate) struct PreparedTool {
    pub(crate) host: WarmHost,
    pub(crate) collected: Collected,
}

impl KeptProcess {
    /// For so many workers.
    pub(crate) fn new(
        logs: PathBuf,
        capture_limit: u64,
        workers: usize,
        offered: Capabilities,
    ) -> Self {
        Self {
            logs,
            capture_limit,
            workers,
            offered,
            process: Arc::default(),
        }
    }

    /// The process, once.
    pub(crate) fn take(&self) -> Option<PreparedTool> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<PreparedTool>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn collected(&self) -> Option<Collected> {
        let process = self.lock();
        process.as_ref().map(|process| process.collected.clone())
    }
}

impl PresetListing {
    /// Lists all tests of the preset of `runner`.
    pub(super) async fn list(&self, runner: &RunnerSettings) -> Result<ListedTests, Failure> {
        if let Some(preset) = runner.preset() {
            return preset_command::list(runner, preset).await;
        }
        let may_stay = runner
            .warm()
            .is_some_and(|(_, warm)| warm.mode != ProcessMode::Single);
        if let Some(kept) = self.kept.as_ref().filter(|_| may_stay) {
            if let Some(collected) = kept.collected() {
                return Ok(listed(&collected));
            }
            let prepared = self.start(runner, Step::List).await?;
            let tests = listed(&prepared.collected);
            *kept.lock() = Some(prepared);
            return Ok(tests);
        }
        let prepared = self.start(runner, Step::List).await?;
        prepared.host.end().await;
        Ok(listed(&prepared.collected))
    }

    /// The process that has listed the tests; a new one if there is none.
    pub(crate) async fn prepared(&self, runner: &RunnerSettings) -> Result<PreparedTool, Failure> {
        if let Some(prepared) = self.kept.as_ref().and_then(KeptProcess::take) {
            return Ok(prepared);
        }
        self.start(runner, Step::Run).await
    }

    async fn start(&self, runner: &RunnerSettings, step: Step) -> Result<PreparedTool, Failure> {
        let offered = self.kept.as_ref().map(|kept| &kept.offered);
        let setup = WarmSetup::of(runner, offered, self.inherited.clone());
        let setup = setup
            .ok_or_else(|| Failure::usage_text("the runner has no preset that lists tests"))?
            .map_err(Failure::usage)?;
        let setup = match &self.kept {
            Some(kept) => {
                std::fs::create_dir_all(&kept.logs).map_err(Failure::infrastructure)?;
                WarmSetup {
                    logs: Some(kept.logs.clone()),
                    capture_limit: kept.capture_limit,
                    workers: kept.workers,
                    ..setup
                }
            }
            None => setup,
        };
        let command: Vec<_> = setup
            .command
            .argv
            .iter()
            .map(|it| it.to_string_lossy())
            .collect();
        let what = format!("starting {:?} to {}", command.join(" "), step.text());
        let mut host = WarmHost::new(setup).map_err(Failure::infrastructure)?;
        let limit = DISCOVERY_TIMEOUT;
        let collecting = match step {
            Step::List => host.collect(limit).await,
            Step::Run => host.prepare(limit).await,
        };
        let collected = collecting.map_err(|error| not_collected(&error).context(what))?;
        check_mode(runner, &collected)?;
        Ok(PreparedTool { host, collected })
    }
}

/// What the first process is started for.
#[derive(Clone, Copy)]
enum Step {
    List,
    Run,
}

impl Step {
    fn text(self) -> &'static str {
        match self {
            Self::List => "list the tests",
            Self::Run => "run the tests",
        }
    }
}

fn not_collected(error: &NotCollected) -> Failure {
    let help = match error {
        NotCollected::NoPytest(_) => NEEDED,
        NotCollected::Failed(_) => {
            "run it by hand with --collect-only in the folder that tests run in"
        }
    };
    Failure::usage_text(error).help(help)
}

/// Refuses a session where the project's settings do not allow one.
fn check_mode(runner: &RunnerSettings, collected: &Collected) -> Result<(), Failure> {
    let is_asked = runner
        .warm()
        .is_some_and(|(_, warm)| warm.mode == ProcessMode::Session);
    if !is_asked || collected.obstacles.is_empty() {
        return Ok(());
    }
    Err(Failure::usage_text(format_args!(
        "`mode: session`: one process cannot run many tests here: {}",
        collected.obstacles.join("; ")
    ))
    .help("change that, or leave `mode` out: then each test gets a process of its own"))
}

/// The tests, with what was left out.
fn listed(collected: &Collected) -> ListedTests {
    let mut listed = ListedTests {
        tests: collected.tests(),
        tool: Some(collected.tool.clone()),
        ..ListedTests::default()
    };
    for _ in &listed.tests {
        listed.account.take();
    }
    let mut leave_out = |line: String, reason: &str, suspicious| {
        listed.account.leave_out(LeftOut {
            line,
            number: 0,
            reason: reason.to_owned(),
            suspicious,
        });
    };
    for id in collected.without_test() {
        leave_out(id.to_owned(), "names no file and test", true);
    }
    for note in &collected.skipped {
        let line = format!("{}: {}", note.file, note.text);
        leave_out(line, "skipped as a whole", false);
    }
    if collected.deselected > 0 {
        let line = counted(collected.deselected, "test");
        leave_out(line, "deselected by the project's settings", false);
    }
    let mut seen = std::collections::HashSet::new();
    let ids = collected.ids.iter();
    for id in ids.filter(|id| !seen.insert(id.as_str())) {
        if let Some((suite, testcase)) = id.split_once("::") {
            listed.account.repeat(&Test {
                suite: suite.to_owned(),
                testcase: testcase.to_owned(),
            });
        }
    }
    listed
}
