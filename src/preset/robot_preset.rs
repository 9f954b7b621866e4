//! Robot Framework: listing and results by a listener, selection by a model modifier.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, on_one_line, suite_and_name},
    test_listing::own_listing,
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// What is searched if the project names nothing.
const HERE: &str = ".";

/// The preset.
pub static ROBOT: Preset = Preset {
    name: "robot",
    versions: "7.5",
    program: &["robot"],
    has_subcommand: false,
    list: &[
        "--dryrun",
        "--runemptysuite",
        "--output=NONE",
        "--log=NONE",
        "--report=NONE",
        "--xunit=NONE",
        "--listener",
        "{reporters}/robot_listener.py",
        "{paths}",
    ],
    listing: ListingOutput::File,
    listed: &[0],
    evidence: Evidence::EventStream(ReportedTool::Robot),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    // All files below the paths of the project are parsed for each call.
    loads_files: false,
    exit_codes: (&[0], &[1..=250]),
    unknown_test: &[252],
    session: None,
    skip_reasons: None,
    traps: &[
        "a folder is run with its `__init__.robot` files; `paths` names the folders, and without it that of the call is searched",
        "a suite set-up and tear-down run once in each call that has a test below them",
        "a tear-down of a suite that fails turns the passes below it into failures",
        "log.html and report.html are not written; output.xml of each call lies beside its results, and `rebot` combines them",
        "--exitonfailure leaves tests of a call without a result, which then run alone",
    ],
    called: suite_and_name,
    read_listing: own_listing,
    call,
};

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let mut call = PresetCall::default().with_reporter(ReportedTool::Robot, paths);
    call.argument("--outputdir");
    call.argument(paths.results);
    call.argument("--log=NONE");
    call.argument("--report=NONE");
    call.takes_paths = Some(HERE);
    Ok(call.with_selection(tests, paths))
}
