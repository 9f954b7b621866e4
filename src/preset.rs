//! Presets: how each test tool lists its tests, runs many of them in one call, and shows their results.
//!
//! A preset is data with two pure functions: [`Preset::read_listing`] turns what the tool lists into tests, and
//! [`Preset::call`] turns tests into arguments. Nothing is started here.

mod ctest_preset;
mod googletest_preset;
mod jest_preset;
mod nextest_preset;
mod playwright_preset;
mod pytest_preset;
mod selected_call;
mod test_listing;
mod vitest_preset;

pub use selected_call::{CallPaths, NotSelected, PresetCall};
pub use test_listing::{BadListing, PresetListing};

use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// All presets.
pub const PRESETS: [&Preset; 7] = [
    &nextest_preset::NEXTEST,
    &ctest_preset::CTEST,
    &googletest_preset::GOOGLETEST,
    &jest_preset::JEST,
    &playwright_preset::PLAYWRIGHT,
    &pytest_preset::PYTEST,
    &vitest_preset::VITEST,
];

/// What testplan knows of a tool.
#[derive(Debug)]
pub struct Preset {
    /// Its name in `testplan.yml`.
    pub name: &'static str,
    /// The versions it was tried with.
    pub versions: &'static str,
    /// How the tool is started; a project may name another program. Empty where each project has its own.
    pub program: &'static [&'static str],
    /// What is added to list the tests. `{list}` is the file where the tool writes them, if it is not its output.
    pub list: &'static [&'static str],
    /// The exit codes of a listing that is complete.
    pub listed: &'static [i32],
    /// Where its results are found.
    pub evidence: Evidence,
    /// What its result file calls a test, in the placeholders of `case`.
    pub case: &'static str,
    /// What several results with one name are.
    pub repeats: Repeats,
    /// The exit codes of a call whose tests all passed, and of one in which some failed. With any other one the tool did
    /// not come to its end.
    pub exit_codes: (&'static [i32], &'static [i32]),
    /// What a caller has to know.
    pub traps: &'static [&'static str],
    read_listing: fn(&[u8], &str) -> Result<PresetListing, BadListing>,
    call: fn(&[Test], &CallPaths<'_>) -> Result<PresetCall, NotSelected>,
}

/// Where the results of a call are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// In the event stream of its reporter.
    EventStream(ReportedTool),
    /// In a JUnit file in the results folder.
    JunitFile,
}

impl Preset {
    /// The preset of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PRESETS.into_iter().find(|preset| preset.name == name)
    }

    /// Reads what the tool has listed. `folder` is the absolute folder in which it ran; files below it become relative.
    pub fn read_listing(&self, listing: &[u8], folder: &str) -> Result<PresetListing, BadListing> {
        (self.read_listing)(listing, folder)
    }

    /// The arguments and the list file of one call that runs these tests and no others, where the tool can tell them
    /// apart.
    pub fn call(&self, tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
        let call = (self.call)(tests, paths)?;
        selected_call::fits(&call)?;
        Ok(call)
    }
}
