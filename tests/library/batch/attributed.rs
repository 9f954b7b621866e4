//! Which case belongs to which of many tests, and what follows.

use proptest::prelude::*;
use testplan::{
    attribution::{CalledTest, ManyTests, attribute_many},
    model::{
        CaseResult, Test, TestVerdict,
        outcome::{CaseVerdict, Trouble},
    },
};

fn case(classname: &str, name: &str, verdict: CaseVerdict) -> CaseResult {
    CaseResult {
        classname: classname.to_owned(),
        name: name.to_owned(),
        verdict,
        duration_ms: Some(5),
        file: None,
        line: None,
        output: String::new(),
        attachments: Vec::new(),
    }
}

fn passed() -> CaseVerdict {
    CaseVerdict::Passed { flaky: false }
}

fn failed() -> CaseVerdict {
    CaseVerdict::Failed(Trouble {
        message: "boom".to_owned(),
        ..Trouble::default()
    })
}

fn skipped(message: &str) -> CaseVerdict {
    CaseVerdict::Skipped {
        message: message.to_owned(),
    }
}

fn attributed(tests: &[(&str, &str)], cases: Vec<CaseResult>, exit_passed: bool) -> ManyTests {
    let tests: Vec<Test> = tests
        .iter()
        .map(|(suite, testcase)| Test {
            suite: (*suite).to_owned(),
            testcase: (*testcase).to_owned(),
        })
        .collect();
    let called: Vec<CalledTest<'_>> = tests
        .iter()
        .map(|test| CalledTest {
            test,
            called: &test.testcase,
        })
        .collect();
    attribute_many(&called, cases, exit_passed, None)
}

fn words(many: &ManyTests) -> Vec<&'static str> {
    let word = |verdict: &TestVerdict| match verdict {
        TestVerdict::Passed => "passed",
        TestVerdict::Failed => "failed",
        TestVerdict::Skipped => "skipped",
    };
    many.tests
        .iter()
        .map(|it| it.verdict.as_ref().map_or("alone", |it| word(&it.verdict)))
        .collect()
}

fn verdicts(tests: &[(&str, &str)], cases: Vec<CaseResult>) -> Vec<&'static str> {
    words(&attributed(tests, cases, true))
}

#[test]
fn each_test_has_the_verdict_of_its_own_cases() {
    let tests = [
        ("t/x.py", "T::test_a"),
        ("t/x.py", "test_a"),
        ("t/x.py", "test_b[1]"),
        ("t/y.py", "test_a"),
    ];
    let cases = vec![
        case("t.x.T", "test_a", passed()),
        case("t.x", "test_a", failed()),
        case("t.x", "test_b[1]", skipped("no")),
        case("t.x", "test_b[2]", failed()),
        case("t.y", "test_a", passed()),
    ];
    let many = attributed(&tests, cases, true);
    assert_eq!(words(&many), ["passed", "failed", "skipped", "passed"]);
    assert_eq!(many.strangers, 1);
    assert!(many.tests.iter().all(|it| it.cases.len() == 1));
}

#[test]
fn test_without_a_case_is_never_passed_or_failed() {
    let tests = [("s", "a"), ("s", "gone")];
    assert_eq!(
        verdicts(&tests, vec![case("s", "a", passed())]),
        ["passed", "alone"]
    );
    assert_eq!(
        verdicts(&tests, vec![case("s", "a", failed())]),
        ["failed", "alone"]
    );
    assert_eq!(verdicts(&tests, Vec::new()), ["alone", "alone"]);
    assert_eq!(
        verdicts(&tests, vec![case("s", "other", passed())]),
        ["alone", "alone"]
    );
}

#[test]
fn name_in_another_file_is_another_test() {
    let tests = [("a.test.js", "adds"), ("a.test.js", "S x")];
    let elsewhere = vec![
        case("b.test.js", "adds", passed()),
        case("b.test.js", "S x", failed()),
    ];
    assert_eq!(verdicts(&tests, elsewhere), ["alone", "alone"]);
    let mut by_file = case("S", "x", passed());
    by_file.file = Some("/w/b.test.js".to_owned());
    assert_eq!(verdicts(&tests[1..], vec![by_file.clone()]), ["alone"]);
    by_file.file = Some("/w/a.test.js".to_owned());
    assert_eq!(verdicts(&tests[1..], vec![by_file]), ["passed"]);
}

#[test]
fn case_that_may_be_that_of_two_tests_is_that_of_none() {
    let tests = [("a.js", "adds"), ("b.js", "adds"), ("b.js", "subs")];
    let cases = vec![case("", "adds", passed()), case("", "subs", passed())];
    assert_eq!(verdicts(&tests, cases), ["alone", "alone", "passed"]);
    let similar = [("s", "a b"), ("s", "a-b")];
    assert_eq!(
        verdicts(&similar, vec![case("s", "a_b", passed())]),
        ["alone", "alone"]
    );
    let both = vec![case("s", "a b", passed()), case("s", "a-b", failed())];
    assert_eq!(verdicts(&similar, both.clone()), ["passed", "failed"]);
    assert_eq!(
        verdicts(&similar[..1], both),
        ["passed"],
        "the other was not asked for"
    );
}

#[test]
fn parts_belong_to_their_test() {
    let tests = [("c", "secs"), ("p", "TestSub"), ("p", "TestSub/c")];
    let cases = [
        case("c.global", "secs/one", passed()),
        case("c.global", "secs/two", failed()),
        case("p", "TestSub", passed()),
        case("p", "TestSub/c", failed()),
    ];
    assert_eq!(
        verdicts(&tests[1..], cases[2..].to_vec()),
        ["passed", "failed"]
    );
    let mut own = cases[..2].to_vec();
    for case in &mut own {
        "c".clone_into(&mut case.classname);
    }
    assert_eq!(verdicts(&tests[..1], own), ["failed"]);
}

#[test]
fn failing_hook_decides_for_tests_without_a_case() {
    let tests = [("a.js", "S t1"), ("a.js", "S t2"), ("b.js", "u")];
    let mut hook = case("S", "\"before all\" hook for \"t1\"", failed());
    hook.file = Some("a.js".to_owned());
    let cases = vec![hook.clone(), case("b.js", "u", passed())];
    let many = attributed(&tests, cases, false);
    assert_eq!(words(&many), ["failed", "failed", "passed"]);
    assert!(many.shows_failure);
    assert_eq!(many.tests[0].cases, [hook]);
    let import = vec![
        case("pytest", "t.test_x", failed()),
        case("t.test_y", "b", passed()),
    ];
    let tests = [("t/test_x.py", "a"), ("t/test_y.py", "b")];
    assert_eq!(
        words(&attributed(&tests, import, false)),
        ["failed", "passed"]
    );
}

#[test]
fn failure_of_no_test_is_never_lost() {
    let tests = [("a.js", "t1"), ("a.js", "t2")];
    let both = || vec![case("a.js", "t1", passed()), case("a.js", "t2", passed())];
    let with = |name: &str, class: &str| {
        let mut cases = both();
        cases.push(case(class, name, failed()));
        words(&attributed(&tests, cases, false))
    };
    assert_eq!(with("afterAll", "a.js"), ["alone", "alone"]);
    assert_eq!(
        with("vitest unhandled errors", "vitest"),
        ["alone", "alone"]
    );
    assert_eq!(with("(outside any test case)", ""), ["alone", "alone"]);
    let mut crash = both();
    crash[1].duration_ms = Some(0);
    crash.push(case("a.js", "(worker crashed)", failed()));
    let three = [tests[0], tests[1], ("a.js", "t3")];
    assert_eq!(
        words(&attributed(&three, crash, false)),
        ["passed", "alone", "alone"],
        "what took no time may not have run"
    );
}

#[test]
fn failure_of_a_test_that_was_not_asked_for_explains_nothing() {
    let tests = [("s", "a")];
    let cases = vec![case("s", "a", passed()), case("s", "b", failed())];
    let many = attributed(&tests, cases, false);
    assert!(!many.shows_failure);
    assert_eq!(words(&many), ["passed"]);
}

#[test]
fn skips_of_unselected_tests_are_not_results() {
    let tests = [("s", "a"), ("s", "b")];
    let silent = vec![case("s", "a", skipped("")), case("s", "b", passed())];
    assert_eq!(verdicts(&tests, silent.clone()), ["skipped", "passed"]);
    let mut with_others = silent;
    with_others.push(case("s", "x", skipped("")));
    assert_eq!(verdicts(&tests, with_others), ["alone", "passed"]);
}

#[test]
fn expected_failure_depends_on_the_exit_code() {
    let expected = CaseVerdict::Failed(Trouble {
        is_expected: true,
        ..Trouble::default()
    });
    let tests = [("s", "a"), ("s", "b")];
    let cases = vec![case("s", "a", expected), case("s", "b", failed())];
    assert_eq!(
        words(&attributed(&tests, cases.clone(), true)),
        ["skipped", "failed"]
    );
    assert_eq!(
        words(&attributed(&tests, cases, false)),
        ["alone", "failed"]
    );
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab]{1,2}",
        "[ab]{1,2}[ :.,*()\\[\\]-]{1,2}[ab]{0,2}",
        Just("\"before all\" hook".to_owned()),
        Just("(worker crashed)".to_owned()),
    ]
}

fn any_case() -> impl Strategy<Value = CaseResult> {
    let verdict = prop_oneof![
        3 => Just(passed()),
        2 => Just(failed()),
        1 => Just(skipped("")),
        1 => Just(skipped("why")),
    ];
    ("[st]", name(), verdict, 0..3u64).prop_map(|(class, name, verdict, ms)| CaseResult {
        duration_ms: Some(ms),
        ..case(&class, &name, verdict)
    })
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn verdicts_need_evidence_of_their_own(
        tests in prop::collection::btree_set(("[st]", name()), 1..6),
        cases in prop::collection::vec(any_case(), 0..8),
        exit_passed: bool,
    ) {
        let tests: Vec<(&str, &str)> = tests.iter().map(|(s, t)| (s.as_str(), t.as_str())).collect();
        let many = attributed(&tests, cases.clone(), exit_passed);
        prop_assert_eq!(many.tests.len(), tests.len());
        for ((suite, testcase), found) in tests.iter().zip(&many.tests) {
            let Ok(verdict) = &found.verdict else { continue };
            let whole = letters(suite) + &letters(testcase);
            // A pass comes from cases of the same name that passed, and no case of exactly this name failed.
            if verdict.verdict == TestVerdict::Passed {
                prop_assert!(!found.cases.is_empty());
                for case in &found.cases {
                    prop_assert!(letters(&case.name).starts_with(&letters(testcase)) || whole.ends_with(&letters(&case.name)));
                    let is_failure = matches!(case.verdict, CaseVerdict::Failed(_) | CaseVerdict::Error(_));
                    prop_assert!(!is_failure);
                }
                let failed_too = cases.iter().any(|case| {
                    case.classname == *suite && case.name == *testcase && matches!(case.verdict, CaseVerdict::Failed(_))
                });
                prop_assert!(!failed_too);
            }
        }
    }

    #[test]
    fn order_of_cases_does_not_matter(
        tests in prop::collection::btree_set(("[st]", name()), 1..6),
        cases in prop::collection::vec(any_case(), 0..8).prop_shuffle(),
        exit_passed: bool,
    ) {
        let tests: Vec<(&str, &str)> = tests.iter().map(|(s, t)| (s.as_str(), t.as_str())).collect();
        let mut sorted = cases.clone();
        sorted.sort_by_key(|case| format!("{case:?}"));
        prop_assert_eq!(
            words(&attributed(&tests, cases, exit_passed)),
            words(&attributed(&tests, sorted, exit_passed))
        );
    }

    #[test]
    fn tests_that_were_not_asked_for_change_nothing(
        tests in prop::collection::btree_set(("[st]", "[ab]{1,2}"), 1..6),
        cases in prop::collection::vec(("[st]", "[ab]{1,2}"), 0..8),
    ) {
        let tests: Vec<(&str, &str)> = tests.iter().map(|(s, t)| (s.as_str(), t.as_str())).collect();
        let all: Vec<CaseResult> = cases.iter().map(|(s, t)| case(s, t, passed())).collect();
        let asked = all
            .iter()
            .filter(|case| tests.contains(&(case.classname.as_str(), case.name.as_str())))
            .cloned()
            .collect();
        prop_assert_eq!(verdicts(&tests, all), verdicts(&tests, asked));
    }
}
