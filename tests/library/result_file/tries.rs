//! Reports of `squishrunner --retry N`: every try is in them, and the last one counts.

use testplan::{
    model::{CaseResult, outcome::CaseVerdict},
    result_file::{self, Scenarios},
};

use crate::result_file::summary;

fn read(content: &str, scenarios: Scenarios) -> Vec<CaseResult> {
    let xml = format!(
        "<SquishReport version='3.5'><test type='testsuite'><prolog><name>s</name></prolog>{content}<epilog/></test>\
         </SquishReport>"
    );
    let file = result_file::read("results.xml", xml.as_bytes(), scenarios).unwrap();
    assert_eq!(file.counts.total(), file.cases.len() as u64);
    file.cases
}

/// A test of a type with a name, `:LINE` in a file and `*` for a later try that says so.
fn test(kind: &str, name: &str, content: &str) -> String {
    let (name, retry) = match name.strip_suffix('*') {
        Some(name) => (name, " retry='1'"),
        None => (name, ""),
    };
    let (name, location) = match name.split_once(':') {
        Some((name, line)) => (
            name,
            format!("<location><uri>file:///f</uri><lineNo>{line}</lineNo></location>"),
        ),
        None => (name, String::new()),
    };
    format!(
        "<test type='{kind}'{retry}><prolog><name>{name}</name>{location}</prolog>{content}<epilog/></test>"
    )
}

fn case(name: &str, content: &str) -> String {
    test("testcase", name, content)
}

fn scenario(name: &str, content: &str) -> String {
    test("scenario", name, content)
}

fn said(kind: &str, text: &str) -> String {
    format!("<message type='{kind}'><text>{text}</text></message>")
}

fn fail() -> String {
    said("FAIL", "off")
}

fn pass() -> String {
    "<verification><scriptedVerificationResult type='PASS'/></verification>".to_owned()
}

#[track_caller]
fn is(content: &str, each: &[&str], together: &[&str]) {
    assert_eq!(summary(&read(content, Scenarios::Each)), each);
    assert_eq!(summary(&read(content, Scenarios::Together)), together);
}

#[test]
fn the_last_try_of_a_test_case_counts() {
    let both = |lines: &[&str], content: &str| is(content, lines, lines);
    for second in ["a", "a*"] {
        both(
            &["s | a | flaky"],
            &[case("a", &fail()), case(second, &pass())].concat(),
        );
        both(
            &["s | a | failed: off"],
            &[case("a", &pass()), case(second, &fail())].concat(),
        );
        both(
            &["s | a | error: broke"],
            &[
                case("a", &fail()),
                case(second, &fail()),
                case(second, &said("ERROR", "broke")),
            ]
            .concat(),
        );
        both(
            &["s | a | flaky"],
            &[
                case("a", &fail()),
                case(second, &said("ERROR", "broke")),
                case(second, &pass()),
            ]
            .concat(),
        );
    }
    both(
        &["s | b | passed", "s | a | flaky"],
        &[case("a", &fail()), case("b", &pass()), case("a", &pass())].concat(),
    );
    // A skip is no try, and in another suite it is another test.
    let skipped = "<test type='testcase'><name>a</name></test>";
    both(
        &["s | a | failed: off", "s | a | skipped: "],
        &(case("a", &fail()) + skipped),
    );
    let aborted = "<test type='testcase'><prolog><name>a</name></prolog></test>";
    both(
        &["s | a | flaky"],
        &(aborted.to_owned() + &case("a", &pass())),
    );
}

#[test]
fn words_and_files_of_earlier_tries_are_kept() {
    let first = fail() + "<message type='LOG'><screenshot>one.png</screenshot></message>";
    let second = pass() + "<message type='LOG'><screenshot>two.png</screenshot></message>";
    let cases = read(
        &[case("a", &first), case("a", &second)].concat(),
        Scenarios::Each,
    );
    assert_eq!(cases[0].attachments, ["two.png", "one.png"]);
    let output = &cases[0].output;
    assert!(
        output.starts_with("testplan: it failed before it passed\n\nEarlier try: off\nFAIL: off"),
        "{output}"
    );
    let failed = read(
        &[case("a", &fail()), case("a", &said("FAIL", "still"))].concat(),
        Scenarios::Each,
    );
    let CaseVerdict::Failed(trouble) = &failed[0].verdict else {
        panic!()
    };
    assert_eq!(trouble.text, "FAIL: still\n\nEarlier try: off\nFAIL: off");
}

#[test]
fn the_last_try_of_a_scenario_counts() {
    for (first, second) in [("x", "x*"), ("x:3", "x:3")] {
        let content =
            scenario(first, &fail()) + &scenario("y", &pass()) + &scenario(second, &pass());
        is(
            &case("a", &test("feature", "f", &content)),
            &["s.a | f / y | passed", "s.a | f / x | flaky"],
            &["s | a | flaky"],
        );
        let content = scenario(first, &pass()) + &scenario(second, &fail());
        is(
            &case("a", &test("feature", "f", &content)),
            &["s.a | f / x | failed: off"],
            &["s | a | failed: off"],
        );
    }
}

#[test]
fn scenarios_that_only_share_a_name_are_two() {
    for second in ["x", "x:4"] {
        is(
            &case(
                "a",
                &(scenario("x:3", &fail()) + &scenario(second, &pass())),
            ),
            &["s.a | x | failed: off", "s.a | x | passed"],
            &["s | a | failed: off"],
        );
    }
    // Both are tried again with their test case.
    let twice = scenario("x:3", &fail()) + &scenario("x:4", &pass());
    is(
        &(case("a", &twice) + &case("a", &twice)),
        &["s.a | x | failed: off", "s.a | x | passed"],
        &["s | a | failed: off"],
    );
}

#[test]
fn tries_nest() {
    let first = scenario("x", &pass()) + &scenario("y", &fail()) + &scenario("y*", &fail());
    let second = scenario("x", &pass()) + &scenario("y", &fail()) + &scenario("y*", &pass());
    is(
        &(case("a", &first) + &case("a*", &second)),
        &["s.a | x | passed", "s.a | y | flaky"],
        &["s | a | flaky"],
    );
    // The first try broke before its scenarios.
    is(
        &(case("a", &said("ERROR", "no start")) + &case("a", &scenario("x", &pass()))),
        &["s.a | x | passed", "s | a | flaky"],
        &["s | a | flaky"],
    );
    // What the last try does not come to keeps its failure.
    is(
        &(case("a", &scenario("x", &fail())) + &case("a", &scenario("y", &pass()))),
        &["s.a | x | failed: off", "s.a | y | passed"],
        &["s | a | flaky"],
    );
}

#[test]
fn rows_and_outlines_are_tried_again() {
    let row = |name: &str, content: &str| test("row", name, content);
    let outline = |name: &str, content: &str| test("scenariooutline", name, content);
    let rows = row("1", &pass()) + &row("2", &fail()) + &row("2*", &pass());
    is(
        &case("a", &outline("o", &rows)),
        &["s.a | o [1] | passed", "s.a | o [2] | flaky"],
        &["s | a | flaky"],
    );
    let first = outline("o:3", &(row("1", &pass()) + &row("2", &fail())));
    for second in ["o:3", "o*"] {
        let second = outline(second, &(row("1", &pass()) + &row("2", &pass())));
        is(
            &case("a", &(first.clone() + &second)),
            &["s.a | o [1] | passed", "s.a | o [2] | flaky"],
            &["s | a | flaky"],
        );
    }
    // Two rows of the same values are two.
    let same = row("1", &fail()) + &row("1", &pass());
    is(
        &case("a", &outline("o:3", &same)),
        &["s.a | o [1] | failed: off", "s.a | o [1] | passed"],
        &["s | a | failed: off"],
    );
}

#[test]
fn suites_before_version_3_have_tries_too() {
    let test = |content: &str| format!("<test name='tst_a'><prolog/>{content}<epilog/></test>");
    let result = |kind: &str| format!("<verification><result type='{kind}'/></verification>");
    let xml = format!(
        "<SquishReport version='2.1'><test name='suite_a'><prolog/>{}{}<epilog/></test></SquishReport>",
        test(&result("FAIL")),
        test(&result("PASS"))
    );
    let file = result_file::read("r", xml.as_bytes(), Scenarios::Each).unwrap();
    assert_eq!(summary(&file.cases), ["suite_a | tst_a | flaky"]);
}
