//! doctest: selection by names in an argument, results in its own XML.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, on_one_line, option, suite_and_name},
    test_listing::{BadListing, ToolListing, test},
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test};

/// The suite of tests outside of all test suites, as the reader of its XML names it.
const SUITE: &str = "doctest";

/// The preset.
pub static DOCTEST: Preset = Preset {
    name: "doctest",
    versions: "2.4.9",
    program: &[],
    has_subcommand: false,
    list: &[
        "--dt-list-test-cases",
        "--dt-reporters=xml",
        "--dt-out={list}",
    ],
    listing: ListingOutput::File,
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
        "tests with the decorator skip() are not listed",
        "results are read from the XML reporter: the JUnit reporter shows expected failures as failures",
        "`*` and `?` in a name match other names too, and so does a name in another test suite: those tests run too, and are \
         left out",
        "an exit(0) in a test leaves a file that is cut, with exit code 0",
        "a selection that matches nothing ends with exit code 0",
    ],
    called: suite_and_name,
    read_listing,
    call,
};

fn read_listing(listing: &[u8], _: &str) -> Result<ToolListing, BadListing> {
    let text = String::from_utf8_lossy(listing);
    if !text.contains("<doctest ") || !text.trim_end().ends_with("</doctest>") {
        let why = "the listing is not the XML of doctest";
        return Err(BadListing(why.to_owned()));
    }
    let cases = text.lines().filter_map(|line| {
        let case = line.trim_start().strip_prefix("<TestCase ")?;
        let name = attribute(case, "name=\"")?;
        let suite = attribute(case, " testsuite=\"").unwrap_or_else(|| SUITE.to_owned());
        Some(test(suite, name))
    });
    Ok(ToolListing::of(cases))
}

/// A value in the attributes of an element; quotes in it are escaped.
fn attribute(element: &str, begins: &str) -> Option<String> {
    let (before, value) = element.split_once(begins)?;
    // A name may have what looks like another attribute.
    if before.matches('"').count() % 2 != 0 {
        return None;
    }
    let (value, _) = value.split_once('"')?;
    let value = value.replace("&lt;", "<").replace("&gt;", ">");
    Some(value.replace("&quot;", "\"").replace("&amp;", "&"))
}

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let mut names = Vec::new();
    for test in tests {
        let name = &test.testcase;
        if name.is_empty() {
            return Err(NotSelected::name(test, "its name is empty"));
        }
        if name.ends_with('\\') || name.contains("\\,") {
            let why = "a filter of doctest has no way to write a backslash before a comma or at the end of a name";
            return Err(NotSelected::name(test, why));
        }
        names.push(name.replace(',', "\\,"));
    }
    let mut call = PresetCall::new([
        "--dt-reporters=xml",
        "--dt-duration=true",
        "--dt-case-sensitive=true",
    ]);
    call.argument(option("--dt-out=", paths.results.join("results.xml")));
    call.argument(format!("--dt-test-case={}", names.join(",")));
    Ok(call)
}
