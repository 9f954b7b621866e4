//! Meson: selection by patterns, results in its JSON log.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, on_one_line, option, suite_and_name},
    test_listing::{BadListing, ToolListing, test},
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test};

/// The log in the results folder of a call, which stands for an event stream.
pub const MESON_LOG: &str = "meson.json";

/// The preset.
pub static MESON: Preset = Preset {
    name: "meson",
    versions: "1.12.0",
    program: &["meson"],
    has_subcommand: true,
    list: &["test", "--no-rebuild", "--list"],
    listing: ListingOutput::Stdout,
    listed: &[0],
    evidence: Evidence::MesonLog,
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: false,
    exit_codes: (&[0], &[1..=255]),
    unknown_test: &[1],
    session: None,
    skip_reasons: None,
    traps: &[
        "it runs in the folder of a build, or with `args: [-C, build]`; nothing is built, so build the tests before",
        "a suite is what `meson test --list` prints before the last colon: the suites of the test and its project",
        "results are read from the JSON log: in the JUnit file a TAP test whose output breaks off looks passed, and its skips too",
        "the logs of a call contain the variables of the environment, and stay in the results folder of testplan",
        "a name that Meson does not know stops the call with exit code 1, and nothing runs",
        "tests of one name and project run together; the log tells them apart by their suites only",
        "a test that calls exit(0) has passed",
        "the log is written at the end: a Meson that is killed shows no result",
        "benchmarks are not listed; what `--repeat` runs again counts with its worst result",
    ],
    called: suite_and_name,
    read_listing,
    call,
};

/// `SUITES - PROJECT:NAME` or `PROJECT:NAME` on each line. Meson leaves no colon in names.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all presets")]
fn read_listing(listing: &[u8], _: &str) -> Result<ToolListing, BadListing> {
    let text = String::from_utf8_lossy(listing);
    let lines = text.lines().filter_map(|line| line.rsplit_once(':'));
    // Other lines with a colon are messages.
    let is_test = |suite: &str, name: &str| !suite.is_empty() && name.starts_with(|c| c != ' ');
    let tests = lines.filter(|(suite, name)| is_test(suite, name));
    Ok(ToolListing::of(
        tests.map(|(suite, name)| test(suite, name)),
    ))
}

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let base = MESON_LOG.trim_end_matches(".json");
    let mut call = PresetCall::new(["test", "--no-rebuild", "--print-errorlogs"]);
    call.argument(option("--logbase=", paths.results.join(base)));
    for test in tests {
        let suite = &test.suite;
        let project = suite.rsplit_once(" - ").map_or(suite.as_str(), |it| it.1);
        if project.is_empty() || project.starts_with('-') || test.testcase.contains(':') {
            return Err(NotSelected::name(test, "Meson lists no such name"));
        }
        // Blanks and colons of a project are shown as `_`, and do not match it.
        let project = escaped(project).replace('_', "?");
        call.argument(format!("{project}:{}", escaped(&test.testcase)));
    }
    Ok(call)
}

/// Escapes what has a meaning in Python's `fnmatch`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '[' | '*' | '?' => escaped.extend(['[', c, ']']),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn project_ends_before_the_last_colon() {
        let text = b"ninja: no work to do.\npro_j:a\ns1+s2 - pro_j:b - c\n";
        let listing = read_listing(text, "").unwrap();
        let tests = [test("pro_j", "a"), test("s1+s2 - pro_j", "b - c")];
        assert_eq!(listing.tests, tests);
    }
}
