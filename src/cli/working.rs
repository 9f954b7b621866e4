//! What `run` and `work` share: from a plan to a run, and from records to a report on disk.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    args::WorkerArgs,
    failure::{Ended, Failure},
    progress::Progress,
    screen::Screen,
};
use crate::{
    client::Client,
    config::environment::Environment,
    exit_code::Conclusion,
    fs,
    model::{Capabilities, Execution, Plan, PlanId, PlanStatus, record::PlannedExecution},
    report::{self, Report, junit, merge::Evidence, parse_record_file, read::RecordFile, summary},
    run::{RunEnd, WorkOrder, executor::Executor, state::Stop, worker::WorkerSettings},
    runner::settings::{ResultsFormat, RunnerSettings},
    signal::{SignalKind, Signals},
};

/// Most bytes kept of one execution's output.
const CAPTURE_LIMIT: u64 = 64 * 1024 * 1024;
/// Plans larger than this are not listed in records: their executions are counted, not named, when they are missing.
const MOST_LISTED: u64 = 200_000;

/// A plan to work on, and with what.
#[derive(Debug)]
pub struct Job<'a> {
    /// The service.
    pub client: Client,
    /// The plan.
    pub plan: Plan,
    /// How far it is, and what there is to run.
    pub survey: Survey,
    /// How a test is run.
    pub runner: &'a RunnerSettings,
    /// How the workers work.
    pub workers: &'a WorkerArgs,
    /// Where results go.
    pub out: &'a Path,
}

/// What is looked up of a plan before anybody works on it.
#[derive(Debug)]
pub struct Survey {
    status: PlanStatus,
    planned: Option<Vec<PlannedExecution>>,
}

impl Survey {
    /// Asks the service.
    pub async fn of(client: &Client, plan: PlanId) -> Result<Self, Failure> {
        let status = client.status(plan, &Capabilities::default()).await?;
        let planned = if status.total() <= MOST_LISTED {
            listed(client, plan).await?
        } else {
            None
        };
        Ok(Self { status, planned })
    }
}

/// Works on a plan with the workers of this process.
pub async fn work(
    job: Job<'_>,
    signals: &mut Signals,
    environment: &Environment,
    screen: &Screen,
) -> Result<RunEnd, Failure> {
    let Survey { status, planned } = job.survey;
    let offered: Capabilities = job.workers.capabilities.iter().cloned().collect();
    std::fs::create_dir_all(job.out.join("logs")).map_err(|error| {
        Failure::usage_text(format_args!("--out {}: {error}", job.out.display()))
    })?;
    let executor = Executor {
        runner: job.runner.clone(),
        // A child runs in its own folder, so what it is told must not depend on ours.
        out: std::path::absolute(job.out).map_err(Failure::infrastructure)?,
        plan: job.plan.id,
        offered: offered.clone(),
        capture_limit: CAPTURE_LIMIT,
        wants_results_folder: job.runner.results != ResultsFormat::ExitCode
            || job
                .runner
                .command
                .iter()
                .any(|argument| argument.contains("{results}")),
    };
    let settings = WorkerSettings {
        offered: offered.clone(),
        lease: job.workers.lease,
        allocate_server: job.workers.allocate_server,
        executor,
    };
    let order = WorkOrder {
        client: job.client,
        plan: job.plan,
        status,
        planned,
        settings: Arc::new(settings),
        workers: job
            .workers
            .workers
            .map_or_else(super::shell::cores, usize::from),
        deadline: job.workers.deadline,
        records: job.out.join("records"),
        name: process_name(environment)?,
    };
    let mut progress = Progress::new(screen, offered, status);
    let end = crate::run::work(order, signals, &mut progress).await;
    drop(progress);
    end.map_err(|error| {
        Failure::infrastructure(anyhow::anyhow!(
            "the record file could not be written: {error}"
        ))
    })
}

async fn listed(client: &Client, plan: PlanId) -> Result<Option<Vec<PlannedExecution>>, Failure> {
    let Some(executions) = client.executions(plan).await? else {
        return Ok(None);
    };
    let planned = executions.into_iter().map(|execution| PlannedExecution {
        execution: execution.id,
        test: execution.test,
        required: execution.required,
    });
    Ok(Some(planned.collect()))
}

/// What a stopped or broken run comes to, before any report is looked at; `None` if it went to its end.
pub fn cut_short(end: &RunEnd) -> Option<Conclusion> {
    if end.broken.is_some() {
        return Some(Conclusion::Bug);
    }
    match end.stop {
        Some(Stop::Signal(kind)) => Some(cancelled(kind)),
        Some(Stop::Deadline) => Some(Conclusion::Incomplete),
        None => end.service.as_ref().map(|error| error.conclusion()),
    }
}

/// Unique among all workers of a plan, and safe as a file name: `TESTPLAN_WORKER` or the machine's name, and a number.
pub fn process_name(environment: &Environment) -> Result<String, Failure> {
    let machine = gethostname::gethostname();
    let named = environment
        .get("TESTPLAN_WORKER")
        .map_or_else(|| machine.to_string_lossy().into_owned(), str::to_owned);
    Ok(format!("{}-{:08x}", fs::safe_name(&named, 40), random()?))
}

/// Record files and folders to read: those named, else the `--out` folder's own.
pub fn record_paths(out: &Path, named: &[PathBuf]) -> Vec<PathBuf> {
    if named.is_empty() {
        vec![out.join("records")]
    } else {
        named.to_vec()
    }
}

/// Reads and merges the records of one plan: the one named, or the only one there is.
pub fn merge(
    paths: &[PathBuf],
    plan: Option<PlanId>,
    status: Option<PlanStatus>,
    executions: Option<Vec<Execution>>,
) -> Result<Report, Failure> {
    let mut files = Vec::new();
    for path in paths {
        read_records(path, &mut files)?;
    }
    if files.is_empty() {
        let places: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        return Err(
            Failure::usage_text(format_args!("no records in {}", places.join(", ")))
                .help("name the workers' record files or folders with --records"),
        );
    }
    report::merge::merge(Evidence {
        files,
        plan,
        status,
        executions,
    })
    .map_err(Failure::usage)
}

/// Reads a record file, or all in a folder and below.
pub fn read_records(path: &Path, files: &mut Vec<RecordFile>) -> Result<(), Failure> {
    let refuse = |error: std::io::Error| {
        Failure::usage_text(format_args!("records {}: {error}", path.display()))
    };
    if path.is_dir() {
        let mut found: Vec<PathBuf> = std::fs::read_dir(path)
            .map_err(refuse)?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "ndjson")
                    || path.is_dir()
            })
            .collect();
        found.sort();
        return found.iter().try_for_each(|path| read_records(path, files));
    }
    let bytes = std::fs::read(path).map_err(refuse)?;
    let text = String::from_utf8_lossy(&bytes);
    files.push(parse_record_file(&path.display().to_string(), &text).map_err(Failure::usage)?);
    Ok(())
}

/// Which JUnit to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum JUnitProfile {
    /// With file, line and properties on each case.
    #[default]
    Default,
    /// Valid against Jenkins' junit-10 schema.
    Strict,
}

/// Writes `junit.xml` and `summary.md`. A report that cannot be written does not keep the other from being written; the
/// first trouble is returned after all were tried.
pub fn write_reports(report: &Report, out: &Path, profile: JUnitProfile) -> Result<(), Failure> {
    let profile = match profile {
        JUnitProfile::Default => junit::Profile::Default,
        JUnitProfile::Strict => junit::Profile::Strict,
    };
    let junit = junit::render(report, profile)
        .map_err(|error| {
            Failure::infrastructure(
                anyhow::Error::new(error).context("junit.xml could not be made"),
            )
        })
        .and_then(|bytes| {
            fs::write_atomic(&out.join("junit.xml"), &bytes).map_err(Failure::infrastructure)
        });
    let summary = summary::render(report, summary::DEFAULT_BUDGET);
    let summary = fs::write_atomic(&out.join("summary.md"), summary.as_bytes())
        .map_err(Failure::infrastructure);
    junit.and(summary)
}

/// The end of a command that a signal came to while it was asking the service.
pub fn cancelled_early(kind: SignalKind, screen: &Screen) -> Ended {
    let conclusion = cancelled(kind);
    screen.conclude(conclusion);
    Ok(conclusion)
}

/// What a signal means that came before or after all work.
pub fn cancelled(kind: SignalKind) -> Conclusion {
    match kind {
        SignalKind::Interrupt => Conclusion::Interrupted,
        SignalKind::Terminate => Conclusion::Terminated,
    }
}

/// A number that nobody can guess.
pub fn random() -> Result<u32, Failure> {
    getrandom::u32()
        .map_err(|error| Failure::infrastructure(anyhow::anyhow!("no random numbers: {error}")))
}
