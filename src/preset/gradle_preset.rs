//! Gradle: an execution is a class of tests. A script of testplan for each call selects the classes and says where their reports
//! are written.

use std::fmt::Write as _;

use super::{
    maven_preset::class_of,
    selected_call::{CallPaths, NotSelected, PresetCall, Reports, suites},
    test_listing::listed_lines,
    tool_preset::{ClassFolders, Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test};

/// The suite of a project, after its folder.
const SUITE: &str = "src/test";

/// What follows the tests of a call in its script.
const SCRIPT: &str = include_str!("gradle_call.gradle");

/// The preset.
pub static GRADLE: Preset = Preset {
    name: "gradle",
    versions: "4.4.1 with JUnit 4.13",
    program: &["gradle"],
    has_subcommand: false,
    list: &["testClasses"],
    listing: ListingOutput::ClassFiles(ClassFolders {
        folders: &[
            "build/classes/java/test",
            "build/classes/kotlin/test",
            "build/classes/groovy/test",
            "build/classes/scala/test",
        ],
        suite: SUITE,
        is_test: |_| true,
    }),
    listed: &[0],
    evidence: Evidence::JunitFile,
    case: "{classname}",
    // The cases of a class: the worst one counts.
    repeats: Repeats::Duplicates,
    loads_files: false,
    exit_codes: (&[0], &[1..=1]),
    unknown_test: &[],
    session: None,
    skip_reasons: None,
    traps: &[
        "an execution is a class of tests with the classes inside, and its methods are its cases; it failed if one of them did",
        "Gradle cannot list tests: classes are those that `gradle testClasses` compiled that can be made and have annotations, a parent \
         or classes inside; one without tests could not run",
        "only the task `test` of each project runs; a suite is `FOLDER/src/test`",
        "the list file of a call is a script for `--init-script`; it works without the configuration cache",
        "a `System.exit(0)` in a test is a success for Gradle 4.4, with a report of the tests before it: reports count only of \
         classes whose end Gradle announced",
        "reports are written when the task ends: a Gradle that is killed shows no result",
        "the retry plugin was not tried: by its manual, reports of Gradle 6.8 and later have a test that passes in the end once, earlier \
         ones each try, of which the worst counts",
        "builds of one folder wait for each other: one worker for each checkout",
        "options such as `--offline` belong to `args`, the wrapper to `program: [./gradlew]`",
    ],
    called: |test| test.testcase.clone(),
    read_listing: listed_lines,
    call,
};

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    let folder = paths.results.join("gradle");
    let mut script = "// Written by testplan for one call.\ndef chosen = [\n".to_owned();
    for suite in suites(tests) {
        let Some(place) = suite.strip_suffix(SUITE) else {
            let why = "its suite does not end with src/test";
            return Err(NotSelected::name(&tests[0], why));
        };
        let _ = writeln!(script, "    {}: [", literal(place.trim_end_matches('/')));
        for test in tests.iter().filter(|it| it.suite == suite) {
            let _ = writeln!(script, "        {},", literal(class_of(test)?));
        }
        script += "    ],\n";
    }
    let _ = writeln!(
        script,
        "]\ndef reports = new File({})",
        literal(&folder.to_string_lossy())
    );
    script += SCRIPT;
    let mut call = PresetCall::new(["--init-script"]);
    call.argument(paths.list);
    call.argument("--continue");
    call.argument("test");
    call.list = Some(script);
    call.reports = Some(Reports {
        folders: vec![folder.to_string_lossy().into_owned()],
        tag: String::new(),
        has_marks: true,
    });
    Ok(call)
}

/// A string of Groovy.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::preset::test_listing::test;

    #[test]
    fn script_names_the_classes_of_each_project() {
        let none = Path::new("");
        let paths = CallPaths {
            list: Path::new("/l.tests"),
            results: Path::new("/o'r"),
            events: none,
            reporters: none,
            tag: "t1",
        };
        let tests = [test("src/test", "p.A"), test("core/src/test", "p.B")];
        let script = call(&tests, &paths).unwrap().list.unwrap();
        let begin = "// Written by testplan for one call.\ndef chosen = [\n    '': [\n        'p.A',\n    ],\n    'core': [\n        \
                     'p.B',\n    ],\n]\ndef reports = new File('/o\\'r/gradle')\n";
        assert!(script.starts_with(begin), "{script}");
        assert!(call(&[test("src/test", "p.A'")], &paths).is_err());
    }
}
