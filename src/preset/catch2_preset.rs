//! Catch2: selection by a list file, results in its own XML. Versions 2 and 3 differ in how they list.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, on_one_line},
    test_listing::{BadListing, ToolListing, test},
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test};

/// The suite of all tests: Catch2 has names alone.
const SUITE: &str = "catch2";

/// The preset.
pub static CATCH2: Preset = Preset {
    name: "catch2",
    versions: "3.7.1",
    program: &[],
    has_subcommand: false,
    list: &["--list-tests", "--verbosity", "quiet"],
    listing: ListingOutput::Stdout,
    listed: &[0],
    evidence: Evidence::JunitFile,
    case: "catch2::{name}",
    repeats: Repeats::Duplicates,
    loads_files: false,
    // 4: all tests skipped themselves.
    exit_codes: (&[0, 4], &[1..=3, 5..=255]),
    unknown_test: &[2],
    session: None,
    skip_reasons: None,
    traps: &[
        "hidden tests are not listed",
        "results are read from the XML reporter: the JUnit reporter leaves out tests without assertions",
        "names are compared without case and without blanks at their ends, and `*` at an end is a wildcard: other tests that \
         match run too, and are left out",
        "an exit(0) in a test leaves a file that is cut, with exit code 0",
        "a selection that matches nothing ends with exit code 2",
    ],
    called,
    read_listing,
    call,
};

/// All exit codes: that of a listing is the number of tests.
const COUNTS: [i32; 256] = {
    let mut codes = [0; 256];
    let (mut at, mut code) = (0, 0);
    while at < codes.len() {
        codes[at] = code;
        (at, code) = (at + 1, code + 1);
    }
    codes
};

/// The preset for version 2.
pub static CATCH2_V2: Preset = Preset {
    name: "catch2-v2",
    versions: "2.13.10",
    list: &["--list-test-names-only"],
    listed: &COUNTS,
    exit_codes: (&[0], &[1..=255]),
    unknown_test: &[],
    traps: &[
        "hidden tests are not listed",
        "results are read from the XML reporter: the JUnit reporter leaves out tests without assertions",
        "names are compared without case and without blanks at their ends, and `*` at an end is a wildcard: other tests that \
         match run too, and are left out",
        "an exit(0) in a test leaves a file that is cut; the process dies by signal 11",
        "a selection that matches nothing ends with exit code 0",
        "the exit code is the number of failed tests, and that of the listing the number of tests",
    ],
    ..CATCH2
};

/// Its XML has names without blanks at their ends.
fn called(test: &Test) -> String {
    format!("{SUITE}::{}", test.testcase.trim())
}

fn read_listing(listing: &[u8], _: &str) -> Result<ToolListing, BadListing> {
    let text = String::from_utf8_lossy(listing);
    if text.starts_with("All available test cases:") || text.starts_with("Matching test cases:") {
        let why = "this is the listing of Catch2 2: use the preset catch2-v2";
        return Err(BadListing(why.to_owned()));
    }
    let names = text.lines().filter(|line| !line.is_empty()).map(|line| {
        // It would be a comment in a list file, so it is listed in quotes.
        let comment = line.strip_prefix("\"#").and_then(|it| it.strip_suffix('"'));
        comment.map_or_else(|| line.to_owned(), |rest| format!("#{rest}"))
    });
    Ok(ToolListing::of(names.map(|name| test(SUITE, name))))
}

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let mut list = String::new();
    for test in tests {
        let name = test.testcase.trim();
        if name.is_empty() {
            return Err(NotSelected::name(test, "its name is blank"));
        }
        if name.starts_with("exclude:") {
            let why = "Catch2 takes `exclude:` for a negation";
            return Err(NotSelected::name(test, why));
        }
        for c in name.chars() {
            if r#",[]*"\~#"#.contains(c) {
                list.push('\\');
            }
            list.push(c);
        }
        list.push('\n');
    }
    let mut call = PresetCall::new(["--reporter", "xml", "--durations", "yes", "--out"]);
    call.argument(paths.results.join("results.xml"));
    call.argument("--input-file");
    call.argument(paths.list);
    call.list = Some(list);
    Ok(call)
}
