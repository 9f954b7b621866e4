//! nextest: selection by a filter, results in JUnit by a configuration of the tool's caller.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, option, suite_and_name},
    test_listing::{BadListing, ToolListing, json, test},
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test};

/// The preset.
pub static NEXTEST: Preset = Preset {
    name: "nextest",
    versions: "0.9.143",
    program: &["cargo", "nextest"],
    has_subcommand: true,
    list: &["list", "--message-format=json"],
    listing: ListingOutput::Stdout,
    listed: &[0],
    evidence: Evidence::JunitFile,
    case: "{classname}::{name}",
    repeats: Repeats::Unknown,
    loads_files: false,
    exit_codes: (&[0], &[100..=100]),
    unknown_test: &[4],
    session: None,
    skip_reasons: None,
    traps: &[
        "ignored tests are not run and not listed",
        "a test that calls process::exit(0) passes",
        "unknown tests of a filter are left out silently; if none is left, the exit code is 4",
        "each call builds first, so a build that fails is exit code 101 for every call",
    ],
    called: suite_and_name,
    read_listing,
    call,
};

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "rust-suites")]
    suites: BTreeMap<String, ListedBinary>,
}

#[derive(Deserialize)]
struct ListedBinary {
    #[serde(default)]
    testcases: BTreeMap<String, ListedTest>,
}

#[derive(Deserialize)]
struct ListedTest {
    #[serde(default)]
    ignored: bool,
    #[serde(rename = "filter-match")]
    filter: Option<FilterMatch>,
}

#[derive(Deserialize)]
struct FilterMatch {
    status: String,
}

fn read_listing(listing: &[u8], _: &str) -> Result<ToolListing, BadListing> {
    let listed: Listed = json(listing, b'{')?;
    let tests = listed.suites.into_iter().flat_map(|(binary, it)| {
        let runs = |test: &ListedTest| {
            !test.ignored && test.filter.as_ref().is_none_or(|it| it.status == "matches")
        };
        let names = it.testcases.into_iter().filter(move |(_, it)| runs(it));
        names.map(move |(name, _)| test(binary.clone(), name))
    });
    Ok(ToolListing::of(tests))
}

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    let mut by_binary: Vec<(&str, Vec<String>)> = Vec::new();
    for test in tests {
        let name = format!("test(={})", escaped(test, &test.testcase)?);
        match by_binary
            .iter_mut()
            .find(|(binary, _)| *binary == test.suite)
        {
            Some((_, names)) => names.push(name),
            None => by_binary.push((&test.suite, vec![name])),
        }
    }
    let mut filters = Vec::new();
    for (binary, names) in by_binary {
        let test = test(binary, "");
        let binary = escaped(&test, binary)?;
        filters.push(format!("(binary_id(={binary}) & ({}))", names.join(" + ")));
    }
    let mut call = PresetCall::new(["run", "--no-fail-fast"]);
    call.argument(option("--tool-config-file=testplan:", paths.list));
    call.argument("--filterset");
    call.argument(filters.join(" + "));
    // The path of the file is taken from the folder of the profile, unless it is absolute.
    let file = paths.results.join("results.xml");
    let file = serde_json::Value::from(file.to_string_lossy());
    call.list = Some(format!(
        "[profile.default.junit]\npath = {file}\nreport-name = \"nextest\"\n"
    ));
    Ok(call)
}

/// A name in the language of filters.
fn escaped(test: &Test, name: &str) -> Result<String, NotSelected> {
    if name.is_empty() || name.trim() != name || name.chars().any(char::is_control) {
        let why = "filters of nextest take no name with blanks at its ends or control characters";
        return Err(NotSelected::name(test, why));
    }
    let mut escaped = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, '\\' | ')' | ',' | '/') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    Ok(escaped)
}
