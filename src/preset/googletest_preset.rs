//! `GoogleTest`: selection by a filter in a flag file, results in its XML.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, on_one_line, option, suite_and_name},
    test_listing::{BadListing, ToolListing, test},
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test};

/// The preset.
pub static GOOGLETEST: Preset = Preset {
    name: "googletest",
    versions: "1.12.1",
    program: &[],
    has_subcommand: false,
    list: &["--gtest_list_tests"],
    listing: ListingOutput::Stdout,
    listed: &[0],
    evidence: Evidence::JunitFile,
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: false,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "disabled tests are listed by the tool, but left out here: in the XML they look passed",
        "a set-up of a suite that fails shows its tests as skipped, with exit code 1",
        "a test that ends the process leaves no XML, with exit code 0 if it calls exit(0)",
        "a filter that matches nothing ends with exit code 0",
    ],
    called: suite_and_name,
    read_listing,
    call,
};

#[expect(clippy::unnecessary_wraps, reason = "one signature for all presets")]
fn read_listing(listing: &[u8], _: &str) -> Result<ToolListing, BadListing> {
    let text = String::from_utf8_lossy(listing);
    let mut suite = None;
    let mut tests = Vec::new();
    for line in text.lines() {
        // What follows is the value or the type of a parameter.
        let name = line.split("  # ").next().unwrap_or_default();
        match name.strip_prefix("  ") {
            Some(name) => {
                let Some(suite) = suite else { continue };
                if !is_disabled(suite) && !is_disabled(name) {
                    tests.push(test(suite, name));
                }
            }
            // Other lines are the program's own.
            None => suite = name.strip_suffix('.'),
        }
    }
    Ok(ToolListing::of(tests))
}

/// `DISABLED_` begins a name, or the part of it after the prefix of an instantiation.
fn is_disabled(name: &str) -> bool {
    name.split('/').any(|part| part.starts_with("DISABLED_"))
}

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    for test in tests {
        let has_sign = |name: &str| name.contains(['*', '?', ':', '-']);
        if has_sign(&test.suite) || has_sign(&test.testcase) {
            let why = "the filter of GoogleTest has no way to write `*`, `?`, `:` and `-`";
            return Err(NotSelected::name(test, why));
        }
    }
    let names: Vec<String> = tests
        .iter()
        .map(|test| format!("{}.{}", test.suite, test.testcase))
        .collect();
    let mut call = PresetCall::new([option("--gtest_flagfile=", paths.list)]);
    call.argument(option(
        "--gtest_output=xml:",
        paths.results.join("results.xml"),
    ));
    call.list = Some(format!("--gtest_filter={}\n", names.join(":")));
    Ok(call)
}
