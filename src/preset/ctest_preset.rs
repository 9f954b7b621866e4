//! `CTest`: selection by a pattern, results in JUnit.

use serde::Deserialize;

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, option, regex_escaped, suite_and_name},
    test_listing::{BadListing, ToolListing, json, test},
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test};

/// The suite of all tests: `CTest` has names alone.
const SUITE: &str = "ctest";

/// Longest pattern, in bytes. With one of more than 64 KiB in its own form `CTest` finds no test, and does not say why.
const MOST_PATTERN: usize = 48 * 1024;

/// The preset.
pub static CTEST: Preset = Preset {
    name: "ctest",
    versions: "3.25.1, 4.4.5",
    program: &["ctest"],
    has_subcommand: false,
    list: &["--show-only=json-v1"],
    listing: ListingOutput::Stdout,
    listed: &[0],
    evidence: Evidence::JunitFile,
    case: "ctest::{name}",
    repeats: Repeats::Unknown,
    loads_files: false,
    exit_codes: (&[0], &[8..=8]),
    unknown_test: &[],
    session: None,
    skip_reasons: Some(&["SKIP_"]),
    traps: &[
        "disabled tests are listed by the tool, but left out here: in the JUnit file they look passed",
        "a missing executable or a failed fixture is `<skipped>` in the JUnit file, with exit code 8: an error here",
        "fixtures of a selected test run too, and are left out",
        "a pattern that matches nothing ends with exit code 0, unless --no-tests=error",
    ],
    called: suite_and_name,
    read_listing,
    call,
};

#[derive(Deserialize)]
struct Listed {
    tests: Vec<ListedTest>,
}

#[derive(Deserialize)]
struct ListedTest {
    name: String,
    #[serde(default)]
    properties: Vec<Property>,
}

#[derive(Deserialize)]
struct Property {
    name: String,
    value: serde_json::Value,
}

fn read_listing(listing: &[u8], _: &str) -> Result<ToolListing, BadListing> {
    let listed: Listed = json(listing, b'{')?;
    let is_disabled = |test: &ListedTest| {
        let mut properties = test.properties.iter();
        properties.any(|it| it.name == "DISABLED" && it.value == true)
    };
    let tests = listed.tests.into_iter().filter(|it| !is_disabled(it));
    Ok(ToolListing::of(tests.map(|it| test(SUITE, it.name))))
}

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    let names: Vec<String> = tests
        .iter()
        .map(|test| regex_escaped(&test.testcase))
        .collect();
    let mut call = PresetCall::new(["--no-tests=error", "--output-on-failure", "--tests-regex"]);
    let pattern = format!("^({})$", names.join("|"));
    if pattern.len() > MOST_PATTERN {
        return Err(NotSelected::TooLong);
    }
    call.argument(pattern);
    call.argument("--output-junit");
    call.argument(option("", paths.results.join("results.xml")));
    Ok(call)
}
