//! `go test` through gotestsum: selection by a pattern and packages, results in JUnit.

use serde::Deserialize;

use super::{
    selected_call::{
        CallPaths, NotSelected, PresetCall, option, regex_escaped, suite_and_name, suites,
    },
    test_listing::{BadListing, ToolListing, test},
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test};

/// The preset.
pub static GO: Preset = Preset {
    name: "go",
    versions: "1.19.8 with gotestsum 1.8.2",
    program: &["gotestsum"],
    // The project's options stand after `--`: they are those of `go test`.
    has_subcommand: true,
    list: &["--jsonfile={list}", "--", "-list", ".", "{paths}./..."],
    listing: ListingOutput::File,
    listed: &[0],
    evidence: Evidence::JunitFile,
    case: "{classname}::{name}{/}",
    // gotestsum writes failures before passes, so that the last one proves nothing.
    repeats: Repeats::Duplicates,
    loads_files: true,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "benchmarks are not run and not listed; sub-tests run with their test",
        "one pattern holds for all packages of a call: a test of the same name in another one runs too, and is left out",
        "a package that does not build stops the listing with exit code 2, and is no case in the JUnit file",
        "a test that calls os.Exit(0) fails with a panic; the tests after it do not run",
        "-timeout counts for all tests of a package in a call",
        "Go 1.19 takes a line `--- PASS: NAME` that a test prints for the result of the test NAME, and loses the result of a \
         test whose last output has no line break: gotestsum shows it as failed",
    ],
    called: suite_and_name,
    read_listing,
    call,
};

/// An event of `go test -json`.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Package", default)]
    package: String,
    #[serde(rename = "Output", default)]
    output: String,
}

fn read_listing(listing: &[u8], _: &str) -> Result<ToolListing, BadListing> {
    let text = String::from_utf8_lossy(listing);
    let mut tests = Vec::new();
    for line in text.lines() {
        let event: Event = serde_json::from_str(line)
            .map_err(|why| BadListing(format!("a line of the listing is no event: {why}")))?;
        let name = event.output.trim_end_matches(['\r', '\n']);
        if is_test(name) {
            tests.push(test(event.package, name));
        }
    }
    Ok(ToolListing::of(tests))
}

/// What `-run` runs. Other lines are output of the package, its end, or benchmarks.
fn is_test(name: &str) -> bool {
    let rest = ["Test", "Example", "Fuzz"]
        .iter()
        .find_map(|kind| name.strip_prefix(kind));
    rest.is_some_and(|rest| {
        !rest.starts_with(char::is_lowercase)
            && rest.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    if let Some(test) = tests.iter().find(|it| it.testcase.contains('/')) {
        let why = "it is a sub-test, which runs with its test";
        return Err(NotSelected::name(test, why));
    }
    if let Some(test) = tests.iter().find(|it| it.suite.starts_with('-')) {
        return Err(NotSelected::name(test, "its suite is no package"));
    }
    let mut names: Vec<String> = tests.iter().map(|it| regex_escaped(&it.testcase)).collect();
    names.sort();
    names.dedup();
    // Without the count, results of an earlier run would be taken from the cache of Go.
    let junit = option("--junitfile=", paths.results.join("results.xml"));
    let mut call = PresetCall::new([junit]);
    for argument in ["--", "-count=1", "-run"] {
        call.argument(argument);
    }
    call.argument(format!("^({})$", names.join("|")));
    for suite in suites(tests) {
        call.argument(suite);
    }
    Ok(call)
}
