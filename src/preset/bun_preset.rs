//! Bun: a file of testplan's own runs `bun test`, lists and reports; selection by one pattern for all files.

use super::{
    selected_call::{
        CallPaths, NotSelected, PresetCall, exact_file_argument, on_one_line, option,
        regex_escaped, suite_and_name, suites,
    },
    test_listing::own_listing,
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static BUN: Preset = Preset {
    name: "bun",
    versions: "1.4.5",
    program: &["bun"],
    // The file that runs `bun test` comes first.
    has_subcommand: true,
    list: &["{reporters}/bun.mjs"],
    listing: ListingOutput::File,
    listed: &[0],
    evidence: Evidence::EventStream(ReportedTool::Bun),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: true,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "results come from bun's JUnit file, which it writes at the end: a process that is killed, or that a test ends, leaves none of its call",
        "titles are joined by blanks for the selection, and one pattern holds for all files of a call; what was not asked for is left out",
        "a pattern that matches nothing ends with exit code 1",
        "all files of a call share one process",
        "a test that passes after a retry looks as if it had passed at once",
        "a failing hook takes the tests of its group out of the JUnit file",
    ],
    called: suite_and_name,
    read_listing: own_listing,
    call,
};

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let names: Vec<String> = tests
        .iter()
        .map(|test| {
            // ` > ` stands between titles, or is in one of them.
            regex_escaped(test.testcase.trim()).replace(" > ", "(?: > | )")
        })
        .collect();
    let mut call = PresetCall::default().with_reporter(ReportedTool::Bun, paths);
    let pattern = format!(r"^\s*(?:{})\s*$", names.join("|"));
    call.argument(option("--test-name-pattern=", pattern));
    for suite in suites(tests) {
        call.argument(exact_file_argument(suite));
    }
    Ok(call.with_selection(tests, paths))
}
