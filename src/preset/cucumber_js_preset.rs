//! Cucumber-js: listing and results by its formatter, selection by a plugin.

use super::{
    selected_call::{
        CallPaths, NotSelected, PresetCall, file_argument, node_pattern, on_one_line,
        suite_and_name, suites,
    },
    test_listing::own_listing,
    tool_preset::{Evidence, ListingOutput, Preset, ToolSession},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static CUCUMBER_JS: Preset = Preset {
    name: "cucumber-js",
    versions: "13.3.0",
    program: &["npx", "--no", "--", "cucumber-js"],
    has_subcommand: false,
    list: &[
        "--dry-run",
        "--parallel=0",
        "--format",
        "\"{reporters}/cucumber.mjs\"",
    ],
    listing: ListingOutput::File,
    listed: &[0],
    evidence: Evidence::EventStream(ReportedTool::CucumberJs),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: true,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[],
    session: Some(ToolSession {
        is_default: true,
        arguments: &["--parallel=0"],
        most_mib: None,
    }),
    skip_reasons: None,
    traps: &[
        "rows of an outline whose title does not tell them apart get their values as a last title",
        "`paths` of a profile are loaded by each call, whatever files it names",
        "one file that cannot be parsed stops the listing and each call that loads it",
        "--plugin on the command line takes the place of the first `plugin` of a profile",
        "`parallel` of a profile is switched off; slots of testplan run side by side",
        "a step that calls process.exit(0) ends cucumber-js with exit code 0",
        "in a session support code, `BeforeAll` and `AfterAll` run once for each worker",
        "a scenario with a pending step has no verdict if another one of its call fails, and runs alone: only then the exit code shows whether it counts",
    ],
    called: suite_and_name,
    read_listing: own_listing,
    call,
};

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let mut call = PresetCall::new(["--parallel=0"]).with_reporter(ReportedTool::CucumberJs, paths);
    for suite in suites(tests) {
        call.argument(node_pattern(&file_argument(suite)));
    }
    Ok(call.with_selection(tests, paths))
}
