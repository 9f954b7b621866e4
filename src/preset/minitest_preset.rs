//! Minitest: listing, selection and results by testplan's own runner file.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, on_one_line, suite_and_name},
    test_listing::own_listing,
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static MINITEST: Preset = Preset {
    name: "minitest",
    versions: "5.17.0",
    program: &["ruby"],
    // The runner file; options of the project are its own.
    has_subcommand: true,
    list: &["{reporters}/minitest_runner.rb"],
    listing: ListingOutput::File,
    listed: &[0],
    evidence: Evidence::EventStream(ReportedTool::Minitest),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: true,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "test files are `*_test.rb` and `test_*.rb` below `test`, or what `paths` names; `lib` and `test` are in the load path",
        "`args` takes -I FOLDER and -r FILE as ruby does, and options of Minitest such as `--seed=1`",
        "a test of `it` has its number in its name, so that one before it that is new renames it",
        "a file that cannot be loaded costs its own tests alone",
        "a test that calls exit(0) ends the tool with exit code 0",
    ],
    called: suite_and_name,
    read_listing: own_listing,
    call,
};

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let call = PresetCall::default().with_reporter(ReportedTool::Minitest, paths);
    Ok(call.with_selection(tests, paths))
}
