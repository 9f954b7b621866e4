//! The test runner of Node: selection by one pattern for all files, results by a reporter and a hook in each process.

use super::{
    selected_call::{
        CallPaths, NotSelected, PresetCall, file_argument, node_pattern, option, regex_escaped,
        suite_and_name, suites,
    },
    test_listing::own_listing,
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static NODE_TEST: Preset = Preset {
    name: "node-test",
    versions: "22.23.5, 24.19.0",
    program: &["node"],
    has_subcommand: false,
    list: &[
        "--test",
        "--import={reporters}/node-hook.mjs",
        "--test-reporter={reporters}/node-reporter.mjs",
        "--test-reporter-destination=stderr",
    ],
    listing: ListingOutput::File,
    // 1 if a file cannot be loaded.
    listed: &[0, 1],
    evidence: Evidence::EventStream(ReportedTool::NodeTest),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: true,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "Node has no listing: files are loaded with a stand-in for `node:test` that notes names and runs no test; bodies of suites run, tests that only hooks or other tests define are not seen",
        "a file without tests of `node:test`, which Node counts as one test, is not listed",
        "subtests (`t.test`) belong to their test, and cannot run without it",
        "titles are joined by blanks for the selection, and a title alone selects as well; what was not asked for is left out",
        "a pattern that matches nothing ends with exit code 0 and a passing test named like the file",
        "a process of a file that ends early loses the results of its tests, with exit code 0 if it ended with 0",
        "Node 20 is not supported: its patterns match titles of tests alone",
    ],
    called: suite_and_name,
    read_listing: own_listing,
    call,
};

#[expect(clippy::unnecessary_wraps, reason = "one signature for all presets")]
fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    let names: Vec<String> = tests
        .iter()
        .map(|test| {
            // Node trims what it joins. ` > ` stands between titles, or is in one of them.
            regex_escaped(test.testcase.trim()).replace(" > ", "(?: > | )")
        })
        .collect();
    let mut call = PresetCall::new(["--test"]).with_reporter(ReportedTool::NodeTest, paths);
    let pattern = format!(r"^\s*(?:{})\s*$", names.join("|"));
    call.argument(option("--test-name-pattern=", pattern));
    for suite in suites(tests) {
        call.argument(node_pattern(&file_argument(suite)));
    }
    Ok(call)
}
