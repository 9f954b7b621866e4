//! Qt Test: selection by function and row, results in its own XML.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, on_one_line, suite_and_name},
    test_listing::{BadListing, ToolListing, test},
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test};

/// The preset.
pub static QT_TEST: Preset = Preset {
    name: "qt-test",
    versions: "5.15.8, 6.4.2",
    program: &[],
    has_subcommand: false,
    list: &["-datatags"],
    listing: ListingOutput::Stdout,
    listed: &[0],
    evidence: Evidence::JunitFile,
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: false,
    exit_codes: (&[0], &[1..=127]),
    unknown_test: &[1],
    session: None,
    skip_reasons: None,
    traps: &[
        "results are read from the XML logger: the JUnit logger of Qt 5 shows no rows and no skips",
        "of two rows with one name only the first can be selected, so the name is left out of the listing",
        "Qt 5 runs nothing if it does not know a function; at a row that it does not know it stops with exit code 0, and its \
         file is no XML",
        "Qt 6 shows an unknown test as failed; it could not run here",
        "a failed initTestCase is the failure of all tests of the class",
        "an exit(0) in a test leaves a file that is cut, with exit code 0",
        "the exit code is the number of failures, 127 at most",
    ],
    called: suite_and_name,
    read_listing,
    call,
};

#[expect(clippy::unnecessary_wraps, reason = "one signature for all presets")]
fn read_listing(listing: &[u8], _: &str) -> Result<ToolListing, BadListing> {
    let text = String::from_utf8_lossy(listing);
    // `CLASS FUNCTION` or `CLASS FUNCTION ROW`.
    let tests = text.lines().filter_map(|line| {
        let (class, rest) = line.split_once(' ')?;
        let (function, row) = match rest.split_once(' ') {
            Some((function, row)) => (function, Some(row)),
            None => (rest, None),
        };
        let is_name = |name: &str| name.chars().all(|c| c.is_alphanumeric() || c == '_');
        let is_class = class.split("::").all(is_name);
        (is_class && is_name(function) && !function.is_empty()).then(|| match row {
            Some(row) => test(class, format!("{function}({row})")),
            None => test(class, function),
        })
    });
    let mut listing = ToolListing::of(tests);
    let repeated = std::mem::take(&mut listing.duplicates);
    listing.tests.retain(|test| !repeated.contains(test));
    let lines = repeated.iter().map(|test| {
        format!("{test}: two rows have this name, and Qt Test selects only the first of them")
    });
    listing.broken = lines.collect();
    Ok(listing)
}

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let mut file = paths.results.join("results.xml").into_os_string();
    file.push(",xml");
    // The second logger prints.
    let mut call = PresetCall::new(["-o".into(), file, "-o".into(), "-,txt".into()]);
    for test in tests {
        let name = &test.testcase;
        if name.is_empty() || name.starts_with('-') {
            return Err(NotSelected::name(test, "it is no name of a function"));
        }
        call.argument(match name.split_once('(') {
            Some((function, row)) => format!("{function}:{}", row.strip_suffix(')').unwrap_or(row)),
            None => name.clone(),
        });
    }
    Ok(call)
}
