//! Playwright: selection and results by its reporter.

use serde::Deserialize;

use super::{
    selected_call::{
        CallPaths, NotSelected, PresetCall, on_one_line, regex_escaped, suite_and_name, suites,
    },
    test_listing::{BadListing, ToolListing, json, relative, test},
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// The preset.
pub static PLAYWRIGHT: Preset = Preset {
    name: "playwright",
    versions: "1.65.1",
    program: &["npx", "--no", "--", "playwright"],
    has_subcommand: true,
    list: &["test", "--list", "--reporter=json"],
    listing: ListingOutput::Stdout,
    listed: &[0],
    evidence: Evidence::EventStream(ReportedTool::Playwright),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: true,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "one file that cannot be loaded stops the whole call, so only the files of the call are named",
        "a test of a serial group fails without those before it: keep such groups in one call",
        "locks of Playwright hold in one process only",
        "--fail-on-flaky-tests makes exit code 1 although every test has passed",
        "reporters of the project run in each call: the folder of its `html` reporter has the tests of the last call alone",
    ],
    called: suite_and_name,
    read_listing,
    call,
};

#[derive(Deserialize)]
struct Listed {
    config: ListedConfig,
    suites: Vec<ListedSuite>,
    #[serde(default)]
    errors: Vec<ListedError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedConfig {
    root_dir: String,
}

#[derive(Deserialize)]
struct ListedError {
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct ListedSuite {
    title: String,
    #[serde(default)]
    suites: Vec<Self>,
    #[serde(default)]
    specs: Vec<ListedSpec>,
}

#[derive(Deserialize)]
struct ListedSpec {
    title: String,
    file: String,
    tests: Vec<ListedProject>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedProject {
    #[serde(default)]
    project_name: String,
}

fn read_listing(listing: &[u8], folder: &str) -> Result<ToolListing, BadListing> {
    let listed: Listed = json(listing, b'{')?;
    let mut tests = Vec::new();
    for file in &listed.suites {
        collect(
            file,
            &mut Vec::new(),
            &listed.config.root_dir,
            folder,
            &mut tests,
        );
    }
    let mut found = ToolListing::of(tests);
    found.broken = listed.errors.into_iter().map(|it| it.message).collect();
    Ok(found)
}

/// Adds the tests of a suite; `titles` are those around it.
fn collect<'a>(
    suite: &'a ListedSuite,
    titles: &mut Vec<&'a str>,
    root: &str,
    folder: &str,
    tests: &mut Vec<Test>,
) {
    for spec in &suite.specs {
        let file = relative(&format!("{root}/{}", spec.file), folder);
        let name = [titles.as_slice(), &[spec.title.as_str()]]
            .concat()
            .join(" > ");
        for project in &spec.tests {
            let name = match project.project_name.as_str() {
                "" => name.clone(),
                project => format!("[{project}] {name}"),
            };
            tests.push(test(file.clone(), name));
        }
    }
    for inner in &suite.suites {
        titles.push(&inner.title);
        collect(inner, titles, root, folder, tests);
        titles.pop();
    }
}

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    // Two workers in a small call cost more than they save; slots of testplan run side by side.
    let mut call =
        PresetCall::new(["test", "--workers=1"]).with_reporter(ReportedTool::Playwright, paths);
    for suite in suites(tests) {
        // A pattern that is searched in the absolute path.
        call.argument(format!("{}$", regex_escaped(suite)));
    }
    Ok(call.with_selection(tests, paths))
}
