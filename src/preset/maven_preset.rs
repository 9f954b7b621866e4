//! Maven with Surefire: an execution is a class of tests. Classes are read from what `test-compile` wrote.

use super::{
    selected_call::{CallPaths, NotSelected, PresetCall, Reports, suites},
    test_listing::listed_lines,
    tool_preset::{ClassFolders, Evidence, ListingOutput, Preset},
};
use crate::{attribution::Repeats, model::Test};

/// The suite of a module, after its folder.
const SUITE: &str = "src/test";

/// The preset.
pub static MAVEN: Preset = Preset {
    name: "maven",
    versions: "3.8.7 with Surefire 2.22.3, JUnit 5.9 and 4.13",
    program: &["mvn"],
    has_subcommand: false,
    list: &["--batch-mode", "test-compile"],
    listing: ListingOutput::ClassFiles(ClassFolders {
        folders: &["target/test-classes"],
        suite: SUITE,
        is_test: is_test_name,
    }),
    listed: &[0],
    evidence: Evidence::JunitFile,
    case: "{classname}",
    // The cases of a class: the worst one counts.
    repeats: Repeats::Duplicates,
    loads_files: false,
    exit_codes: (&[0], &[1..=1]),
    // It ran no class of the call.
    unknown_test: &[0],
    session: None,
    skip_reasons: None,
    traps: &[
        "an execution is a class of tests, as Surefire runs it, and its methods are its cases; it failed if one of them did",
        "Maven cannot list tests: classes are those of `target/test-classes` after `mvn test-compile` that have Surefire's default \
         names (`Test*`, `*Test`, `*Tests`, `*TestCase`), can be made, and have annotations, a parent or classes inside; includes and \
         excludes of the POM are not read",
        "Surefire 2.22 leaves out the `@Nested` tests of a class that `-Dtest` names, so that the classes inside are named too; those \
         of static classes inside run as well, which it would not run by itself",
        "several modules: a suite is `MODULE/src/test`, and a call has `-pl` and `-am` for its modules",
        "reports are copied from `target/surefire-reports`, where those of a call have a suffix of their own in their names",
        "`mvn` of several workers compile in one folder: with tests in several batches at once, compile before and use one worker for \
         each checkout",
        "`-DforkCount=0` runs tests in the JVM of Maven: a `System.exit(0)` in one looks like a test that does not exist",
        "a `System.exit` in a test ends the JVM of all classes of a call; classes without a report run alone",
        "with rerunFailingTestsCount a test that passes in the end has passed and is flaky; Surefire 2.22 runs those of JUnit 5 once",
        "a failure in a module skips those that depend on it: their classes run again, alone",
        "options such as `-q` and `-P PROFILE` belong to `args`, the wrapper to `program: [./mvnw]`",
    ],
    called: |test| test.testcase.clone(),
    read_listing: listed_lines,
    call,
};

/// Surefire's default includes.
fn is_test_name(name: &str) -> bool {
    name.starts_with("Test")
        || ["Test", "Tests", "TestCase"]
            .iter()
            .any(|end| name.ends_with(end))
}

fn call(tests: &[Test], paths: &CallPaths<'_>) -> Result<PresetCall, NotSelected> {
    let mut names = Vec::with_capacity(tests.len());
    for test in tests {
        let class = class_of(test)?;
        names.push(format!("{class},{class}$*"));
    }
    let mut modules = Vec::new();
    for suite in suites(tests) {
        let Some(module) = suite.strip_suffix(SUITE) else {
            return Err(NotSelected::name(
                &tests[0],
                "its suite does not end with src/test",
            ));
        };
        modules.push(module.trim_end_matches('/'));
    }
    let mut call = PresetCall::new(["--batch-mode", "--fail-at-end"]);
    if !modules.contains(&"") {
        call.argument("-pl");
        call.argument(modules.join(","));
        call.argument("-am");
    }
    call.argument("test");
    call.argument(format!("-Dtest={}", names.join(",")));
    // Modules without a test of the call.
    call.argument("-DfailIfNoTests=false");
    call.argument("-Dsurefire.failIfNoSpecifiedTests=false");
    call.argument("-DdisableXmlReport=false");
    call.argument(format!("-Dsurefire.reportNameSuffix={}", paths.tag));
    let folders = modules.iter().map(|module| match *module {
        "" => "target/surefire-reports".to_owned(),
        module => format!("{module}/target/surefire-reports"),
    });
    call.reports = Some(Reports {
        folders: folders.collect(),
        tag: paths.tag.to_owned(),
        has_marks: false,
    });
    Ok(call)
}

/// The name of the class that a test is.
pub(super) fn class_of(test: &Test) -> Result<&str, NotSelected> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    if test.testcase.is_empty() || !test.testcase.chars().all(is_name) {
        return Err(NotSelected::name(test, "it is no name of a class"));
    }
    Ok(&test.testcase)
}

/// The report of a call with the names of the listing: the tag of the call is in the names of classes, and classes inside of
/// a class are its own here.
pub fn report_text(text: &str, tag: &str) -> String {
    const CLASS: &str = "classname=\"";
    let text = match tag {
        "" => text.to_owned(),
        tag => [format!("({tag})"), format!("{tag}.")]
            .iter()
            .fold(text.to_owned(), |text, mark| text.replace(mark, "")),
    };
    let mut report = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once(CLASS) {
        let (name, after) = after.split_at(after.find('"').unwrap_or(after.len()));
        report.push_str(before);
        report.push_str(CLASS);
        report.push_str(name.split('$').next().unwrap_or(name));
        rest = after;
    }
    report.push_str(rest);
    report
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::preset::test_listing::test;

    #[test]
    fn modules_of_a_call_are_named() {
        let paths = CallPaths {
            list: Path::new(""),
            results: Path::new(""),
            events: Path::new(""),
            reporters: Path::new(""),
            tag: "t1",
        };
        let tests = [
            test("core/src/test", "p.ATest"),
            test("web/src/test", "p.BTest"),
        ];
        let made = call(&tests, &paths).unwrap();
        let has = |text: &str| made.arguments.iter().any(|it| it == text);
        assert!(
            has("core,web") && has("-Dtest=p.ATest,p.ATest$*,p.BTest,p.BTest$*"),
            "{made:?}"
        );
        let made = call(&[test("src/test", "ATest")], &paths).unwrap();
        assert!(!made.arguments.iter().any(|it| it == "-pl"), "{made:?}");
        for name in ["a,b", "A#b", "A*", "!A", ""] {
            assert!(call(&[test("src/test", name)], &paths).is_err(), "{name}");
        }
    }

    #[test]
    fn report_has_the_names_of_the_listing() {
        let text = "<testcase name=\"e\" classname=\"p.ATest$Inner(t1)\"/><testcase name=\"a\" classname=\"p.ATest(t1)\"/>";
        assert_eq!(
            report_text(text, "t1"),
            "<testcase name=\"e\" classname=\"p.ATest\"/><testcase name=\"a\" classname=\"p.ATest\"/>"
        );
        assert_eq!(
            report_text("<testcase classname=\"t1.G\"/>", "t1"),
            "<testcase classname=\"G\"/>"
        );
        assert_eq!(
            report_text("<testcase classname=\"A\"/>", ""),
            "<testcase classname=\"A\"/>"
        );
    }
}
