//! `CppUTest`: selection by `TEST(GROUP, NAME)`, results in a JUnit file for each group.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, Reports, suite_and_name},
    test_listing::{BadListing, ToolListing, test},
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test};

/// The preset.
pub static CPPUTEST: Preset = Preset {
    name: "cpputest",
    versions: "4.0",
    program: &[],
    has_subcommand: false,
    list: &["-ln"],
    listing: ListingOutput::Stdout,
    listed: &[0],
    evidence: Evidence::JunitFile,
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: false,
    exit_codes: (&[0], &[1..=255]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "it writes a JUnit file for each group into the folder of the call, whatever it is; testplan moves those of its call, which it \
         knows by a package name of its own",
        "a call whose tests are all unknown ends with exit code 1, one of several that is unknown is left out silently",
        "a test that calls exit(0) ends the program with exit code 0 and without the file of its group",
        "with `args: [-p]` each test has a process of its own, and a crash is its failure",
        "the exit code is the number of failures: it is 0 for 256 of them",
        "a memory leak that is found is the failure of its test",
    ],
    called: suite_and_name,
    read_listing,
    call,
};

/// `GROUP.NAME`, with blanks between them, on the last line that has any.
#[expect(clippy::unnecessary_wraps, reason = "one signature for all presets")]
fn read_listing(listing: &[u8], _: &str) -> Result<ToolListing, BadListing> {
    let text = String::from_utf8_lossy(listing);
    let names = text.lines().rfind(|line| !line.trim().is_empty());
    let pairs = names
        .into_iter()
        .flat_map(str::split_whitespace)
        .filter_map(|it| it.split_once('.'));
    let pairs = pairs.filter(|(group, name)| is_name(group) && is_name(name));
    let mut listing = ToolListing::of(pairs.map(|(group, name)| test(group, name)));
    // Listed from the last one that the program has.
    listing.tests.reverse();
    Ok(listing)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    let mut call = PresetCall::new(["-ojunit".to_owned(), format!("-k{}", paths.tag)]);
    for test in tests {
        if !is_name(&test.suite) || !is_name(&test.testcase) {
            return Err(NotSelected::name(test, "it is no name of C++"));
        }
        call.argument(format!("TEST({}, {})", test.suite, test.testcase));
    }
    call.reports = Some(Reports {
        folders: vec![".".to_owned()],
        tag: paths.tag.to_owned(),
        has_marks: false,
    });
    Ok(call)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_in_the_order_of_the_program() {
        let listing = read_listing(b"starting up.\nH.b G.ab G.a\n\n", "").unwrap();
        assert_eq!(
            listing.tests,
            [test("G", "a"), test("G", "ab"), test("H", "b")]
        );
    }
}
