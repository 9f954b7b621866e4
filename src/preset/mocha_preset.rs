//! Mocha: listing, selection and results by its reporter.

use super::{
    selected_call::{
        CallPaths, NotSelected, PresetCall, file_argument, on_one_line, suite_and_name, suites,
    },
    test_listing::own_listing,
    tool_preset::{Evidence, ListingOutput, Preset, ToolSession},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static MOCHA: Preset = Preset {
    name: "mocha",
    versions: "11.8.0, 12.0.3",
    program: &["npx", "--no", "--", "mocha"],
    has_subcommand: false,
    list: &[
        "--dry-run",
        "--no-parallel",
        "--no-forbid-pending",
        "--reporter={reporters}/mocha.cjs",
    ],
    listing: ListingOutput::File,
    listed: &[0],
    evidence: Evidence::EventStream(ReportedTool::Mocha),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: true,
    exit_codes: (&[0], &[1..=255]),
    unknown_test: &[],
    // Not by default: a call of its own ends what its tests leave behind.
    session: Some(ToolSession {
        is_default: false,
        arguments: &["--no-parallel", "--no-bail"],
        most_mib: None,
    }),
    skip_reasons: None,
    traps: &[
        "files of `spec` in .mocharc are loaded by each call, whatever files it names",
        "one file that cannot be loaded stops the listing and each call that loads it",
        "all files of a call share globals and modules: a test may pass alone and fail after those of another file",
        "with `mode: session` all files are loaded once, and all tests of a worker share what they leave behind: for suites that pass in any order",
        "`parallel` of .mocharc is switched off: its workers show a test only when its file is done; slots of testplan run side by side",
        "the reporter takes the place of the project's own, and prints what `spec` prints",
        "a test that calls process.exit(0) ends mocha with exit code 0",
    ],
    called: suite_and_name,
    read_listing: own_listing,
    call,
};

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let mut call = PresetCall::new(["--no-parallel"]).with_reporter(ReportedTool::Mocha, paths);
    for suite in suites(tests) {
        call.argument(file_argument(suite));
    }
    Ok(call.with_selection(tests, paths))
}
