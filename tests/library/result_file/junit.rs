//! The reader of JUnit files: real files, odd files, hostile files.

use proptest::prelude::*;
use testplan::{
    model::{CaseResult, outcome::CaseVerdict, record::MAX_CASES},
    result_file::{self, ReadError, Scenarios},
};

use crate::result_file::summary;

const PYTEST: &str = include_str!("../../fixtures/junit/pytest/report.xml");
const NODE: &str = include_str!("../../fixtures/junit/node/report.xml");
const NEXTEST: &str = include_str!("../../fixtures/junit/nextest/report.xml");

fn read(bytes: &[u8]) -> Result<Vec<CaseResult>, ReadError> {
    result_file::read("x.xml", bytes, Scenarios::Each).map(|file| file.cases)
}

fn cases(xml: &str) -> Vec<CaseResult> {
    read(xml.as_bytes()).unwrap()
}

fn only(xml: &str) -> CaseResult {
    let mut cases = cases(xml);
    assert_eq!(cases.len(), 1, "{cases:?}");
    cases.remove(0)
}

fn error(xml: &[u8]) -> ReadError {
    read(xml).unwrap_err()
}

fn text(case: &CaseResult) -> &str {
    match &case.verdict {
        CaseVerdict::Failed(trouble) | CaseVerdict::Error(trouble) => &trouble.text,
        CaseVerdict::Passed { .. } | CaseVerdict::Skipped { .. } => "",
    }
}

#[test]
fn reads_pytest() {
    let cases = cases(PYTEST);
    assert_eq!(
        summary(&cases),
        [
            "test_sample | test_passes | passed",
            "test_sample | test_fails | failed: AssertionError: values & <dicts> differ",
            "test_sample | test_set_up_breaks | error: failed on setup with \"RuntimeError: no database\"",
            "test_sample | test_skipped | skipped: not today",
            "test_sample | test_expected | skipped: known",
            "test_sample | test_named[a/b] | passed",
            "test_sample | test_named[-k] | passed",
            "test_sample | test_named[\\xfc\\x1b[31m] | passed",
            "test_sample | test_teardown | failed: assert False",
            "test_sample | test_teardown | error: failed on teardown with \"ZeroDivisionError: division by zero\"",
        ]
    );
    assert!(text(&cases[1]).contains("\"values & <dicts> differ\"\nE"));
    assert!((20..1000).contains(&cases[0].duration_ms.unwrap()));
}

#[test]
fn reads_node_with_nested_suites() {
    let cases = cases(NODE);
    assert_eq!(
        summary(&cases),
        [
            "test | passes | passed",
            "test | fails | failed: Expected values to be strictly equal:1 !== 2",
            "test | is skipped | skipped: not today",
            "test | top | passed",
        ]
    );
    assert!(text(&cases[1]).contains("at TestContext.<anonymous>"));
}

#[test]
fn reads_nextest_with_flaky_tests_and_reruns() {
    let cases = cases(NEXTEST);
    assert_eq!(
        summary(&cases)
            .iter()
            .map(|line| line.split(" (").next().unwrap())
            .collect::<Vec<_>>(),
        [
            "sample | tests::aborts | failed: process aborted with signal 6",
            "sample | tests::fails | failed: thread 'tests::fails'",
            "sample | tests::passes | passed",
            "sample | tests::flaky | flaky",
        ]
    );
    let fails = &cases[1];
    assert_eq!(
        text(fails).matches("left: 1").count(),
        1,
        "reruns are left out"
    );
    assert!(fails.output.contains("running 1 test"));
}

#[test]
fn any_root_will_do_as_long_as_there_are_cases() {
    for xml in [
        "<testsuites><testsuite name='s'><testcase name='c'/></testsuite></testsuites>",
        "<testsuite name='s'><testcase name='c'/></testsuite>",
        "<report><testsuite name='s'><x><testcase name='c'/></x></testsuite></report>",
        "\u{feff}<?xml version='1.0'?>\n<testsuite name='s'><testcase name='c'></testcase></testsuite>\n",
        "<j:testsuite xmlns:j='u' name='s'><j:testcase name='c'/></j:testsuite>",
    ] {
        assert_eq!(summary(&cases(xml)), ["s | c | passed"], "{xml}");
    }
    assert_eq!(summary(&cases("<testcase name='c'/>")), [" | c | passed"]);
}

#[test]
fn nested_suites_become_a_path_where_a_case_names_no_class() {
    let xml = "<testsuites name='tool'><testsuite name='outer'><testsuite name='inner'>\
               <testcase name='a'/><testcase name='b' classname='own'/></testsuite>\
               <testcase name='c'/></testsuite></testsuites>";
    assert_eq!(
        summary(&cases(xml)),
        [
            "outer / inner | a | passed",
            "own | b | passed",
            "outer | c | passed"
        ]
    );
}

#[test]
fn several_failures_are_joined_and_an_error_wins() {
    let case = only(
        "<testcase name='c'><failure message='one' type='A'>first</failure>\
         <failure message='two'>second</failure><failure>third</failure></testcase>",
    );
    assert_eq!(
        summary(std::slice::from_ref(&case)),
        [" | c | failed: one (and 2 more)"]
    );
    assert_eq!(text(&case), "first\n\nsecond\n\nthird");
    for xml in [
        "<testcase name='c'><failure message='f'/><error message='e' type='E'>x</error></testcase>",
        "<testcase name='c'><error message='e' type='E'>x</error><failure message='f'/></testcase>",
        "<testcase name='c'><skipped message='s'/><error message='e' type='E'>x</error></testcase>",
    ] {
        let case = only(xml);
        assert_eq!(
            summary(std::slice::from_ref(&case)),
            [" | c | error: e"],
            "{xml}"
        );
        let CaseVerdict::Error(trouble) = case.verdict else {
            panic!()
        };
        assert_eq!(trouble.kind, "E");
    }
}

#[test]
fn an_error_outside_any_case_becomes_a_case() {
    let line = |xml| summary(&cases(xml)).pop().unwrap();
    assert_eq!(
        line("<testsuite name='s'><error message='collection failed'/></testsuite>"),
        "s | (outside any test case) | error: collection failed"
    );
    assert_eq!(
        line(
            "<testsuites><testsuite name='s'><testcase name='c'/></testsuite><failure>boom</failure></testsuites>"
        ),
        " | (outside any test case) | error: boom"
    );
    assert_eq!(
        line(
            "<testsuites><testsuite name='o'><testsuite name='s' tests='1' errors='1'/></testsuite></testsuites>"
        ),
        "o / s | (outside any test case) | error: the suite counts errors or failures that it does not list"
    );
}

const HIDDEN: &str =
    "(outside any test case) | error: the suite counts errors or failures that it does not list";

#[test]
fn a_count_of_failures_without_a_case_is_an_error() {
    let hidden = [" | c | passed".to_owned(), format!(" | {HIDDEN}")];
    for suite in [
        "<testsuite tests='1' failures='1'>{}</testsuite>",
        "<testsuite tests='1' errors='1'>{}</testsuite>",
        "<testsuite tests='1' failed='2'>{}</testsuite>",
        "<testsuite tests='1' status='failed'>{}</testsuite>",
        "<testsuite tests='1' result='Failure' success='False'>{}</testsuite>",
        "<testsuites tests='1' failures='1'><testsuite tests='1'>{}</testsuite></testsuites>",
        "<testsuites tests='1' errors='1'><testsuite tests='1'>{}</testsuite></testsuites>",
        "<testsuites failures='1'><testsuite failures='1'>{}</testsuite></testsuites>",
    ] {
        let xml = suite.replace("{}", "<testcase name='c'/>");
        assert_eq!(summary(&cases(&xml)), hidden, "{xml}");
        let shown = suite.replace("{}", "<testcase name='c'><failure/><error/></testcase>");
        assert_eq!(summary(&cases(&shown)), [" | c | error: "], "{shown}");
    }
}

#[test]
fn larger_and_odd_counts_prove_nothing() {
    for suite in [
        "<testsuite tests='8' failures='5' skipped='-3'>",
        "<testsuite tests='' failures='some'>",
        "<testsuite tests='3' failures='0' errors='0' status='run' result='completed'>",
    ] {
        let xml =
            format!("{suite}<testcase name='c'><failure message='m'/></testcase></testsuite>");
        assert_eq!(summary(&cases(&xml)), [" | c | failed: m"], "{xml}");
    }
    assert!(cases("<testsuite tests='3'></testsuite>").is_empty());
    // Qt Test counts warnings as errors.
    let qt = "<testsuite name='s' errors='1'><properties><property name='QTestVersion' value='6.4.2'/></properties>\
              <testcase name='c'/></testsuite>";
    assert_eq!(summary(&cases(qt)), ["s | c | passed"]);
}

/// A package that gotestsum could not build is in its file as a count of the root alone.
#[test]
fn an_error_that_is_only_counted_becomes_a_case() {
    let table = [
        (
            "<testsuites errors='1'><testsuite name='s'><testcase name='c'><failure message='m'/></testcase></testsuite></testsuites>",
            vec!["s | c | failed: m".to_owned(), format!(" | {HIDDEN}")],
        ),
        (
            "<testsuites errors='1'><testsuite name='s'><testcase name='c'><error/></testcase></testsuite></testsuites>",
            vec!["s | c | error: ".to_owned()],
        ),
        // Surefire counts the errors of flaky cases.
        (
            "<testsuites errors='1'><testsuite name='s' errors='1'><testcase name='c'><flakyError/></testcase></testsuite></testsuites>",
            vec!["s | c | flaky".to_owned()],
        ),
    ];
    for (xml, expected) in table {
        assert_eq!(summary(&cases(xml)), expected, "{xml}");
    }
}

#[test]
fn a_failure_by_attribute_is_one() {
    for (attributes, expected) in [
        ("status='failed'", "failed: status=\"failed\""),
        ("result='fail'", "failed: result=\"fail\""),
        ("outcome='Failed'", "failed: outcome=\"Failed\""),
        (
            "success='False' result='Failure'",
            "failed: success=\"False\"",
        ),
        (
            "status='run' result='timed out'",
            "failed: result=\"timed out\"",
        ),
        ("status='Hook_Error'", "failed: status=\"Hook_Error\""),
        (
            "status='weird'",
            "error: status=\"weird\" is not known and may mean a failure",
        ),
        ("status='passed' result='PASS' success='true'", "passed"),
        ("status='disabled'", "skipped: status=\"disabled\""),
        ("executed='False'", "skipped: "),
        ("result='bfail'", "skipped: result=\"bfail\""),
    ] {
        let xml = format!("<testcase name='c' {attributes}/>");
        assert_eq!(
            summary(&[only(&xml)]),
            [format!(" | c | {expected}")],
            "{xml}"
        );
    }
    let told = "<testcase name='c' status='failed'><failure message='m'/></testcase>";
    assert_eq!(summary(&[only(told)]), [" | c | failed: m"]);
    let skipped = "<testcase name='c' status='failed'><skipped message='m'/></testcase>";
    assert_eq!(
        summary(&[only(skipped)]),
        [" | c | failed: status=\"failed\""]
    );
}

#[test]
fn a_failure_by_an_unknown_element_is_one() {
    for (child, expected) in [
        ("<failed message='m'/>", "failed: m"),
        ("<Failure message='m'/>", "failed: m"),
        ("<timeout message='m'/>", "error: m"),
        ("<crashed/>", "error: "),
        (
            "<mishap/>",
            "error: the case holds an element <mishap>, which may be a failure",
        ),
        ("<mishap message='m'/>", "error: m"),
        (
            "<rerunFailure/>",
            "error: a try failed, and no result follows it",
        ),
        ("<rerunFailure/><failure message='m'/>", "failed: m"),
        ("<rerunFailure/><flakyFailure/>", "flaky"),
        ("<properties/><system-out/><attachments/>", "passed"),
    ] {
        let xml = format!("<testcase name='c'>{child}</testcase>");
        assert_eq!(
            summary(&[only(&xml)]),
            [format!(" | c | {expected}")],
            "{xml}"
        );
    }
}

#[test]
fn a_pass_without_a_name_or_named_after_its_file_proves_nothing() {
    for case in [
        "<testcase time='0.000'/>",
        "<testcase name='' classname='c'/>",
        "<testcase name='a.test.js' classname='test' file='/w/a.test.js'/>",
        "<testcase name='/w/a.test.mjs' classname='test'/>",
        "<testcase name='/w/my folder/a.test.mjs' classname='test'/>",
        "<testcase name='./sub/a.py' classname='x' file='/w/sub/a.py'/>",
    ] {
        let xml = format!("<testsuite>{case}<testcase name='c'/></testsuite>");
        assert_eq!(summary(&cases(&xml)), [" | c | passed"], "{xml}");
    }
    let failed =
        "<testcase name='a.test.js' classname='test' file='/w/a.test.js'><failure/></testcase>";
    assert_eq!(summary(&[only(failed)]), ["test | a.test.js | failed: "]);
    let unnamed = "<testcase><error message='set-up'/></testcase>";
    assert_eq!(summary(&[only(unnamed)]), [" | (no name) | error: set-up"]);
    // PHPUnit names a test of a .phpt file after it, and counts what it asserted.
    let phpt = "<testcase name='/w/a.phpt' file='/w/a.phpt' assertions='1'/>";
    assert_eq!(summary(&[only(phpt)]), [" | /w/a.phpt | passed"]);
}

#[test]
fn a_failure_beside_a_skip_is_marked_as_expected() {
    for (child, is_expected) in [
        ("<skipped/><failure message='m'/>", true),
        ("<failure message='m'/><skipped/>", true),
        ("<failure message='m'/>", false),
    ] {
        let case = only(&format!("<testcase name='c'>{child}</testcase>"));
        let CaseVerdict::Failed(trouble) = case.verdict else {
            panic!("{child}")
        };
        assert_eq!(trouble.is_expected, is_expected, "{child}");
    }
}

#[test]
fn a_failure_within_a_case_or_outside_of_all_is_one() {
    for xml in [
        "<testsuite><testcase name='a'><testsuite><testcase name='b'><failure message='m'/></testcase></testsuite></testcase></testsuite>",
        "<testsuite><testcase name='a'><steps><step><failure message='m'/></step></steps></testcase></testsuite>",
        "<testsuite><testcase name='a'/><crash message='m'/></testsuite>",
        "<testsuites><testsuite><testcase name='a'/></testsuite><exception>m</exception></testsuites>",
    ] {
        let lines = summary(&cases(xml));
        let failing = |line: &String| line.contains("failed: m") || line.contains("error: m");
        assert!(lines.iter().any(failing), "{xml}: {lines:?}");
    }
}

#[test]
fn a_property_of_the_users_own_means_nothing() {
    let xml = "<testsuite name='s'><properties><property name='QtVersion' value='5.15.2'/></properties>\
               <testcase name='c'><properties><property name='skip' value='False'/></properties></testcase></testsuite>";
    assert_eq!(summary(&cases(xml)), ["s | c | passed"]);
}

#[test]
fn files_that_are_not_junit_are_refused() {
    for xml in [
        "<gtester><testbinary path='p'><testcase path='/p/a'><status exit-status='1' result='failed'/></testcase></testbinary></gtester>",
        "<results><testcase name='a'><result>f</result></testcase></results>",
        "<coverage line-rate='0.5'/>",
    ] {
        let error = error(xml.as_bytes());
        assert!(
            error.message.contains("this is not JUnit: its root is <"),
            "{error}"
        );
    }
}

#[test]
fn flaky_by_surefire_and_not_run_by_googletest() {
    let xml = "<testcase name='c'><flakyFailure type='T'><stackTrace>x</stackTrace>\
               <system-out>y</system-out></flakyFailure><flakyError/></testcase>";
    assert_eq!(summary(&[only(xml)]), [" | c | flaky"]);
    let xml = "<testcase name='c' status='notrun' result='suppressed'/>";
    assert_eq!(
        summary(&[only(xml)]),
        [" | c | skipped: result=\"suppressed\""]
    );
}

#[test]
fn failures_that_catch2_expects_are_no_failures() {
    let xml = "<testcase name='c'><skipped message='TEST_CASE tagged with !mayfail'/><failure message='f'/>\
               <error message='e'/></testcase>";
    assert_eq!(
        summary(&[only(xml)]),
        [" | c | skipped: TEST_CASE tagged with !mayfail"]
    );
    let crashed = "<testcase name='c'><error message='m'>SIGSEGV</error></testcase>";
    assert_eq!(summary(&[only(crashed)]), [" | c | error: m"]);
}

#[test]
fn what_ctest_could_not_run_is_an_error_and_no_skip() {
    let line = |message: &str| {
        summary(&[only(&format!(
            "<testcase name='c' status='notrun'><skipped message='{message}'/></testcase>"
        ))])
    };
    for message in [
        "Failed to change working directory",
        "Fixture dependency failed",
        "Insufficient resources",
        "Missing Configuration",
        "Required Files Missing",
        "Unable to find executable",
    ] {
        assert_eq!(line(message), [format!(" | c | error: {message}")]);
    }
    for message in ["SKIP_RETURN_CODE=77", "SKIP_REGULAR_EXPRESSION_MATCHED"] {
        assert_eq!(line(message), [format!(" | c | skipped: {message}")]);
    }
}

#[test]
fn attributes_and_properties() {
    let case = only(
        "<testcase name='c' name='twice' time='1,234.5' file='a/b.py' line=' 12 '>\
         <properties><property name='p' value='v'>text</property></properties>\
         <system-out>out &amp; <![CDATA[<in>]]></system-out><system-err>err</system-err></testcase>",
    );
    assert_eq!(case.name, "c");
    assert_eq!(case.duration_ms, Some(1_234_500));
    assert_eq!(
        (case.file.as_deref(), case.line),
        (Some("a/b.py"), Some(12))
    );
    assert_eq!(case.output, "out & <in>\n\nerr");
}

#[test]
fn all_lines_of_a_message_are_kept() {
    let case = only(
        "<testcase name='c'><failure message='Several failures:&#10;&#10;1) lamp is off&#13;&#10;2) pressure is 3'/></testcase>",
    );
    assert_eq!(
        summary(std::slice::from_ref(&case)),
        [" | c | failed: Several failures:"]
    );
    assert_eq!(
        text(&case),
        "Several failures:\n\n1) lamp is off\n2) pressure is 3"
    );
    // By XML a line break that is not escaped is a blank; no tool means one.
    let literal = only("<testcase name='c'><error message='one\ntwo'>at x</error></testcase>");
    assert_eq!(text(&literal), "one\ntwo\n\nat x");
    let long = "x".repeat(5_000);
    let case = only(&format!(
        "<testcase name='c'><failure message='{long}'/></testcase>"
    ));
    assert_eq!(text(&case), long);
    let several = only(
        "<testcase name='c'><failure message='a&#10;b'>A</failure><failure message='c&#10;d'>D</failure></testcase>",
    );
    assert_eq!(text(&several), "a\nb\n\nA\n\nc\nd\n\nD");
}

#[test]
fn a_message_that_the_text_repeats_is_not_said_twice() {
    for (message, body) in [
        ("one&#10;two", "one\ntwo\nat x.py:3"),
        (
            "AssertionError: one&#10;assert 1 == 2",
            "def test():\nE   AssertionError: one\nE   assert 1 == 2\n\nt.py:3",
        ),
        ("one", "Error: one\nat x"),
        ("one", "another text"),
    ] {
        let xml =
            format!("<testcase name='c'><failure message='{message}'>{body}</failure></testcase>");
        assert_eq!(text(&only(&xml)), body);
    }
    let other = "<testcase name='c'><failure message='one&#10;two'>two\none</failure></testcase>";
    assert_eq!(text(&only(other)), "one\ntwo\n\ntwo\none");
}

#[test]
fn what_is_said_of_a_skip_or_an_earlier_failure_is_kept() {
    let case = only(
        "<testcase name='c'><skipped message='not today:&#10;the valve is replaced'/><system-out>out</system-out></testcase>",
    );
    assert_eq!(
        summary(std::slice::from_ref(&case)),
        [" | c | skipped: not today:"]
    );
    assert_eq!(case.output, "not today:\nthe valve is replaced\n\nout");
    for (skip, output) in [
        ("<skipped message='why'/>", ""),
        ("<skipped>why</skipped>", ""),
        ("<skipped message='why'>why</skipped>", ""),
        (
            "<skipped message='why'>t.py:3: why</skipped>",
            "t.py:3: why",
        ),
    ] {
        let case = only(&format!("<testcase name='c'>{skip}</testcase>"));
        assert_eq!(
            summary(std::slice::from_ref(&case)),
            [" | c | skipped: why"]
        );
        assert_eq!(case.output, output, "{skip}");
    }
    let flaky = only(
        "<testcase name='c'><flakyFailure message='lamp&#10;off'>at x</flakyFailure><system-out>out</system-out></testcase>",
    );
    assert_eq!(
        flaky.output,
        "testplan: it failed before it passed\n\nlamp\noff\n\nat x\n\nout"
    );
}

#[test]
fn attachments_are_named_in_output_and_in_properties() {
    let attachments = |content: &str| {
        let case = only(&format!("<testcase name='c'>{content}</testcase>"));
        (case.attachments, case.output)
    };
    for content in [
        "<properties><property name='attachment' value='shots/lamp.png'/></properties>",
        "<properties><property name='Attachment'> shots/lamp.png </property></properties>",
        "<property name='attachment' value='shots/lamp.png'/>",
        "<properties><property name='testrail_attachment' value='shots/lamp.png'>x</property></properties>",
        "<properties><property name='attachments'><property name='attachment' value='shots/lamp.png'/></property></properties>",
        "<properties><properties><property name='attachment' value='shots/lamp.png'/></properties></properties>",
        "<system-out>[[ATTACHMENT|shots/lamp.png]]</system-out>",
        "<properties><property name='attachment' value='shots/lamp.png'/></properties><system-err>[[ATTACHMENT|shots/lamp.png]]</system-err>",
    ] {
        assert_eq!(
            attachments(content),
            (vec!["shots/lamp.png".to_owned()], String::new()),
            "{content}"
        );
    }
    let (two, _) = attachments(
        "<properties><property name='attachment' value='a.png'/><property name='attachment' value='b.png'/></properties>\
         <system-out>[[ATTACHMENT|c.png]]</system-out>",
    );
    assert_eq!(two, ["a.png", "b.png", "c.png"]);
    let (none, output) = attachments(
        "<properties><property name='attachment' value='a&#10;b'/><property name='attachment' value=''/>\
         <property name='other' value='x.png'/></properties>",
    );
    assert!(
        none.is_empty() && output.contains("not an attachment"),
        "{output}"
    );
    let of_suite = "<testsuite><properties><property name='attachment' value='a.png'/></properties><testcase name='c'/></testsuite>";
    assert!(only(of_suite).attachments.is_empty());
    let failure = "<testcase name='c'><properties><property name='attachment' value='a.png'/></properties><failure>f</failure></testcase>";
    assert_eq!(summary(&cases(failure)), [" | c | failed: f"]);
}

#[test]
fn text_is_read_whatever_it_is() {
    let case = only(
        "<testcase name='&lt;&nbsp;&#228;&#x1b;&bogus &'><failure>a &unknown; & b &#0; c</failure></testcase>",
    );
    assert_eq!(case.name, "&lt;&nbsp;&#228;&#x1b;&bogus &");
    assert_eq!(text(&case), "a &unknown; & b &#0; c");
    let case = only("<testcase name='&lt;&#228;\n'/>");
    assert_eq!(case.name, "<ä\n");
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><testcase name='f\xfcr'/>";
    assert_eq!(read(&latin[..]).unwrap()[0].name, "für");
    assert_eq!(
        read(&b"<testcase name='f\xfcr\x08'/>"[..]).unwrap()[0].name,
        "f\u{fffd}r\u{8}"
    );
}

#[test]
fn long_text_keeps_both_ends_and_all_text_is_bounded() {
    let long = format!("begin{}end", "x".repeat(1 << 20));
    let case = only(&format!(
        "<testcase name='c'><failure>{long}</failure></testcase>"
    ));
    assert!(text(&case).len() < 70_000);
    assert!(text(&case).starts_with("begin") && text(&case).ends_with("end"));

    let one = format!(
        "<testcase name='c'><system-out>{}</system-out></testcase>",
        "y".repeat(60_000)
    );
    let many = cases(&format!("<testsuite>{}</testsuite>", one.repeat(400)));
    assert_eq!(many.len(), 400);
    let kept: usize = many.iter().map(|case| case.output.len()).sum();
    assert!((16_000_000..17_000_000).contains(&kept), "{kept}");
}

#[test]
fn more_cases_than_a_record_takes_keep_the_failures() {
    let passed = "<testcase name='p'/>".repeat(MAX_CASES + 5);
    let cases = cases(&format!(
        "<testsuite>{passed}<testcase name='f'><failure/></testcase></testsuite>"
    ));
    assert_eq!(cases.len(), MAX_CASES);
    assert!(summary(&cases).last().unwrap().contains("| f | failed"));
}

#[test]
fn a_doctype_is_refused_with_its_line() {
    let bomb = "<?xml version='1.0'?>\n<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>\n\
                <testsuite><testcase name='&b;'/></testsuite>";
    let error = error(bomb.as_bytes());
    assert_eq!(error.line, Some(2));
    assert!(error.message.contains("DOCTYPE"), "{error}");
    let external = "<!DOCTYPE x SYSTEM 'file:///etc/passwd'><testsuite/>";
    assert!(read(external.as_bytes()).is_err());
}

#[test]
fn bounds_are_errors_and_not_passes() {
    let deep = format!("{}{}", "<testsuite>".repeat(65), "</testsuite>".repeat(65));
    assert!(error(deep.as_bytes()).message.contains("deeper than 64"));
    let attributes = " a='x'".repeat(257);
    let wide = format!("<testsuite>\n<testcase{attributes}/></testsuite>");
    let error = error(wide.as_bytes());
    assert!(error.message.contains("256 attributes"), "{error}");
    assert_eq!(error.line, Some(2));
}

#[test]
fn broken_files_say_where() {
    let table: [(&[u8], u64, &str); 12] = [
        (b"", 1, "empty"),
        (b"  \n ", 2, "empty"),
        (
            b"<testsuite>\n<testcase name='a'/>\n<testcase name='b'>\n",
            4,
            "inside a test case",
        ),
        (b"<testsuite>\n<testcase name='a'/>", 2, "inside a suite"),
        (
            b"<testsuite>\n<testcase name='a'></testsuite>",
            2,
            "testcase",
        ),
        (
            b"<html>\n<body/></html>",
            1,
            "not a result file but an HTML page: begins with \"<html>",
        ),
        (
            b"<page>\n<body/></page>",
            2,
            "not JUnit: its root is <page>",
        ),
        (b"\xff\xfe<\0t\0", 1, "inside its first element"),
        (b"\xff\xfe\0\0<\0\0\0", 1, "UTF-32"),
        (
            b"\nNO REPORT: <sim> did not boot\n",
            1,
            "not XML: begins with \"NO REPORT",
        ),
        (
            b"{\"tests\": [\"<a>\"]}",
            1,
            "not XML but JSON: begins with",
        ),
        (
            b"<testsuite>\n<testcase name=a/></testsuite>",
            2,
            "attribute",
        ),
    ];
    for (xml, line, says) in table {
        let error = error(xml);
        assert_eq!(error.line, Some(line), "{error}");
        assert!(error.message.contains(says), "{error}");
    }
}

#[test]
fn a_file_that_breaks_off_is_never_read_as_whole() {
    for fixture in [PYTEST, NODE, NEXTEST] {
        let whole = fixture.trim_end().as_bytes();
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "read after {end} bytes");
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }

    #[test]
    fn arbitrary_markup_never_panics(parts in prop::collection::vec(prop::sample::select(vec![
        "<testsuites>", "</testsuites>", "<testsuite name='s' errors='1'>", "</testsuite>", "<testcase name='c' time='1,2'>",
        "<testcase/>", "</testcase>", "<failure message='m'>", "</failure>", "<error>", "</error>", "<skipped/>", "<system-out>",
        "</system-out>", "<flakyFailure>", "</flakyFailure>", "<![CDATA[", "]]>", "<!--", "-->", "&amp;", "&#x110000;", "text", "é",
        "<?xml version='1.0' encoding='latin1'?>", "<", ">", "'", "\u{0}",
    ]), 0..30)) {
        let _ = read(parts.concat().as_bytes());
    }

    #[test]
    fn a_damaged_file_never_panics(at in 0usize..2000, byte in any::<u8>()) {
        for fixture in [PYTEST, NODE, NEXTEST] {
            let mut bytes = fixture.as_bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = read(&bytes);
        }
    }

    #[test]
    fn names_and_messages_come_back_as_they_were(name in "[^\u{0}]{1,50}", message in "[a-z<>&\"' ]{0,50}") {
        let escaped = |text: &str| quick_xml::escape::escape(text).into_owned();
        let xml = format!("<testcase name=\"{}\"><failure message=\"{}\"/></testcase>", escaped(&name), escaped(&message));
        let case = only(&xml);
        prop_assert_eq!(&case.name, &name);
        let CaseVerdict::Failed(trouble) = case.verdict else { panic!() };
        prop_assert_eq!(trouble.message, message.trim());
    }
}
