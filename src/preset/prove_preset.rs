//! Perl's `prove`: listing, selection and results by testplan's own file, which calls prove's code.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, on_one_line, suite_and_name},
    test_listing::own_listing,
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static PROVE: Preset = Preset {
    name: "prove",
    versions: "3.44 of Perl 5.36",
    program: &["perl"],
    // The runner file; options of the project are those of prove.
    has_subcommand: true,
    list: &["{reporters}/prove_runner.pl"],
    listing: ListingOutput::File,
    listed: &[0],
    evidence: Evidence::EventStream(ReportedTool::Prove),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    // Each file is a process of its own.
    loads_files: false,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "a test is a file, its suite the folder; assertions have no results of their own",
        "`args` are options of prove, such as `[-l, -r]`; without `paths` the files are `t/*.t`",
        "a file all of whose assertions are TODO or skipped passes; one with a plan of 0 is skipped",
        "BAIL_OUT ends the call, and its file could not run",
    ],
    called: suite_and_name,
    read_listing: own_listing,
    call,
};

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let call = PresetCall::default().with_reporter(ReportedTool::Prove, paths);
    Ok(call.with_selection(tests, paths))
}
