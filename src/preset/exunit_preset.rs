//! `ExUnit`: listing, selection and results by testplan's own runner file.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, on_one_line, suite_and_name},
    test_listing::listed_lines,
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static EXUNIT: Preset = Preset {
    name: "exunit",
    versions: "Elixir 1.14.0",
    program: &["elixir"],
    // The runner file; options of the project are those of `mix test`.
    has_subcommand: true,
    list: &["{reporters}/exunit_runner.exs"],
    listing: ListingOutput::File,
    listed: &[0],
    evidence: Evidence::EventStream(ReportedTool::ExUnit),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: true,
    // With 1 no test ran: none has such a name, or something cannot be compiled, which leaves no event stream.
    exit_codes: (&[0], &[1..=2]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "the runner file starts `mix test` in the same process; `args` takes its options, such as `--include slow`",
        "tests that the project excludes by tags are not listed",
        "a name is selected in all modules of the files of a call: other tests of that name run too, and are left out",
        "a test that calls System.halt(0) ends the tool with exit code 0 and without a summary",
        "a file that does not compile stops the whole call, and the listing",
        "a `setup_all` that fails is the failure of the tests of its module",
        "a project with several applications: start it in the folder of each",
    ],
    called: suite_and_name,
    read_listing: listed_lines,
    call,
};

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    if let Some(test) = tests.iter().find(|it| !it.testcase.contains(" > ")) {
        return Err(NotSelected::name(
            test,
            "its name has no module before ` > `",
        ));
    }
    let call = PresetCall::default().with_reporter(ReportedTool::ExUnit, paths);
    Ok(call.with_selection(tests, paths))
}
