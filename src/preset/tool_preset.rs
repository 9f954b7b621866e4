//! What testplan knows of a tool that runs many tests in one call.

use std::{ffi::OsString, ops::RangeInclusive, path::Path};

use super::{
    selected_call::{self, CallPaths, NotSelected, PresetCall},
    test_listing::{BadListing, ToolListing},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// What testplan knows of a tool.
#[derive(Debug)]
pub struct Preset {
    /// Its name in `testplan.yml`.
    pub name: &'static str,
    /// The versions it was tried with.
    pub versions: &'static str,
    /// How the tool is started; a project may name another program. Empty where each project has its own.
    pub program: &'static [&'static str],
    /// Whether a call and the listing begin with a subcommand, or with options up to `--`, after which options of the
    /// project stand.
    pub has_subcommand: bool,
    /// What is added to list the tests. `{list}` is the file of [`ListingOutput::File`], `{reporters}` the folder with
    /// testplan's own files for the tool, `{paths}DEFAULT` what the project names, or the default (`.` if it is empty).
    pub list: &'static [&'static str],
    /// Where the listing is found.
    pub listing: ListingOutput,
    /// The exit codes of a listing that is complete.
    pub listed: &'static [i32],
    /// Where its results are found.
    pub evidence: Evidence,
    /// What its result file calls a test, in the placeholders of `case`: to the letter what [`Preset::called`] says.
    pub case: &'static str,
    /// What several results with one name are.
    pub repeats: Repeats,
    /// Whether a call loads the whole file of each of its tests: then it should have as few files as possible.
    pub loads_files: bool,
    /// The exit codes of a call whose tests all passed, and of one in which some failed. With any other one the tool did
    /// not come to its end.
    pub exit_codes: (&'static [i32], &'static [RangeInclusive<i32>]),
    /// The exit codes of a call that ran nothing because the tool does not know a test of it.
    pub unknown_test: &'static [i32],
    /// What a caller has to know.
    pub traps: &'static [&'static str],
    /// How a process of the tool stays and runs one call after the other, if it can.
    pub session: Option<ToolSession>,
    /// How the reasons of its skips begin, if a skip with another reason is a test that it could not start.
    pub skip_reasons: Option<&'static [&'static str]>,
    pub(super) called: fn(&Test) -> String,
    pub(super) read_listing: fn(&[u8], &str) -> Result<ToolListing, BadListing>,
    pub(super) call: fn(&[Test], &CallPaths<'_>) -> Result<PresetCall, NotSelected>,
}

/// How a process of a tool stays and runs one call after the other. The reporter of its event stream serves the session, or a
/// file beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolSession {
    /// Whether it is how tests run if the project does not say.
    pub is_default: bool,
    /// What is added to the command before the reporter. `{reporters}` is the folder with testplan's own files.
    pub arguments: &'static [&'static str],
    /// Once it holds so many MiB of memory, the process is replaced, if the project does not say when; on Linux.
    pub most_mib: Option<u64>,
}

/// Where the results of a call are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// In the event stream of its reporter.
    EventStream(ReportedTool),
    /// In the JSON log of Meson, which is read as an event stream.
    MesonLog,
    /// In JUnit files in the results folder, or in others that testplan reads.
    JunitFile,
}

/// Where a tool writes its listing.
#[derive(Clone, Copy, Debug)]
pub enum ListingOutput {
    /// To its standard output.
    Stdout,
    /// To its standard error.
    Stderr,
    /// In class files, once the command has compiled them.
    ClassFiles(ClassFolders),
    /// To the file that `{list}` and the variable [`LISTING`](crate::reporter::LISTING) name.
    File,
}

/// Where compiled test classes are.
#[derive(Clone, Copy, Debug)]
pub struct ClassFolders {
    /// The folders of the classes of a module, below that of the module.
    pub folders: &'static [&'static str],
    /// The suite of its classes, after the folder of the module.
    pub suite: &'static str,
    /// Whether the tool takes a class with this simple name for a test.
    pub is_test: fn(&str) -> bool,
}

/// An argument with one of the paths in place of its name.
pub(crate) fn filled(text: &str, paths: &[(&str, &Path)]) -> OsString {
    let place = (paths.iter()).find_map(|(name, path)| Some((text.split_once(name)?, path)));
    let Some(((before, after), path)) = place else {
        return OsString::from(text);
    };
    let mut argument = OsString::from(before);
    argument.push(path);
    argument.push(after);
    argument
}

impl PartialEq for Preset {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Preset {
    /// Reads what the tool has listed. `folder` is the absolute folder in which it ran; files below it become relative.
    pub fn read_listing(&self, listing: &[u8], folder: &str) -> Result<ToolListing, BadListing> {
        (self.read_listing)(listing, folder)
    }

    /// What the tool's results call a test, in the form of [`Preset::case`].
    pub fn called(&self, test: &Test) -> String {
        (self.called)(test)
    }

    /// Whether the tool can select a test exactly.
    pub fn check(&self, test: &Test) -> Result<(), NotSelected> {
        let none = Path::new("");
        let paths = CallPaths {
            list: none,
            results: none,
            events: none,
            reporters: none,
            tag: "",
        };
        self.call(std::slice::from_ref(test), &paths).map(drop)
    }

    /// The arguments that begin a session, if the tool has one; `reporters` is the folder with testplan's own files.
    pub fn session_arguments(&self, reporters: &Path) -> Vec<OsString> {
        let (Some(session), Evidence::EventStream(tool)) = (&self.session, self.evidence) else {
            return Vec::new();
        };
        let own = session.arguments.iter();
        own.map(|text| filled(text, &[("{reporters}", reporters)]))
            .chain(tool.arguments(reporters))
            .collect()
    }

    /// The arguments and the list file of one call that runs these tests and no others, where the tool can tell them
    /// apart.
    pub fn call(&self, tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
        let call = (self.call)(tests, paths)?;
        selected_call::fits(&call)?;
        Ok(call)
    }
}
