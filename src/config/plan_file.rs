//! `testplan.yml`: how a test is run and, where testplan is the service too, what there is to run.
//!
//! Reading has two steps. The document's shape is read into marked values and stops at its first mistake; its meaning
//! is then checked as a whole, and all mistakes are reported together.

mod check;
mod codes;
mod discover_key;
mod document;
mod marked;
mod one_or_many;
mod quarantine_document;
mod quarantine_file;
mod reading;
mod runner_key;
mod schema;
mod syntax;
mod verdict_keys;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

pub use quarantine_file::quarantine_entries;
pub use schema::{json_schema, quarantine_json_schema};

use super::{
    config_problem::{ConfigError, ConfigProblem},
    discover::LinePattern,
};
use crate::{
    model::{Capabilities, FlakyPolicy, NewSquishServer, Test},
    runner::runner_settings::RunnerSettings,
};

/// The file that is read where no other is named.
pub(crate) const DEFAULT_NAME: &str = "testplan.yml";

/// The largest file that is read, in bytes.
pub(crate) const LARGEST: u64 = 4 * 1024 * 1024;

/// How long a discovery may take where the file does not say.
pub const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// A `testplan.yml` that makes sense.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanFile {
    /// The project; there if templates are written in the file.
    pub project: Option<String>,
    /// How tests are run; templates may have runners of their own.
    pub runner: Option<RunnerSettings>,
    /// What can be started; titles are unique.
    pub templates: Vec<Template>,
    /// Squish servers to hand out; host and port are unique.
    pub servers: Vec<NewSquishServer>,
    /// How long a plan should take: `execute` sizes its matrix for it.
    pub target_time: Option<Duration>,
    /// What flaky tests count as, if the file says so.
    pub flaky: Option<FlakyPolicy>,
    /// Where the tests in quarantine are listed.
    pub quarantine: Option<QuarantineSource>,
}

/// The key `quarantine`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantineSource {
    /// The file, relative to the folder of `testplan.yml`.
    pub file: String,
    /// How many failed runs in a row make a test broken; `None` if no history is asked.
    pub broken_after: Option<u32>,
}

/// A test plan that can be started.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// What it is looked up by.
    pub title: String,
    /// Free text, possibly empty.
    pub description: String,
    /// Free words.
    pub tags: Vec<String>,
    /// Every test once for each; at least one, which may be empty: any worker.
    pub configurations: Vec<Capabilities>,
    /// How its tests are run, if not as the file says for all.
    pub runner: Option<RunnerSettings>,
    /// Where the tests come from; at least one source.
    pub tests: Vec<TestSource>,
    /// What its flaky tests count as, if not as the file says for all.
    pub flaky: Option<FlakyPolicy>,
}

impl Template {
    /// What is to be discovered before the template can be expanded, in the order of the file.
    pub fn discoveries(&self) -> impl Iterator<Item = &Discovery> {
        self.tests.iter().filter_map(|source| match source {
            TestSource::Discovered(discovery) => Some(discovery),
            TestSource::Listed(_) => None,
        })
    }
}

/// Where tests come from.
#[derive(Clone, Debug, PartialEq)]
pub enum TestSource {
    /// Written in the file.
    Listed(Vec<Test>),
    /// Found when the template is read.
    Discovered(Discovery),
}

/// How tests are found.
#[derive(Clone, Debug, PartialEq)]
pub enum Discovery {
    /// A command lists them.
    Command(Listing),
    /// All test cases of all Squish suites in these folders, relative to the runner's.
    Squish(Vec<PathBuf>),
    /// All tests of the runner's preset.
    Preset,
}

/// A command that lists tests.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing {
    /// The program and its arguments, without placeholders.
    pub command: Vec<String>,
    /// What a line that names a test looks like.
    pub pattern: LinePattern,
    /// How long the command may take.
    pub timeout: Duration,
}

impl PlanFile {
    /// Reads a file that has to be there. The error says what is wrong and where, or that it cannot be read.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(&path.display().to_string(), &reading::text(path)?)
    }

    /// Reads the file that `--config` names, or else `testplan.yml` in `folder`, which may be missing.
    pub fn find(named: Option<&Path>, folder: &Path) -> Result<Option<Self>, ConfigError> {
        if let Some(path) = named {
            return Self::load(path).map(Some);
        }
        let path = folder.join(DEFAULT_NAME);
        if path.exists() {
            return Self::load(&path).map(Some);
        }
        let other = folder.join("testplan.yaml");
        if other.exists() {
            let problem = ConfigProblem::new("", "this file would not be read").help(format!(
                "rename it to {DEFAULT_NAME}, or name it with --config"
            ));
            return Err(ConfigError::whole(other.display().to_string(), problem));
        }
        Ok(None)
    }

    /// Reads a text; `name` is what errors call the file.
    pub fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > LARGEST {
            return Err(ConfigError::whole(name, reading::too_large()));
        }
        let document = syntax::read(name, text)?;
        check::document(name, text, document)
    }
}
