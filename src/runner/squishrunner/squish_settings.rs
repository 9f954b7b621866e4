//! How squishrunner is started, as `testplan.yml` says under `runner.squish`.

use std::{path::PathBuf, time::Duration};

use super::squish_address::SquishAddress;
use crate::result_file::Scenarios;

/// Default of `licence-patience`.
pub(crate) const LICENCE_PATIENCE: Duration = Duration::from_secs(30 * 60);

/// How squishrunner is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SquishSettings {
    /// The program; `None` until [`super::find_program::find`] has found it.
    pub squishrunner: Option<PathBuf>,
    /// Where the suites are, relative to the runner's folder; at least one.
    pub suites: Vec<PathBuf>,
    /// Which Squish server runs the application.
    pub server: ServerChoice,
    /// What squishrunner writes.
    pub report: Report,
    /// What is a case of a behaviour-driven test.
    pub scenarios: Scenarios,
    /// Each an expression over the tags of scenarios.
    pub tags: Vec<String>,
    /// Additional arguments, unchanged, after those of testplan.
    pub options: Vec<String>,
    /// How long an execution without a licence is retried; zero is no retry.
    pub licence_patience: Duration,
}

impl Default for SquishSettings {
    fn default() -> Self {
        Self {
            squishrunner: None,
            suites: vec![PathBuf::from(".")],
            server: ServerChoice::Allocated,
            report: Report::Xml34,
            scenarios: Scenarios::Each,
            tags: Vec::new(),
            options: Vec::new(),
            licence_patience: LICENCE_PATIENCE,
        }
    }
}

/// Which Squish server runs the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerChoice {
    /// The one that comes with the reservation.
    Allocated,
    /// One of squishrunner's own, for each run.
    Local,
    /// Always this one.
    At(SquishAddress),
}

/// What squishrunner writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Squish XML 3.4, a folder.
    Xml34,
    /// Squish XML 3.5, a folder.
    Xml35,
    /// One JUnit file, without screenshots.
    JUnit,
}

impl Report {
    /// The generator's name, as `--reportgen` takes it.
    pub fn generator(self) -> &'static str {
        match self {
            Self::Xml34 => "xml3.4",
            Self::Xml35 => "xml3.5",
            Self::JUnit => "junit",
        }
    }

    /// What the generator is given, below the execution's results folder. It does not exist before.
    pub fn target(self) -> &'static str {
        match self {
            Self::Xml34 | Self::Xml35 => "squish",
            Self::JUnit => "junit.xml",
        }
    }

    /// The file with the results, below the execution's results folder.
    pub fn file(self) -> &'static str {
        match self {
            Self::Xml34 | Self::Xml35 => "squish/results.xml",
            Self::JUnit => "junit.xml",
        }
    }
}
