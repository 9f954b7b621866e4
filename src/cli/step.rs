//! What a step of GitHub Actions leaves beside its log: outputs, state for its post step, the job summary.
//!
//! Outputs and state are the action's alone; a `run:` step that calls testplan writes its own. A job summary is for
//! whoever asks for one.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{ci::workflow::env_file, config::environment::Environment, fs};

/// What GitHub takes of one step's summary, in bytes. A byte more, and all of it is lost.
const LARGEST_SUMMARY: u64 = 1024 * 1024;
/// Kept free of it for whoever writes after us.
const RESERVE: u64 = 64 * 1024;
/// Less room than this is none.
const SMALLEST_SUMMARY: usize = 2 * 1024;

/// The outputs of the action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// The plan's number.
    PlanId,
    /// Where the plan can be looked at.
    PlanUrl,
    /// The attempt of the run that started the plan.
    PlanAttempt,
    /// The workers, for `strategy.matrix`.
    Matrix,
    /// How many there are in the matrix.
    Workers,
    /// The word of the exit code.
    Conclusion,
    /// Executions of the plan.
    Total,
    /// Of these, passed.
    Passed,
    /// Failed.
    Failed,
    /// Skipped.
    Skipped,
    /// Passed on a repeated try.
    Flaky,
    /// Could not run.
    Errors,
    /// Without a counted result.
    Missing,
    /// From the first reservation to the last result.
    DurationMs,
    /// The JUnit file.
    JUnitPath,
    /// The summary, as Markdown.
    SummaryPath,
    /// The report, as HTML.
    ReportPath,
    /// The folder of record files.
    RecordsPath,
}

impl Output {
    /// All of them, in the order of action.yml.
    pub const ALL: [Self; 18] = [
        Self::PlanId,
        Self::PlanUrl,
        Self::PlanAttempt,
        Self::Matrix,
        Self::Workers,
        Self::Conclusion,
        Self::Total,
        Self::Passed,
        Self::Failed,
        Self::Skipped,
        Self::Flaky,
        Self::Errors,
        Self::Missing,
        Self::DurationMs,
        Self::JUnitPath,
        Self::SummaryPath,
        Self::ReportPath,
        Self::RecordsPath,
    ];

    /// As in action.yml.
    pub fn name(self) -> &'static str {
        match self {
            Self::PlanId => "plan-id",
            Self::PlanUrl => "plan-url",
            Self::PlanAttempt => "plan-attempt",
            Self::Matrix => "matrix",
            Self::Workers => "workers",
            Self::Conclusion => "conclusion",
            Self::Total => "total",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Flaky => "flaky",
            Self::Errors => "errors",
            Self::Missing => "missing",
            Self::DurationMs => "duration-ms",
            Self::JUnitPath => "junit-path",
            Self::SummaryPath => "summary-path",
            Self::ReportPath => "report-path",
            Self::RecordsPath => "records-path",
        }
    }
}

/// A step, or none.
#[derive(Clone, Debug, Default)]
pub struct Step {
    is_action: bool,
    output: Option<PathBuf>,
    state: Option<PathBuf>,
    summary: Option<PathBuf>,
    workspace: Option<PathBuf>,
}

impl Step {
    /// The step that this process is. `is_action`: it was started as the action, not by somebody's script.
    pub fn new(environment: &Environment, is_action: bool) -> Self {
        let path = |name| environment.get(name).map(PathBuf::from);
        Self {
            is_action,
            output: path("GITHUB_OUTPUT").filter(|_| is_action),
            state: path("GITHUB_STATE").filter(|_| is_action),
            summary: path("GITHUB_STEP_SUMMARY"),
            workspace: path("GITHUB_WORKSPACE"),
        }
    }

    /// The post step of the action: it has nothing to say beyond its log.
    pub fn post(environment: &Environment) -> Self {
        Self {
            output: None,
            state: None,
            summary: None,
            ..Self::new(environment, true)
        }
    }

    /// Whether this is the action.
    pub fn is_action(&self) -> bool {
        self.is_action
    }

    /// The checkout that annotations point into.
    pub fn workspace(&self) -> Option<&Path> {
        self.workspace.as_deref()
    }

    /// Sets an output. Nothing happens outside of the action.
    pub fn output(&self, output: Output, value: &str) -> io::Result<()> {
        append(self.output.as_deref(), output.name(), value)
    }

    /// Whether outputs can be set, before anything is done that they are to tell of.
    pub fn check_outputs(&self) -> io::Result<()> {
        match &self.output {
            Some(path) => fs::append(path, b""),
            None => Ok(()),
        }
    }

    /// Keeps a value for the post step. Nothing happens outside of the action.
    pub fn state(&self, name: &str, value: &str) -> io::Result<()> {
        append(self.state.as_deref(), name, value)
    }

    /// Appends to the job summary what `render` makes of the room there is, in bytes. Says how much it was; `None` if
    /// there was no room or there is no summary.
    pub fn summary(&self, render: impl FnOnce(usize) -> String) -> io::Result<Option<usize>> {
        let Some(path) = &self.summary else {
            return Ok(None);
        };
        let taken = std::fs::metadata(path).map_or(0, |file| file.len());
        let room = (LARGEST_SUMMARY - RESERVE).saturating_sub(taken);
        let room = usize::try_from(room).unwrap_or(0);
        if room < SMALLEST_SUMMARY {
            return Ok(None);
        }
        // Markdown of two writers is parted by an empty line.
        let text = format!("\n{}\n", render(room - 2));
        fs::append(path, text.as_bytes())?;
        Ok(Some(text.len()))
    }
}

fn append(path: Option<&Path>, name: &str, value: &str) -> io::Result<()> {
    let Some(path) = path else {
        return Ok(());
    };
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random)?;
    let entry =
        env_file::entry(name, value, &env_file::delimiter(random)).map_err(io::Error::other)?;
    fs::append(path, entry.as_bytes())
}
