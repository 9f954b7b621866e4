//! Vitest: selection and results by its reporter.

use serde::Deserialize;

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, on_one_line, suite_and_name, suites},
    test_listing::{BadListing, ToolListing, json, relative, test},
    tool_preset::{Evidence, ListingOutput, Preset, ToolSession},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static VITEST: Preset = Preset {
    name: "vitest",
    versions: "4.1.12, 5.1.2",
    program: &["npx", "--no", "--", "vitest"],
    has_subcommand: true,
    // The static parser of version 5 does not see the rows of `each`, nor files that cannot be loaded. An option with
    // `=`: without it, the next argument is the file that is overwritten. Version 4 refuses `--no-static-parse` only
    // where its own options are checked, which they are not.
    list: &["list", "--no-static-parse", "--json={list}"],
    listing: ListingOutput::File,
    listed: &[0],
    evidence: Evidence::EventStream(ReportedTool::Vitest),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: true,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[],
    session: Some(ToolSession {
        is_default: true,
        arguments: &["run", "--bail=0"],
        most_mib: None,
    }),
    skip_reasons: None,
    traps: &[
        "skipped and todo tests are not listed",
        "a name selects in all files of a call, so that another file's test of that name runs too and is left out",
        "version 4 tells ` > ` in a title not from a group",
        "a worker that is killed loses the results of its file; the other files run",
        "file arguments are parts of paths, so that `/p/a.test.ts` also runs `/p/a.test.tsx`; not in a session",
        "tests in a browser and type checks have no session: each call has its own process",
        "in a session each test file has its own worker, as always, unless `isolate` is off; `globalSetup` runs once for each worker",
    ],
    called: suite_and_name,
    read_listing,
    call,
};

#[derive(Deserialize)]
struct Listed {
    name: String,
    file: String,
    #[serde(rename = "projectName", default)]
    project: String,
}

fn read_listing(listing: &[u8], folder: &str) -> Result<ToolListing, BadListing> {
    let listed: Vec<Listed> = json(listing, b'[')?;
    Ok(ToolListing::of(listed.into_iter().map(|it| {
        let name = match it.project.as_str() {
            "" => it.name,
            project => format!("[{project}] {}", it.name),
        };
        test(relative(&it.file, folder), name)
    })))
}

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    let mut call = PresetCall::new(["run"]).with_reporter(ReportedTool::Vitest, paths);
    for suite in suites(tests) {
        call.argument(suite);
    }
    Ok(call.with_selection(tests, paths))
}
