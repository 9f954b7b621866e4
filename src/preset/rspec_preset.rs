//! `RSpec`: listing, selection and results by its formatter.

use super::{
    selected_call::{
        CallPaths, NotSelected, PresetCall, file_argument, on_one_line, suite_and_name, suites,
    },
    test_listing::own_listing,
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static RSPEC: Preset = Preset {
    name: "rspec",
    versions: "3.12.0",
    program: &["rspec"],
    has_subcommand: false,
    list: &[
        "--dry-run",
        "--require={reporters}/rspec_formatter.rb",
        "--format=progress",
        "--format=TestplanFormatter",
    ],
    listing: ListingOutput::File,
    // 1 if a file could not be loaded, which is listed as such.
    listed: &[0, 1],
    evidence: Evidence::EventStream(ReportedTool::Rspec),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: true,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "an example without a description is named by its first line of code, such as `it { is_expected.to be_valid }`; several of one line and group share a name",
        "a file that cannot be loaded costs its own examples alone, although RSpec would run no file of the call",
        "hooks of a group run once in each call that has an example of it; an `after(:context)` that fails makes each of its examples fail",
        "formatters of .rspec are replaced by `progress`; name others in `args`",
        "an example that calls exit(0) ends RSpec with exit code 0",
    ],
    called: suite_and_name,
    read_listing: own_listing,
    call,
};

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let mut call = PresetCall::default().with_reporter(ReportedTool::Rspec, paths);
    for suite in suites(tests) {
        call.argument(file_argument(suite));
    }
    Ok(call.with_selection(tests, paths))
}
