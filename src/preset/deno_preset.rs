//! Deno: a file of testplan's own runs `deno test`, lists and reports; selection by one pattern for all files.

use super::{
    selected_call::{
        CallPaths, NotSelected, PresetCall, exact_file_argument, on_one_line, option,
        regex_escaped, suite_and_name, suites,
    },
    test_listing::own_listing,
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static DENO: Preset = Preset {
    name: "deno",
    versions: "2.9.6",
    program: &["deno"],
    // Options of `deno run` up to `--`.
    has_subcommand: true,
    list: &[
        "run",
        "--allow-all",
        "--no-config",
        "--no-lock",
        "{reporters}/deno.mjs",
        "--",
    ],
    listing: ListingOutput::File,
    listed: &[0],
    evidence: Evidence::EventStream(ReportedTool::Deno),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: true,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[90],
    session: None,
    skip_reasons: None,
    traps: &[
        "results come from deno's JUnit file, which it writes at the end: a process that is killed leaves none of its call",
        "`args` are for `deno test`, such as `--allow-all` or `-P`: without them tests have no permissions",
        "steps (`t.step`) belong to their test and cannot run without it; a test whose name is that of a step, `test > step`, gets no result in a call with both",
        "one pattern holds for all files of a call; what was not asked for is left out",
        "a file that cannot be loaded, or has errors of types, keeps deno from running all files of a call: the call ends with exit code 90 and is divided",
        "the listing loads all files and runs `beforeAll` and `afterAll`",
        "an error of an imported file stops the listing, as deno names that file and not the one with the tests",
        "a pattern that matches nothing ends with exit code 0",
        "`Deno.test.only` ends with exit code 1 though all tests pass",
        "a test that passes after a retry looks as if it had passed at once",
        "an error outside of tests, also in a hook, cancels the tests of its file that follow: they have no result",
    ],
    called: suite_and_name,
    read_listing: own_listing,
    call,
};

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let names: Vec<String> = tests
        .iter()
        .map(|test| regex_escaped(&test.testcase))
        .collect();
    let mut call = PresetCall::default().with_reporter(ReportedTool::Deno, paths);
    call.argument(option("--filter=", format!("/^(?:{})$/", names.join("|"))));
    for suite in suites(tests) {
        call.argument(exact_file_argument(suite));
    }
    Ok(call.with_selection(tests, paths))
}
