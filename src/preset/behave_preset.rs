//! behave: listing, selection and results by testplan's own runner file, which calls behave's `main`.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, on_one_line, suite_and_name, suites},
    test_listing::own_listing,
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static BEHAVE: Preset = Preset {
    name: "behave",
    versions: "1.3.3",
    // behave takes formatters by module name alone, so that its Python starts a file of testplan's.
    program: &["python3"],
    has_subcommand: true,
    list: &["{reporters}/behave_runner.py"],
    listing: ListingOutput::File,
    listed: &[0],
    evidence: Evidence::EventStream(ReportedTool::Behave),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: true,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "`program` is the Python in which behave is installed, such as `.venv/bin/python`, and not `behave`",
        "scenarios that the tags of the project exclude are not listed",
        "a row of an outline without a placeholder in its title is known by its number alone",
        "a feature file that cannot be parsed stops the whole call, so only the files of the call are named",
        "a hook `after_all` that fails is a failure of each call",
    ],
    called: suite_and_name,
    read_listing: own_listing,
    call,
};

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let mut call = PresetCall::default().with_reporter(ReportedTool::Behave, paths);
    for suite in suites(tests) {
        // behave reads what follows the last colon as a line, and an argument that begins with `@` as a list of paths.
        if suite.contains(':') || suite.starts_with(['@', '-']) {
            let test = tests.iter().find(|it| it.suite == suite);
            let why = "behave does not take the name of its file for a path";
            return Err(NotSelected::name(test.unwrap_or(&tests[0]), why));
        }
        call.argument(suite);
    }
    Ok(call.with_selection(tests, paths))
}
