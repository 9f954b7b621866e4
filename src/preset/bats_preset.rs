//! bats: listing by a set-up of the suite, selection by a pattern, results by a formatter.

use super::{
    selected_call::{
        CallPaths, NotSelected, PresetCall, file_argument, on_one_line, regex_escaped,
        suite_and_name, suites,
    },
    test_listing::own_listing,
    tool_preset::{Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test, reporter::ReportedTool};

/// Longest pattern, in bytes.
const MOST_PATTERN: usize = 24 * 1024;

/// The preset.
pub static BATS: Preset = Preset {
    name: "bats",
    versions: "1.13.0",
    program: &["bats"],
    has_subcommand: false,
    list: &[
        "--setup-suite-file",
        "{reporters}/bats_listing.bash",
        "--formatter",
        "{reporters}/bats_formatter.sh",
        "{paths}",
    ],
    listing: ListingOutput::File,
    listed: &[0],
    evidence: Evidence::EventStream(ReportedTool::Bats),
    case: "{classname}::{name}",
    repeats: Repeats::Duplicates,
    loads_files: true,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "`paths` names the folders of the tests; without it, those of the folder of the call are listed",
        "names are listed as they stand in the file; one with a `$`, a backtick or a quotation mark that bats evaluates cannot be selected",
        "a pattern holds for all files of a call; tests that were not asked for are left out",
        "two tests of one name in a file, or a file that cannot be read, stop the listing and each call of that file",
        "a test whose process is killed is left out of bats' results, and could not run",
        "the set-up of a file that fails is the failure of its tests",
        "version 1.8 loses the end of its results and takes a killed test for passed",
    ],
    called: suite_and_name,
    read_listing: own_listing,
    call,
};

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    on_one_line(tests)?;
    if let Some(test) = tests.iter().find(|it| is_evaluated(&it.testcase)) {
        let why = "bats evaluates `$`, backticks and quotation marks in its name";
        return Err(NotSelected::name(test, why));
    }
    let names: Vec<String> = tests.iter().map(|it| regex_escaped(&it.testcase)).collect();
    let pattern = format!("^({})$", names.join("|"));
    if pattern.len() > MOST_PATTERN {
        return Err(NotSelected::TooLong);
    }
    let mut call = PresetCall::new(["--timing", "--filter"]);
    call.argument(pattern);
    let mut call = call.with_reporter(ReportedTool::Bats, paths);
    for suite in suites(tests) {
        call.argument(file_argument(suite));
    }
    Ok(call.with_selection(tests, paths))
}

/// Whether a name is another one as it stands between double quotes of a shell, but for escaped signs.
fn is_evaluated(name: &str) -> bool {
    let mut signs = name.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => drop(signs.next_if(|next| matches!(next, '\\' | '"' | '$' | '`'))),
            '"' | '$' | '`' => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_escaped_signs_stand_for_themselves() {
        for name in ["plain", r"a \$x", r#"\"q\""#, r"\\", r"\x", r"it's \`b\`"] {
            assert!(!is_evaluated(name), "{name}");
        }
        for name in ["$x", r"\\$x", "say \"a\"", "`b`", r#"\\""#] {
            assert!(is_evaluated(name), "{name}");
        }
    }
}
