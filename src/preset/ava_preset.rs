//! ava: listing, selection and results by testplan's own runner file.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, on_one_line, suite_and_name},
    test_listing::own_listing,
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static AVA: Preset = Preset {
    name: "ava",
    versions: "7.0.0",
    program: &["node"],
    // The runner file; options of the project are those of ava.
    has_subcommand: true,
    list: &["{reporters}/ava_runner.mjs"],
    listing: ListingOutput::File,
    listed: &[0],
    evidence: Evidence::EventStream(ReportedTool::Ava),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: true,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "ava has no option for a reporter: testplan's runner file adds to ava's own, by files that ava does not export",
        "`args` takes options of ava; `program: [node, --import, tsx]` options of Node",
        "titles of a call are patterns for all of its files: a test of the same title in another file runs too, and is left out",
        "`test.only` has no effect, as titles are selected; `test.todo` is skipped",
        "a test that ends its process or its worker leaves the other tests of its file without a result: they run alone",
        "ava does not report starts of tests, so a call that is killed names no suspect",
        "a `before` hook that fails is the failure of the tests of its file, one for each test that of its test",
    ],
    called: suite_and_name,
    read_listing: own_listing,
    call,
};

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let call = PresetCall::default().with_reporter(ReportedTool::Ava, paths);
    Ok(call.with_selection(tests, paths))
}
