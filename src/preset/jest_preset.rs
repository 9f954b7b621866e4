//! Jest: selection by one pattern for all files, results by its reporter.

use serde::Deserialize;

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, regex_escaped, suite_and_name, suites},
    test_listing::{BadListing, ToolListing, json, relative, test},
    tool_preset::{Evidence, ListingOutput, Preset, ToolSession},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static JEST: Preset = Preset {
    name: "jest",
    versions: "30.5.2",
    program: &["npx", "--no", "--", "jest"],
    has_subcommand: false,
    list: &["--collectTests", "--json"],
    listing: ListingOutput::Stdout,
    listed: &[0],
    evidence: Evidence::EventStream(ReportedTool::Jest),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: true,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[],
    session: Some(ToolSession {
        is_default: true,
        // testplan decides when to stop; and the process ends although a test left something open.
        arguments: &[
            "--runner={reporters}/jest-session.cjs",
            "--bail=0",
            "--forceExit",
        ],
        // jest keeps more memory with each file.
        most_mib: Some(512),
    }),
    skip_reasons: None,
    traps: &[
        "titles are joined by blanks for the selection, so that `describe('a b')` with `it('c')` is not told from `describe('a')` with `it('b c')`",
        "the pattern ignores case and holds for all files of a call; tests that were not asked for are left out",
        "a pattern that matches nothing ends with exit code 0",
        "a test that calls process.exit(0) ends jest with exit code 0 and without results",
        "skipped tests are reported when their file is done",
        "a project with a `runner` of its own, or with several `projects`, has no session: each call has its own process",
        "a `coverageThreshold` is held against each process alone: with one there is no session, and calls may fail",
        "in a session each test file has its own context, as always; `globalSetup` and `globalTeardown` run once for each worker",
    ],
    called: suite_and_name,
    read_listing,
    call,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    test_results: Vec<ListedFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedFile {
    name: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: String,
    assertion_results: Vec<ListedCase>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedCase {
    ancestor_titles: Vec<String>,
    title: String,
}

fn read_listing(listing: &[u8], folder: &str) -> Result<ToolListing, BadListing> {
    let listed: Listed = json(listing, b'{')?;
    let mut broken = Vec::new();
    let mut tests = Vec::new();
    for file in listed.test_results {
        let name = relative(&file.name, folder);
        if file.status == "failed" && file.assertion_results.is_empty() {
            broken.push(format!("{name}: {}", file.message.trim()));
        }
        for case in file.assertion_results {
            let titles = [case.ancestor_titles, vec![case.title]].concat();
            tests.push(test(name.clone(), titles.join(" > ")));
        }
    }
    let mut listing = ToolListing::of(tests);
    listing.broken = broken;
    Ok(listing)
}

#[expect(clippy::unnecessary_wraps, reason = "one signature for all presets")]
fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    let names: Vec<String> = tests
        .iter()
        .map(|test| {
            // ` > ` stands between titles, or is in one of them.
            regex_escaped(&test.testcase).replace(" > ", "(?: > | )")
        })
        .collect();
    let mut call = PresetCall::default().with_reporter(ReportedTool::Jest, paths);
    call.argument(format!("--testNamePattern=^(?:{})$", names.join("|")));
    // Without it, what a test leaves open keeps jest for ever.
    call.argument("--forceExit");
    call.argument("--runTestsByPath");
    for suite in suites(tests) {
        call.argument(suite);
    }
    Ok(call)
}
