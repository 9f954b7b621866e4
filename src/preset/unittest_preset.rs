//! Python's unittest: listing, selection and results by testplan's own runner file.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, on_one_line, suite_and_name},
    test_listing::own_listing,
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static UNITTEST: Preset = Preset {
    name: "unittest",
    versions: "of Python 3.9 to 3.13",
    program: &["python3"],
    // The runner file; options of the project are its own.
    has_subcommand: true,
    list: &["{reporters}/unittest_runner.py"],
    listing: ListingOutput::File,
    listed: &[0],
    evidence: Evidence::EventStream(ReportedTool::Unittest),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: true,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "tests are those that `python -m unittest discover` finds in the folder; `args` takes its options -s, -p and -t, and `paths` only narrows what was found",
        "a folder without `__init__.py` is not searched; name it by `args: [-s, FOLDER]`",
        "a module that skips itself when it is loaded is listed as one test, `ModuleSkipped`",
        "the fixtures of a class and a module run once in each call that has a test of them",
        "a test that ends its process by os._exit(0) ends the tool with exit code 0; sys.exit(0) in a test is an error of it",
    ],
    called: suite_and_name,
    read_listing: own_listing,
    call,
};

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let call = PresetCall::default().with_reporter(ReportedTool::Unittest, paths);
    Ok(call.with_selection(tests, paths))
}
