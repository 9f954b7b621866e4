//! Shapes that are rare: some only one tool writes, some are written by hand because none of ours does.

use testplan::model::{
    CaseResult,
    outcome::{CaseVerdict, Trouble},
};

use super::{NameMatching, Repeats, Results, ResultsFormat, fixtures, gather, read};

fn find(writer: &str, name: &str) -> CaseResult {
    let cases = read(writer, "*.xml");
    let found = cases.into_iter().find(|case| case.name == name);
    found.unwrap_or_else(|| panic!("{writer}: {name}"))
}

fn error(writer: &str, name: &str) -> Trouble {
    match find(writer, name).verdict {
        CaseVerdict::Error(trouble) => trouble,
        other => panic!("{writer}, {name}: {other:?}"),
    }
}

fn failure(writer: &str, name: &str) -> Trouble {
    match find(writer, name).verdict {
        CaseVerdict::Failed(trouble) => trouble,
        other => panic!("{writer}, {name}: {other:?}"),
    }
}

#[test]
fn times() {
    let cases = read("odd", "times.xml");
    let times: Vec<_> = cases
        .iter()
        .map(|case| (case.name.as_str(), case.duration_ms))
        .collect();
    assert_eq!(
        times,
        [
            ("grouped", Some(1_234_500)),
            ("grouped twice", Some(1_234_567_125)),
            ("decimal comma", Some(250)),
            ("exponent", Some(3)),
            ("no fraction after its point", Some(2000)),
            ("spaces around", Some(3000)),
            ("empty", None),
            ("missing", None),
            ("negative", None),
            ("a word", None),
        ]
    );
    assert_eq!(
        find("bun", "[x](y){z}").duration_ms,
        Some(0),
        "written as 0."
    );
    assert_eq!(
        find("behave", "\"double\" 'single' <less> & more").duration_ms,
        Some(0),
        "written with an exponent"
    );
    assert_eq!(find("qt-test", "passes").duration_ms, None);
    assert!(
        (200..5000).contains(
            &read("playwright", "report.xml")
                .iter()
                .find(|case| case.name == "hangs")
                .unwrap()
                .duration_ms
                .unwrap()
        )
    );
    assert!((1000..5000).contains(&find("ctest", "hangs").duration_ms.unwrap()));
}

#[test]
fn a_failure_and_an_error_in_one_case_is_an_error() {
    let trouble = error("doctest", "fails and throws");
    assert_eq!(trouble.message, "exception");
    assert!(
        trouble.text.contains("CHECK( 1 == 2 ) is NOT correct!"),
        "{}",
        trouble.text
    );
    assert!(
        trouble.text.contains("and then & there"),
        "{}",
        trouble.text
    );
    let trouble = error("boost-test", "fails_and_throws");
    assert_eq!(
        (trouble.message.as_str(), trouble.kind.as_str()),
        ("unexpected exception", "uncaught exception")
    );
    assert!(
        trouble.text.contains("check 1 == 2 has failed"),
        "{}",
        trouble.text
    );
}

#[test]
fn several_failures_in_one_case_are_all_told() {
    for (writer, name, message, second) in [
        (
            "vitest",
            "softly",
            "expected 1 to be 2 // Object.is equality (and 1 more)",
            "Expected: \"four\"",
        ),
        (
            "googletest",
            "FailsTwice",
            "odd.cpp:10 (and 1 more)",
            "\nsecond",
        ),
        (
            "catch2",
            "fails twice",
            "1 == 2 (and 1 more)",
            "CHECK( 3 == 4 )",
        ),
        (
            "doctest",
            "fails twice",
            "1 == 2 (and 1 more)",
            "CHECK( 3 == 4 )",
        ),
        (
            "boost-test",
            "fails_twice",
            "failure (and 1 more)",
            "- message: second",
        ),
    ] {
        let trouble = failure(writer, name);
        assert_eq!(trouble.message, message, "{writer}");
        assert!(trouble.text.contains(second), "{writer}: {}", trouble.text);
    }
}

#[test]
fn an_error_outside_any_case_names_its_suite() {
    let outside = |writer| -> Vec<(String, String)> {
        let cases = read(writer, "*.xml").into_iter();
        cases
            .filter(|case| case.name == "(outside any test case)")
            .map(|case| match case.verdict {
                CaseVerdict::Error(trouble) => (case.classname, trouble.message),
                other => panic!("{other:?}"),
            })
            .collect()
    };
    assert_eq!(
        outside("tap-formatter-junit"),
        [
            (
                "odd_t".into(),
                "Dubious, test returned 2 (wstat 512, 0x200)".into()
            ),
            (
                "dies_t".into(),
                "Dubious, test returned 255 (wstat 65280, 0xff00)".into()
            ),
        ]
    );
    assert_eq!(
        outside("gotestsum"),
        [(
            String::new(),
            "the suite counts errors or failures that it does not list".into()
        )]
    );
    assert!(
        outside("qt-test").is_empty(),
        "its suite counts messages as errors"
    );
}

/// Text keeps what the writer put into it, split CDATA and raw control characters included.
#[test]
fn text_of_failures() {
    for (writer, name, expected) in [
        ("behave", "fails", "one < two & ]]> \u{8}"),
        (
            "mocha-junit-reporter",
            "outer \"group\" inner <group> fails",
            "Expected values to be strictly equal:",
        ),
        (
            "cpputest",
            "FailsWithText",
            "odd.cpp:7: \u{1b}[31mred\u{1b}[0m{newline}second <line>",
        ),
        (
            "unittest-xml-reporting",
            "test_fails",
            "\"<a> & 'b'\" != '\"c\" ]]> \\x08'",
        ),
    ] {
        assert_eq!(failure(writer, name).message, expected, "{writer}");
    }
    let text = failure(
        "mocha-junit-reporter",
        "outer \"group\" inner <group> fails",
    )
    .text;
    assert!(text.contains("- \"]]> 'c'\""), "{text}");
    let text = failure("criterion", "fails_twice").text;
    assert_eq!(text, "odd.c:10: second & last\nodd.c:9: first");
    let text = failure("bats", "fails").text;
    assert!(
        text.contains("`[ 1 = 2 ]' failed\nno <good> & \u{1b}[31mred\u{1b}[0m \u{8} ]]>"),
        "{text}"
    );
    let output = find("vitest", "outer \"group\" > inner <group> > passes").output;
    assert_eq!(output.trim(), "out <of> [31mred[0m");
    let output = find("phpunit", "testPasses").output;
    assert_eq!(output, "out <of> [31mred[0m ");
}

#[test]
fn latin_1_line_ends_of_windows_namespaces_and_deep_suites() {
    let cases = read("odd", "latin1-nested.xml");
    let told: Vec<_> = cases
        .iter()
        .map(|case| {
            let verdict = match &case.verdict {
                CaseVerdict::Error(trouble) => trouble.message.as_str(),
                other => {
                    assert_eq!(*other, CaseVerdict::Passed { flaky: false });
                    "passed"
                }
            };
            (case.classname.as_str(), case.name.as_str(), verdict)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("für /     / innen", "grüße", "passed"),
            ("für /     / innen", "(outside any test case)", "außen"),
            ("Klasse", "eigene", "dann"),
            (
                "für / leer",
                "(outside any test case)",
                "the suite counts errors or failures that it does not list"
            ),
        ]
    );
}

/// Two files that tools left broken: libtest died while it wrote, cucumber-js ends a CDATA section where a message does.
#[test]
fn a_broken_file_is_an_error_with_its_line() {
    for (file, says) in [
        (
            "writer-died.xml",
            "line 1: the file ends inside a test case",
        ),
        ("cdata-closed-early.xml", "line 23: "),
    ] {
        let format = ResultsFormat::JUnit {
            files: file.to_owned(),
            repeats: Repeats::default(),
            names: NameMatching::default(),
        };
        match gather(&format, &fixtures().join("odd")).results {
            Results::Unreadable { message, .. } => {
                assert!(message.contains(&format!("{file}: {says}")), "{message}");
            }
            other => panic!("{other:?}"),
        }
    }
}
