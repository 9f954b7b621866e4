//! How a test is run, as `testplan.yml` says it under `runner`.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// How every test is run and how its end is read.
#[derive(Clone, Debug, PartialEq)]
pub struct RunnerSettings {
    /// The program and its arguments, with placeholders. Never passes through a shell.
    pub command: Vec<String>,
    /// Where the results come from.
    pub results: ResultsFormat,
    /// What exit codes mean.
    pub exit_codes: ExitCodes,
    /// How long one execution may take, whatever its heartbeats say; `None` is without limit.
    pub timeout: Option<Duration>,
    /// Variables added to the command's environment.
    pub environment: BTreeMap<String, String>,
    /// Where the command starts; `None` is where testplan was started.
    pub working_directory: Option<PathBuf>,
}

/// Where the results of a test come from.
#[derive(Clone, Debug, PartialEq)]
pub enum ResultsFormat {
    /// JUnit XML files.
    JUnit {
        /// Pattern of their names, below the execution's results folder.
        files: String,
    },
    /// The exit code alone.
    ExitCode,
}

/// What exit codes mean. Any other code is an execution error: the test could not run.
#[derive(Clone, Debug, PartialEq)]
pub struct ExitCodes {
    /// The test passed.
    pub passed: Vec<i32>,
    /// The test ran and failed.
    pub failed: Vec<i32>,
}
