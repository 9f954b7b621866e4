//! Reads the results of an execution and decides its outcome, by the rules of a command or of squishrunner.

use std::{path::Path, time::Duration};

use super::{
    decision::{self, DecidedOutcome},
    process_end::ProcessEnd,
    results::{self, Results, ResultsFound},
    runner_settings::Tool,
    squishrunner::{attached_files, squish_decision},
};
use crate::model::Test;

impl Tool {
    /// Finds and reads the result files in an execution's results folder; the attachments of its cases are relative to
    /// the folder. Blocks on the file system.
    pub fn read_results(&self, dir: &Path) -> ResultsFound {
        match self {
            Self::Command(command) => results::gather(&command.results, dir),
            Self::Squish(squish) => {
                let mut found = squish_decision::gather(squish, dir);
                if let Results::Read(cases) | Results::Unreadable { cases, .. } = &mut found.results
                {
                    attached_files::attach(squish, dir, cases);
                }
                found
            }
        }
    }

    /// Decides the outcome of an execution of `test` that took `took`.
    pub fn decide(
        &self,
        test: &Test,
        end: ProcessEnd,
        took: Duration,
        results: Results,
    ) -> DecidedOutcome {
        match self {
            Self::Command(tool) => {
                let reading = (tool.results.repeats(), tool.results.names());
                decision::by_codes(&tool.exit_codes, reading, test, end, took, results)
            }
            Self::Squish(_) => squish_decision::decide(test, end, took, results),
        }
    }
}
