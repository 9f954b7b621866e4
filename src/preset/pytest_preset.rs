//! pytest in batches: selection by a list file, results in JUnit. The warm process needs none of this.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, on_one_line, option},
    test_listing::{BadListing, ToolListing, test},
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test};

/// The preset.
pub static PYTEST: Preset = Preset {
    name: "pytest",
    versions: "9.2.0",
    program: &["pytest"],
    has_subcommand: false,
    // Options of the project could make the listing shorter.
    list: &["--collect-only", "-q", "-o", "addopts="],
    listing: ListingOutput::Stdout,
    listed: &[0, 5],
    evidence: Evidence::JunitFile,
    case: "{classname}::{name}",
    repeats: Repeats::Attempts,
    loads_files: true,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[4, 5],
    session: None,
    skip_reasons: None,
    traps: &[
        "one unknown name stops the whole call with exit code 4; those named after `not found:` are to be dropped",
        "the listing has exit code 2 if a file cannot be collected, and 5 if there is no test",
        "a blank line in the list file would run the whole folder",
        "a test that is interrupted is a case without a name",
    ],
    called,
    read_listing,
    call,
};

/// As pytest makes class name and name of an id: the path with dots, then the classes.
fn called(test: &Test) -> String {
    let file = test.suite.strip_suffix(".py").unwrap_or(&test.suite);
    let mut class = file.replace('/', ".");
    // Signs in a parameter are its own.
    let (path, parameter) = match test.testcase.split_once('[') {
        Some((path, parameter)) => (path, format!("[{parameter}")),
        None => (test.testcase.as_str(), String::new()),
    };
    let name = match path.rsplit_once("::") {
        Some((classes, name)) => {
            class.push('.');
            class.push_str(&classes.replace("::", "."));
            name
        }
        None => path,
    };
    format!("{class}::{name}{parameter}")
}

fn read_listing(listing: &[u8], _: &str) -> Result<ToolListing, BadListing> {
    let text = std::str::from_utf8(listing)
        .map_err(|_| BadListing("the listing is not UTF-8".to_owned()))?;
    let mut lines = text
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line));
    let mut tests = Vec::new();
    for line in lines.by_ref().take_while(|line| !line.is_empty()) {
        // Blanks in a parameter belong to the name, also at its end.
        if let Some((file, name)) = line.split_once("::") {
            tests.push(test(file, name));
        }
    }
    let mut found = ToolListing::of(tests);
    let errors = lines.filter_map(|line| line.strip_prefix("ERROR "));
    found.broken = errors.map(str::to_owned).collect();
    Ok(found)
}

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    if let Some(test) = tests.iter().find(|it| it.suite.contains('[')) {
        let why = "pytest takes `[` in a path for the beginning of a parameter";
        return Err(NotSelected::name(test, why));
    }
    // A prefix of the project would change the names of its results.
    let mut call = PresetCall::new(["-o", "junit_family=xunit1", "--junit-prefix="]);
    call.argument(option("--junitxml=", paths.results.join("results.xml")));
    call.argument(option("@", paths.list));
    let names: Vec<String> = tests
        .iter()
        .map(|test| format!("{}::{}", test.suite, test.testcase))
        .collect();
    // No line break at the end: it would be an empty argument.
    call.list = Some(names.join("\n"));
    Ok(call)
}
