//! `PHPUnit`: listing, selection and results by its printer.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, on_one_line, suite_and_name},
    test_listing::own_listing,
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static PHPUNIT: Preset = Preset {
    name: "phpunit",
    versions: "9.6.7",
    program: &["phpunit"],
    has_subcommand: false,
    list: &["--include-path={reporters}", "--printer=TestplanPrinter"],
    listing: ListingOutput::File,
    // 1 if the project wants a run without tests to fail.
    listed: &[0, 1],
    evidence: Evidence::EventStream(ReportedTool::Phpunit),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    // All files are loaded for each call.
    loads_files: false,
    exit_codes: (&[0], &[1..=2]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "for PHPUnit 9: version 10 has no printers",
        "without a testsuite in phpunit.xml, `paths` names the folder of the tests; it is given to each call, which loads all files in it",
        "the tests that a test depends on run in its call as well",
        "a set-up or tear-down of a class that fails is the failure of all its tests of the call",
        "risky tests and warnings pass unless --fail-on-risky or --fail-on-warning make the exit code that of a failure; then such a test runs alone and fails",
        "a test that calls exit(0) ends PHPUnit with exit code 0",
    ],
    called: suite_and_name,
    read_listing: own_listing,
    call,
};

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let mut call = PresetCall::default().with_reporter(ReportedTool::Phpunit, paths);
    call.takes_paths = Some("");
    Ok(call.with_selection(tests, paths))
}
