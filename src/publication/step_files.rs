//! The files that the runner of GitHub Actions reads after a step: outputs, state for the post step, the job summary.
//!
//! Only the action writes outputs and state; a script that calls testplan writes its own.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::step_outputs::StepOutput;
use crate::{ci::workflow::env_file, config::environment::Environment, fs};

/// Largest job summary of a step, in bytes. GitHub drops a larger one whole.
const LARGEST_SUMMARY: u64 = 1024 * 1024;
/// Bytes kept free for later writers of the step.
const RESERVE: u64 = 64 * 1024;
/// With less room than this, nothing is written.
const SMALLEST_SUMMARY: usize = 2 * 1024;

/// The files of the step that this process is; all absent outside of GitHub Actions.
#[derive(Clone, Debug, Default)]
pub struct StepFiles {
    is_action: bool,
    output: Option<PathBuf>,
    state: Option<PathBuf>,
    summary: Option<PathBuf>,
    workspace: Option<PathBuf>,
}

impl StepFiles {
    /// `is_action`: the process was started as the action, not by a script.
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

    /// The post step of the action writes only its log.
    pub fn post(environment: &Environment) -> Self {
        Self {
            output: None,
            state: None,
            summary: None,
            ..Self::new(environment, true)
        }
    }

    /// Whether the process was started as the action.
    pub fn is_action(&self) -> bool {
        self.is_action
    }

    /// The folder that annotations are relative to.
    pub fn workspace(&self) -> Option<&Path> {
        self.workspace.as_deref()
    }

    /// Sets an output; does nothing outside of the action.
    pub fn output(&self, output: StepOutput, value: &str) -> io::Result<()> {
        append(self.output.as_deref(), output.name(), value)
    }

    /// Fails if outputs cannot be set. Call this before an action whose outputs must not be lost.
    pub fn check_outputs(&self) -> io::Result<()> {
        match &self.output {
            Some(path) => fs::append(path, b""),
            None => Ok(()),
        }
    }

    /// Keeps a value for the post step; does nothing outside of the action.
    pub fn state(&self, name: &str, value: &str) -> io::Result<()> {
        append(self.state.as_deref(), name, value)
    }

    /// Appends to the job summary what `render` makes for the room left, in bytes. Returns the bytes written; `None` if
    /// there is no summary file or no room.
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
        // An empty line separates the Markdown of two writers.
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
