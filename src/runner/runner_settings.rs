//! How a test is run, as `testplan.yml` says under `runner`.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

pub use super::exit_codes::ExitCodes;
pub use super::preset_settings::{PresetSettings, SessionSettings};
pub use super::warm_settings::{FreshProcess, ProcessMode, WarmSettings, WarmTool};
use super::{
    placeholders::{Placeholder, PlaceholderText},
    squishrunner::squish_settings::SquishSettings,
};
pub use crate::{
    attribution::{CasePattern, NameMatching, Repeats},
    result_file::Scenarios,
};

/// What names one test of pytest, and where its result file goes, if each test has a process of its own.
const ONE_TEST: [&str; 2] = ["{suite}::{testcase}", "--junitxml={results}/pytest.xml"];

/// How a test is run and how its end is read.
#[derive(Clone, Debug, PartialEq)]
pub struct RunnerSettings {
    /// What runs it.
    pub tool: Tool,
    /// Time limit of one execution, independent of its lease; `None` is no limit.
    pub timeout: Option<Duration>,
    /// Variables added to the environment, with placeholders.
    pub environment: BTreeMap<String, PlaceholderText>,
    /// Where the tool runs; `None` is where testplan runs.
    pub working_directory: Option<PathBuf>,
}

/// What runs a test.
#[derive(Clone, Debug, PartialEq)]
pub enum Tool {
    /// Any command.
    Command(CommandSettings),
    /// squishrunner.
    Squish(SquishSettings),
}

/// A command that runs one test.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandSettings {
    /// The command as an argument vector, with placeholders; never passed through a shell.
    pub command: Vec<PlaceholderText>,
    /// Where the results are.
    pub results: ResultsFormat,
    /// What the exit codes mean.
    pub exit_codes: ExitCodes,
    /// How the tool's process stays and takes one test after the other, if it does: then the command names no test.
    pub warm: Option<WarmSettings>,
    /// How one call runs many tests, if it can.
    pub batch: Option<BatchSettings>,
}

/// How one call of a command runs many tests.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchSettings {
    /// How the command gets the tests.
    pub selection: Selection,
    /// What it calls a test.
    pub test: PlaceholderText,
    /// What its result file calls it; otherwise names are compared word by word.
    pub case: Option<CasePattern>,
    /// How much predicted work one call gets; the service decides if absent.
    pub target: Option<Duration>,
    /// Most tests of one call.
    pub most: u32,
    /// The tool that lists the tests, makes its calls and names its results, if testplan knows it.
    pub preset: Option<Box<PresetSettings>>,
}

impl BatchSettings {
    /// Whether a call costs less if it has whole suites.
    pub(crate) fn wants_whole_suites(&self) -> bool {
        self.preset.as_ref().is_some_and(|it| it.preset.loads_files)
    }
}

/// How a command gets the tests of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Each as an argument, at `{tests}`.
    Arguments,
    /// In a file, one a line, whose path is at `{tests.file}`.
    File,
}

impl CommandSettings {
    /// The command that runs each test in a process of its own, in place of one whose process stays.
    pub(crate) fn one_per_process(&self) -> Self {
        // The texts are constant, and a test reads them.
        let one = ONE_TEST.map(|text| PlaceholderText::parse(text).unwrap_or_default());
        Self {
            command: self.command.iter().cloned().chain(one).collect(),
            warm: None,
            ..self.clone()
        }
    }
}

impl RunnerSettings {
    /// Whether the tool or testplan uses an execution's results folder.
    pub fn wants_results_folder(&self) -> bool {
        match &self.tool {
            Tool::Command(tool) => {
                let mut texts = tool.command.iter().chain(self.environment.values());
                tool.results != ResultsFormat::ExitCode
                    || texts.any(|it| it.asks_for(&Placeholder::Results))
            }
            Tool::Squish(_) => true,
        }
    }

    /// Whether the command asks for the Squish server that came with one execution.
    pub(crate) fn asks_for_server(&self) -> bool {
        let Tool::Command(tool) = &self.tool else {
            return true;
        };
        let mut texts = tool.command.iter().chain(self.environment.values());
        texts.any(|it| {
            it.asks_for(&Placeholder::ServerHost) || it.asks_for(&Placeholder::ServerPort)
        })
    }

    /// Whether a program that cannot be started for one test cannot be started for any: its name has no placeholder.
    pub(crate) fn starts_the_same_for_every_test(&self) -> bool {
        match &self.tool {
            Tool::Command(tool) => {
                let program = tool.command.first();
                program.is_some_and(|program| program.literal().is_some())
            }
            Tool::Squish(_) => true,
        }
    }

    /// A variable that is the same for every execution; `None` if it is not set or has placeholders.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name)?.literal()
    }

    /// Every variable that is the same for every execution: the environment of a program that runs no test.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.environment.iter();
        all.filter_map(|(name, value)| Some((name.as_str(), value.literal()?)))
    }

    /// Whether a variable has a value of its own for each execution: a process that runs many has one environment.
    pub(crate) fn has_variables_of_executions(&self) -> bool {
        use Placeholder::{ExecutionId, Results, ServerHost, ServerPort, Suite, Testcase};
        let own = [
            Suite,
            Testcase,
            Results,
            ExecutionId,
            ServerHost,
            ServerPort,
        ];
        let mut values = self.environment.values();
        values.any(|value| own.iter().any(|placeholder| value.asks_for(placeholder)))
    }

    /// How the process of the tool stays, if it does.
    pub fn warm(&self) -> Option<(&CommandSettings, &WarmSettings)> {
        match &self.tool {
            Tool::Command(tool) => Some((tool, tool.warm.as_ref()?)),
            Tool::Squish(_) => None,
        }
    }

    /// The preset whose tool runs many tests in one call, if one does.
    pub fn preset(&self) -> Option<(&CommandSettings, &PresetSettings)> {
        match &self.tool {
            Tool::Command(tool) => Some((tool, tool.batch.as_ref()?.preset.as_ref()?)),
            Tool::Squish(_) => None,
        }
    }

    /// The settings of squishrunner, if it runs the tests.
    pub fn squish(&self) -> Option<&SquishSettings> {
        match &self.tool {
            Tool::Squish(squish) => Some(squish),
            Tool::Command(_) => None,
        }
    }
}

/// Where the results of a test are. A file is read as what it is, whichever of the two formats was named.
#[derive(Clone, Debug, PartialEq)]
pub enum ResultsFormat {
    /// In JUnit files.
    JUnit {
        /// Pattern of the files, relative to the execution's results folder, as `*.xml` or `**/*.xml`.
        files: String,
        /// What several cases of one name are.
        repeats: Repeats,
        /// How the tool names its cases.
        names: NameMatching,
    },
    /// In Squish's own XML reports.
    Squish {
        /// The same.
        files: String,
        /// What is a case of a behaviour-driven test.
        scenarios: Scenarios,
    },
    /// In the event stream that the tool's reporter writes.
    Events,
    /// In the exit code alone.
    ExitCode,
}

impl ResultsFormat {
    /// How the tool names its cases; squishrunner ran what it was asked for.
    pub fn names(&self) -> NameMatching {
        match self {
            Self::JUnit { names, .. } => *names,
            Self::Events => NameMatching::Same,
            Self::Squish { .. } | Self::ExitCode => NameMatching::Any,
        }
    }

    /// What several cases of one name are; Squish's reports mark tries as such.
    pub fn repeats(&self) -> Repeats {
        match self {
            Self::JUnit { repeats, .. } => *repeats,
            Self::Events | Self::Squish { .. } | Self::ExitCode => Repeats::Duplicates,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_of_one_test_can_be_read() {
        for text in ONE_TEST {
            assert!(PlaceholderText::parse(text).unwrap().literal().is_none());
        }
    }
}
