//! One process ran one test: which cases of its result files speak for it, and whether it ran at all.
//!
//! Several runners write every test of a file, those that were not selected as skipped (vitest, jest, Bun, Deno, behave,
//! Boost.Test, Criterion). Those leave, or each of 300 tests would be reported 300 times. And where the file shows nothing
//! but skipped tests, the requested one has to be among them with a reason of its own: a selection that matches nothing
//! looks the same, and ends with exit code 0.

use super::{
    combined_verdict::{CombinedVerdict, sum},
    requested_name::{Relation, RequestedName},
};
use crate::model::{CaseResult, Test, TestVerdict, outcome::CaseVerdict};

/// How a tool names its cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameMatching {
    /// With the words that the test is called by.
    #[default]
    Same,
    /// In any way: whatever ran speaks for the test.
    Any,
}

/// What the cases say of the requested test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributed {
    /// The cases that speak for it.
    pub cases: Vec<CaseResult>,
    /// What they come to.
    pub found: Found,
}

/// Whether the requested test ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It did, or was skipped for a reason of its own.
    Result(CombinedVerdict),
    /// Nothing shows that it did: why, in words.
    NotRun(String),
}

/// Decides which cases speak for a test that had a process of its own, and what they come to. `says_passed` is what the
/// exit code says: a failure that the tool expects counts as a skip where the tool passes.
pub fn attribute(
    test: &Test,
    mut cases: Vec<CaseResult>,
    says_passed: bool,
    names: NameMatching,
) -> Attributed {
    if says_passed {
        cases.iter_mut().for_each(excuse);
    }
    // Where nothing but a set-up ran, the test did not.
    if cases.iter().all(|case| is_skip(case) || is_hook(case)) {
        cases.retain(|case| !is_hook(case));
    }
    if cases.is_empty() {
        return not_run(cases, "ran no test".to_owned());
    }
    let naming = RequestedName::new(test);
    let mut relations: Vec<Relation> = cases.iter().map(|case| naming.relation(case)).collect();
    // A pattern holds for all files of a call: the test of this file is no other one's.
    if cases.iter().any(|case| naming.is_exact(case)) {
        for (case, relation) in cases.iter().zip(&mut relations) {
            if naming.is_elsewhere(case) {
                *relation = Relation::None;
            }
        }
    }
    let is_named = relations.contains(&Relation::Named);
    let ran = cases.iter().filter(|case| !is_skip(case)).count();
    if ran == 0 {
        return all_skipped(&naming, cases, &relations);
    }
    let named_ran = cases
        .iter()
        .zip(&relations)
        .any(|(case, relation)| *relation == Relation::Named && !is_skip(case));
    let sum_of_all = sum(&cases);
    // Others ran, it did not: a fixture of a test that is switched off, or another test in its place.
    if is_named && !named_ran && sum_of_all.is_some_and(|sum| sum.verdict == TestVerdict::Passed) {
        let own_reason = cases
            .iter()
            .zip(&relations)
            .any(|(case, relation)| *relation == Relation::Named && has_own_reason(case));
        let cases = named_only(cases, &relations);
        if !own_reason {
            let why = "its result file shows the test as skipped without a reason, and another test as passed: the \
                       command ran another test";
            return not_run(cases, why.to_owned());
        }
        return result(cases);
    }
    if sum_of_all.is_some_and(|sum| sum.verdict == TestVerdict::Passed)
        && !(is_named || names == NameMatching::Any || may_speak(&naming, &cases, &relations))
    {
        let why = format!(
            "its result file shows {} that ran, and none is named like the requested test: the command ran another test; if \
             the tool names its cases otherwise, add `names: any` to runner.results in testplan.yml",
            tests(ran)
        );
        return not_run(cases, why);
    }
    // Where nothing is named like the test, one case that ran is it; of several, all are.
    let skips_leave = is_named || ran == 1;
    let mut relation = relations.into_iter();
    cases.retain(|case| {
        let named = relation.next() == Some(Relation::Named);
        !is_skip(case) || named || !(skips_leave && (is_named || !has_own_reason(case)))
    });
    result(cases)
}

/// Whether cases that are not named like the test may speak for it: the test is a place in a file, or what ran lies in
/// what was asked for, or is what the test is a row of.
fn may_speak(naming: &RequestedName<'_>, cases: &[CaseResult], relations: &[Relation]) -> bool {
    let ran = cases
        .iter()
        .zip(relations)
        .filter(|(case, _)| !is_skip(case));
    let mut ran = ran.filter(|(case, _)| !is_hook(case));
    naming.is_a_place()
        || ran.any(|(case, relation)| *relation == Relation::Within || naming.is_part_of(case))
}

/// What it means that the files show nothing but skipped tests.
fn all_skipped(
    naming: &RequestedName<'_>,
    cases: Vec<CaseResult>,
    relations: &[Relation],
) -> Attributed {
    let is_only = cases.len() == 1;
    if relations.contains(&Relation::Named) {
        let named = named_only(cases, relations);
        if is_only || named.len() == relations.len() || named.iter().any(has_own_reason) {
            return result(named);
        }
        let why = format!(
            "its result file shows the test as skipped without a reason, like {} that {} not asked for: the command may \
             have selected nothing; leave a test that is always skipped out of the plan",
            tests(relations.len() - named.len()),
            if relations.len() - named.len() == 1 {
                "was"
            } else {
                "were"
            },
        );
        return not_run(named, why);
    }
    let all_have_reasons = cases.iter().all(has_own_reason);
    let is_container = relations
        .iter()
        .all(|relation| *relation == Relation::Within);
    if all_have_reasons || is_container || is_only && naming.is_a_place() {
        return result(cases);
    }
    let why = format!(
        "ran no test: its result file has {}, skipped without a reason, and no case is named like the requested test",
        tests(cases.len())
    );
    not_run(Vec::new(), why)
}

/// The cases of an uploaded file that are results, where the requested test is not known: a test that is skipped without a
/// reason beside others may just not have been selected, and its own upload says what became of it.
pub fn selected(mut cases: Vec<CaseResult>) -> Vec<CaseResult> {
    if cases.len() > 1 {
        cases.retain(|case| !is_skip(case) || has_own_reason(case));
    }
    cases
}

fn result(cases: Vec<CaseResult>) -> Attributed {
    let found = match sum(&cases) {
        Some(sum) => Found::Result(sum),
        None => Found::NotRun("ran no test".to_owned()),
    };
    Attributed { cases, found }
}

fn not_run(cases: Vec<CaseResult>, why: String) -> Attributed {
    let found = Found::NotRun(why);
    Attributed { cases, found }
}

fn named_only(cases: Vec<CaseResult>, relations: &[Relation]) -> Vec<CaseResult> {
    let cases = cases.into_iter().zip(relations);
    cases
        .filter_map(|(case, relation)| (*relation == Relation::Named).then_some(case))
        .collect()
}

fn tests(count: usize) -> String {
    match count {
        1 => "1 test".to_owned(),
        count => format!("{count} tests"),
    }
}

/// A failure that the tool expects is a skip, as a known defect is in most tools.
fn excuse(case: &mut CaseResult) {
    if let CaseVerdict::Failed(trouble) | CaseVerdict::Error(trouble) = &case.verdict
        && trouble.is_expected
    {
        let message = match trouble.message.as_str() {
            "" => "expected failure".to_owned(),
            message => format!("expected failure: {message}"),
        };
        case.verdict = CaseVerdict::Skipped { message };
    }
}

/// Qt Test writes what goes before and after all test functions as if it were one of them.
fn is_hook(case: &CaseResult) -> bool {
    matches!(case.verdict, CaseVerdict::Passed { .. })
        && matches!(case.name.as_str(), "initTestCase" | "cleanupTestCase")
}

fn is_skip(case: &CaseResult) -> bool {
    matches!(case.verdict, CaseVerdict::Skipped { .. })
}

/// Whether a skipped case says why, in words that are not those of a selection.
fn has_own_reason(case: &CaseResult) -> bool {
    // Node 20 and earlier, of tests that the pattern does not select.
    const OF_A_SELECTION: [&str; 2] = ["test name does not match pattern", "'only' option not set"];
    match &case.verdict {
        CaseVerdict::Skipped { message } => {
            !message.trim().is_empty() && !OF_A_SELECTION.contains(&message.trim())
        }
        CaseVerdict::Passed { .. } | CaseVerdict::Failed(_) | CaseVerdict::Error(_) => true,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::outcome::Trouble;

    pub(in crate::attribution) fn case(
        classname: &str,
        name: &str,
        verdict: CaseVerdict,
    ) -> CaseResult {
        CaseResult {
            classname: classname.to_owned(),
            name: name.to_owned(),
            verdict,
            duration_ms: None,
            file: None,
            line: None,
            output: String::new(),
            attachments: Vec::new(),
        }
    }

    pub(in crate::attribution) fn passed() -> CaseVerdict {
        CaseVerdict::Passed { flaky: false }
    }

    pub(in crate::attribution) fn failed(message: &str) -> CaseVerdict {
        CaseVerdict::Failed(Trouble {
            message: message.to_owned(),
            ..Trouble::default()
        })
    }

    pub(in crate::attribution) fn skipped(message: &str) -> CaseVerdict {
        CaseVerdict::Skipped {
            message: message.to_owned(),
        }
    }

    fn expected() -> CaseVerdict {
        CaseVerdict::Failed(Trouble {
            is_expected: true,
            ..Trouble::default()
        })
    }

    /// `passed`, `failed`, `skipped` or `not run`, and how many cases stay.
    fn of(
        testcase: &str,
        cases: &[(&str, CaseVerdict)],
        says_passed: bool,
    ) -> (&'static str, usize) {
        let test = Test {
            suite: "file".to_owned(),
            testcase: testcase.to_owned(),
        };
        let cases = cases.iter().map(|(name, it)| case("c", name, it.clone()));
        let attributed = attribute(&test, cases.collect(), says_passed, NameMatching::Same);
        let word = match attributed.found {
            Found::NotRun(_) => "not run",
            Found::Result(sum) => match sum.verdict {
                TestVerdict::Passed => "passed",
                TestVerdict::Failed => "failed",
                TestVerdict::Skipped => "skipped",
            },
        };
        (word, attributed.cases.len())
    }

    #[test]
    fn tests_that_were_not_selected_leave() {
        let others = [("a", passed()), ("b", skipped("")), ("x", skipped(""))];
        assert_eq!(of("a", &others, true), ("passed", 1));
        assert_eq!(of("f.feature:3", &others, true), ("passed", 1));
        let reasons = [("a", passed()), ("b", skipped("needs Windows"))];
        assert_eq!(of("a", &reasons, true), ("passed", 1));
        assert_eq!(of("c", &reasons, true), ("passed", 2));
        let several = [("a", passed()), ("b", passed()), ("x", skipped(""))];
        assert_eq!(of("c", &several, true), ("passed", 3));
    }

    #[test]
    fn a_selection_that_matches_nothing_is_no_skip() {
        let silent = [("a", skipped("")), ("b", skipped(""))];
        assert_eq!(of("gone", &silent, true), ("not run", 0));
        assert_eq!(of("a", &silent, true), ("not run", 1));
        assert_eq!(of("gone", &silent[..1], true), ("not run", 0));
        let node = [("a", skipped("test name does not match pattern"))];
        assert_eq!(of("gone", &node, true), ("not run", 0));
        assert_eq!(of("gone", &[], true), ("not run", 0));
    }

    #[test]
    fn a_test_that_skips_itself_is_skipped() {
        assert_eq!(of("a", &[("a", skipped(""))], true), ("skipped", 1));
        let one = [("a", skipped("needs Windows")), ("b", skipped(""))];
        assert_eq!(of("a", &one, true), ("skipped", 1));
        let module = [
            ("a", skipped("needs Windows")),
            ("b", skipped("needs Windows")),
        ];
        assert_eq!(of("whole file", &module, true), ("skipped", 2));
        assert_eq!(
            of("c", &[("a", skipped("")), ("b", skipped(""))], true),
            ("skipped", 2)
        );
        assert_eq!(
            of("f.feature:3", &[("a", skipped(""))], true),
            ("skipped", 1)
        );
    }

    #[test]
    fn an_upload_does_not_speak_for_tests_that_were_not_selected() {
        let names = |cases: &[(&str, CaseVerdict)]| -> Vec<String> {
            let cases = cases.iter().map(|(name, it)| case("c", name, it.clone()));
            selected(cases.collect())
                .into_iter()
                .map(|it| it.name)
                .collect()
        };
        let file = [
            ("a", passed()),
            ("b", skipped("")),
            ("x", skipped("needs Windows")),
        ];
        assert_eq!(names(&file), ["a", "x"]);
        assert_eq!(names(&file[1..2]), ["b"]);
    }

    #[test]
    fn another_test_that_ran_in_its_place_proves_nothing() {
        let another = [("a", skipped("")), ("b", passed())];
        assert_eq!(of("a", &another, true), ("not run", 1));
        let fixture = [("a", skipped("SKIP_RETURN_CODE=77")), ("set_up", passed())];
        assert_eq!(of("a", &fixture, true), ("skipped", 1));
        let broken = [("a", skipped("")), ("set_up", failed("no database"))];
        assert_eq!(of("a", &broken, true).0, "failed");
    }

    #[test]
    fn a_test_of_the_same_name_elsewhere_is_another_one() {
        let test = Test {
            suite: "a.test.js".to_owned(),
            testcase: "adds".to_owned(),
        };
        let cases = vec![
            case("a.test.js", "adds", skipped("")),
            case("b.test.js", "adds", passed()),
        ];
        let attributed = attribute(&test, cases, true, NameMatching::Same);
        assert!(
            matches!(attributed.found, Found::NotRun(_)),
            "{attributed:?}"
        );
    }

    #[test]
    fn another_test_alone_proves_nothing() {
        let another = [("test_smoke", passed())];
        assert_eq!(of("test_pay", &another, true), ("not run", 1));
        let row = [("row", passed())];
        assert_eq!(of("row:one", &row, true), ("passed", 1));
        let test = Test {
            suite: "s".to_owned(),
            testcase: "test_pay".to_owned(),
        };
        let cases = vec![case("c", "test_smoke", passed())];
        let attributed = attribute(&test, cases, true, NameMatching::Any);
        assert!(matches!(attributed.found, Found::Result(_)));
    }

    #[test]
    fn a_set_up_alone_proves_nothing() {
        let hooks = [("initTestCase", passed()), ("cleanupTestCase", passed())];
        assert_eq!(of("a", &hooks, true), ("not run", 0));
        let skip = [hooks[0].clone(), ("a", skipped("")), hooks[1].clone()];
        assert_eq!(of("a", &skip, true), ("skipped", 1));
        assert_eq!(of("a:gone", &skip, true), ("not run", 0));
        let ran = [hooks[0].clone(), ("a", passed()), hooks[1].clone()];
        assert_eq!(of("a", &ran, true), ("passed", 3));
    }

    #[test]
    fn an_expected_failure_is_one_only_if_the_tool_passes() {
        assert_eq!(of("a", &[("a", expected())], true), ("skipped", 1));
        assert_eq!(of("a", &[("a", expected())], false), ("failed", 1));
        assert_eq!(of("a", &[("a", failed("x"))], true), ("failed", 1));
    }
}
