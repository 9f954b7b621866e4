//! libtest, the test runner of Rust, through `cargo test`: a runner of cargo lists and runs each test program.

use super::{
    selected_call::{
        CallPaths, MOST_ARGUMENTS, NotSelected, PresetCall, on_one_line, suite_and_name,
    },
    test_listing::listed_lines,
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static LIBTEST: Preset = Preset {
    name: "libtest",
    versions: "cargo 1.95.0",
    program: &["cargo"],
    has_subcommand: true,
    list: &[
        "test",
        "--tests",
        "--no-fail-fast",
        "--config=target.'cfg(all())'.runner=['sh','{reporters}/libtest_runner.sh']",
    ],
    listing: ListingOutput::File,
    listed: &[0],
    evidence: Evidence::EventStream(ReportedTool::Libtest),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: true,
    exit_codes: (&[0], &[101..=101]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "a suite is the root source file of a test program, such as `src/lib.rs` or `tests/api.rs`; documentation tests have no \
         such program: run them with `cargo test --doc`",
        "the tests of a file share a process and its threads, as with `cargo test`; `args: [--, --test-threads=1]` sets its options",
        "testplan's file is the `runner` of cargo and needs `sh`: a `runner` in the project's own configuration of cargo hides it or \
         stops cargo",
        "results come from `--logfile`, where output of tests cannot stand for a result; libtest calls the option deprecated",
        "a test that calls `process::exit(0)` ends its program with exit code 0, and cargo reports no failure: the tests without a \
         result run alone, and that one has none",
        "names that are unknown are no error for libtest: they have no result",
        "libtest shows no times, so that the tests of a call have equal shares of its time",
        "a harness that takes one name at most, as libtest-mimic, needs `mode: single`",
    ],
    called: suite_and_name,
    read_listing: listed_lines,
    call,
};

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    if let Some(test) = tests.iter().find(|it| it.testcase.starts_with('-')) {
        return Err(NotSelected::name(test, "it is no name of a test"));
    }
    // The runner passes them on as arguments.
    let names: usize = tests.iter().map(|it| it.testcase.len() + 1).sum();
    if names > MOST_ARGUMENTS / 2 {
        return Err(NotSelected::TooLong);
    }
    let call = PresetCall::new(["test", "--tests", "--no-fail-fast"])
        .with_reporter(ReportedTool::Libtest, paths);
    Ok(call.with_selection(tests, paths))
}
