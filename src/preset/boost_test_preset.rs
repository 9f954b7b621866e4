//! Boost.Test: selection by paths of names, results in its own report.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, on_one_line, option, suite_and_name},
    test_listing::{BadListing, ToolListing, test},
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test};

/// The suite of tests in no suite, as the reader of the report names it.
const SUITE: &str = "boost-test";

/// The preset.
pub static BOOST_TEST: Preset = Preset {
    name: "boost-test",
    versions: "1.74",
    program: &[],
    has_subcommand: false,
    list: &["--list_content"],
    listing: ListingOutput::Stderr,
    listed: &[0],
    evidence: Evidence::JunitFile,
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: false,
    exit_codes: (&[0], &[200..=201]),
    unknown_test: &[200],
    session: None,
    skip_reasons: None,
    traps: &[
        "disabled tests are listed by the tool, but left out here: it runs them if they are selected",
        "results are read from the detailed report: the JUnit logger shows expected failures as failures; the messages of \
         assertions are in the output",
        "the tests that a test depends on run too, and are left out; if one fails, the test is skipped",
        "an exit(0) or a crash in a test leaves an empty file",
        "unknown tests of a selection are left out silently; if none is left, the exit code is 200",
    ],
    called: suite_and_name,
    read_listing,
    call,
};

#[expect(clippy::unnecessary_wraps, reason = "one signature for all presets")]
fn read_listing(listing: &[u8], _: &str) -> Result<ToolListing, BadListing> {
    let text = String::from_utf8_lossy(listing);
    let lines: Vec<ListedUnit<'_>> = text.lines().filter_map(ListedUnit::read).collect();
    let mut suites: Vec<&str> = Vec::new();
    let mut tests = Vec::new();
    for (at, unit) in lines.iter().enumerate() {
        suites.truncate(unit.depth);
        if lines
            .get(at + 1)
            .is_some_and(|next| next.depth > unit.depth)
        {
            suites.push(unit.name);
        } else if unit.is_enabled {
            let suite = suites.join("/");
            let suite = if suite.is_empty() { SUITE } else { &suite };
            tests.push(test(suite, unit.name));
        }
    }
    Ok(ToolListing::of(tests))
}

/// A line of the listing: `NAME*` or `NAME `, and perhaps `: DESCRIPTION`, below its suite.
struct ListedUnit<'a> {
    depth: usize,
    name: &'a str,
    is_enabled: bool,
}

impl<'a> ListedUnit<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let name = line.trim_start_matches(' ');
        let depth = (line.len() - name.len()) / 4;
        // Boost.Test writes `_` in place of `*` and `:` in names.
        let name = name.split(':').next()?;
        let (name, is_enabled) = match name.strip_suffix('*') {
            Some(name) => (name, true),
            None => (name.strip_suffix(' ')?, false),
        };
        Some(Self {
            depth,
            name,
            is_enabled,
        })
    }
}

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let mut names = Vec::new();
    for test in tests {
        let name = &test.testcase;
        let is_special = |c: char| "*/,:!@+".contains(c);
        if name.is_empty() || name.contains(is_special) {
            let why = "names of Boost.Test have none of `*/,:!@+`";
            return Err(NotSelected::name(test, why));
        }
        names.push(match test.suite.as_str() {
            SUITE => name.clone(),
            suite => format!("{suite}/{name}"),
        });
    }
    let mut call = PresetCall::new(["--report_format=XML", "--report_level=detailed"]);
    call.argument(option("--report_sink=", paths.results.join("results.xml")));
    call.argument(format!("--run_test={}", names.join(":")));
    Ok(call)
}
