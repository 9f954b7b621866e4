//! Decides whether a process that ran one test really ran it, and which cases of its result files belong to the test.
//!
//! Several tools write every test of a file, and those that were not selected as skipped (vitest, jest, Bun, Deno, behave,
//! Boost.Test, Criterion). Such cases are dropped, because otherwise each of 300 tests would be reported 300 times. If the
//! file shows only skipped tests, the requested one must be among them with a reason of its own: a selection that matches
//! nothing looks the same and ends with exit code 0.

use super::{
    combined_verdict::{CombinedVerdict, combine},
    requested_name::{CaseWords, Relation, RequestedName},
};
use crate::model::{CaseResult, Test, TestVerdict, outcome::CaseVerdict};

/// Which cases can be the requested test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameMatching {
    /// Those that have the words of its name.
    #[default]
    Same,
    /// All: the tool names its cases in another way.
    Any,
}

/// The cases that belong to the requested test, and its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attribution {
    /// The cases that belong to it.
    pub(crate) cases: Vec<CaseResult>,
    /// Its verdict; it was skipped only if it has a reason of its own.
    pub(crate) verdict: Result<CombinedVerdict, NotRun>,
}

/// Why no case shows that the requested test ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRun(pub String);

/// Decides for a test that had a process of its own. `exit_passed` is the verdict of the exit code: if it is a pass, a
/// failure that the tool expects counts as a skip.
pub(crate) fn attribute(
    test: &Test,
    mut cases: Vec<CaseResult>,
    exit_passed: bool,
    names: NameMatching,
) -> Attribution {
    if exit_passed {
        cases.iter_mut().for_each(excuse_expected_failure);
    }
    // If nothing but a set-up ran, the test did not.
    if cases.iter().all(|case| is_skip(case) || is_hook(case)) {
        cases.retain(|case| !is_hook(case));
    }
    if cases.is_empty() {
        return not_run(cases, "ran no test".to_owned());
    }
    let name = RequestedName::new(test);
    let mut cases = relate(&name, cases);
    let is_named = cases.iter().any(RelatedCase::is_named);
    let ran = cases.iter().filter(|it| it.ran()).count();
    if ran == 0 {
        return all_skipped(&name, cases);
    }
    let combined = combine(cases.iter().map(|it| &it.case));
    let all_passed = combined.is_some_and(|it| it.verdict == TestVerdict::Passed);
    // A fixture ran for a test that is switched off, or another test ran instead.
    if all_passed && is_named && !cases.iter().any(|it| it.is_named() && it.ran()) {
        let named = named_only(cases);
        if named.iter().any(has_own_reason) {
            return result(named);
        }
        let why = "its result file shows the test as skipped without a reason, and another test as passed: the command ran \
                   another test";
        return not_run(named, why.to_owned());
    }
    if all_passed && !is_named && names == NameMatching::Same && !may_be_unnamed(&name, &cases) {
        let why = format!(
            "its result file shows {} that ran, and none is named like the requested test: the command ran another test; if \
             the tool names its cases otherwise, add `names: any` to runner.results in testplan.yml",
            tests(ran)
        );
        return not_run(into_results(cases), why);
    }
    // If no case is named like the test, the only one that ran is the test, or all if several ran.
    cases.retain(|it| {
        let is_unselected = is_named || ran == 1 && !has_own_reason(&it.case);
        it.ran() || it.is_named() || !is_unselected
    });
    result(into_results(cases))
}

/// A case, and its relation to the requested test.
struct RelatedCase {
    case: CaseResult,
    relation: Relation,
}

impl RelatedCase {
    fn is_named(&self) -> bool {
        self.relation == Relation::Named
    }

    fn ran(&self) -> bool {
        !is_skip(&self.case)
    }
}

fn relate(name: &RequestedName<'_>, cases: Vec<CaseResult>) -> Vec<RelatedCase> {
    // A pattern selects in all files of a call: if the test of the requested file is among the cases, a test with the same
    // name in another file is another test.
    let has_exact = cases
        .iter()
        .any(|case| name.is_exact(&CaseWords::new(case)));
    let related = cases.into_iter().map(|case| {
        let words = CaseWords::new(&case);
        let relation = if has_exact && name.is_elsewhere(&words) {
            Relation::None
        } else {
            name.relation(&words)
        };
        RelatedCase { case, relation }
    });
    related.collect()
}

/// Whether cases with other names may be the test: it is a place in a file, or a case that ran lies in what was requested
/// or is what the test is a row of.
fn may_be_unnamed(name: &RequestedName<'_>, cases: &[RelatedCase]) -> bool {
    let mut ran = cases.iter().filter(|it| it.ran() && !is_hook(&it.case));
    name.is_a_place() || ran.any(|it| it.relation == Relation::Within || name.is_part_of(&it.case))
}

/// Decides if the files show only skipped tests.
fn all_skipped(name: &RequestedName<'_>, cases: Vec<RelatedCase>) -> Attribution {
    let total = cases.len();
    let is_only = total == 1;
    if cases.iter().any(RelatedCase::is_named) {
        let named = named_only(cases);
        let others = total - named.len();
        if others == 0 || named.iter().any(has_own_reason) {
            return result(named);
        }
        let why = format!(
            "its result file shows the test as skipped without a reason, like {} that {} not asked for: the command may \
             have selected nothing; leave a test that is always skipped out of the plan",
            tests(others),
            if others == 1 { "was" } else { "were" },
        );
        return not_run(named, why);
    }
    let all_have_reasons = cases.iter().all(|it| has_own_reason(&it.case));
    let is_container = cases.iter().all(|it| it.relation == Relation::Within);
    if all_have_reasons || is_container || is_only && name.is_a_place() {
        return result(into_results(cases));
    }
    let why = format!(
        "ran no test: its result file has {}, skipped without a reason, and no case is named like the requested test",
        tests(total)
    );
    not_run(Vec::new(), why)
}

/// Drops the cases of an uploaded file that are no results. The requested test is not known there: a test that is skipped
/// without a reason beside others may not have been selected, and its own upload has its result.
pub(crate) fn without_unselected(mut cases: Vec<CaseResult>) -> Vec<CaseResult> {
    if cases.len() > 1 {
        cases.retain(|case| !is_skip(case) || has_own_reason(case));
    }
    cases
}

fn result(cases: Vec<CaseResult>) -> Attribution {
    let verdict = combine(&cases).ok_or_else(|| NotRun("ran no test".to_owned()));
    Attribution { cases, verdict }
}

fn not_run(cases: Vec<CaseResult>, why: String) -> Attribution {
    let verdict = Err(NotRun(why));
    Attribution { cases, verdict }
}

fn named_only(mut cases: Vec<RelatedCase>) -> Vec<CaseResult> {
    cases.retain(RelatedCase::is_named);
    into_results(cases)
}

fn into_results(cases: Vec<RelatedCase>) -> Vec<CaseResult> {
    cases.into_iter().map(|it| it.case).collect()
}

fn tests(count: usize) -> String {
    match count {
        1 => "1 test".to_owned(),
        count => format!("{count} tests"),
    }
}

/// Turns a failure that the tool expects into a skip, as most tools do with a known defect.
pub(super) fn excuse_expected_failure(case: &mut CaseResult) {
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

/// Qt Test writes set-up and clean-up as if they were test functions.
fn is_hook(case: &CaseResult) -> bool {
    matches!(case.verdict, CaseVerdict::Passed { .. })
        && matches!(case.name.as_str(), "initTestCase" | "cleanupTestCase")
}

pub(super) fn is_skip(case: &CaseResult) -> bool {
    matches!(case.verdict, CaseVerdict::Skipped { .. })
}

/// Whether a case ran, or was skipped for a reason other than the selection.
pub(super) fn has_own_reason(case: &CaseResult) -> bool {
    // Node 20 and earlier write these for tests that the pattern does not select.
    const NOT_SELECTED: [&str; 2] = ["test name does not match pattern", "'only' option not set"];
    match &case.verdict {
        CaseVerdict::Skipped { message } => {
            !message.trim().is_empty() && !NOT_SELECTED.contains(&message.trim())
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
        exit_passed: bool,
    ) -> (&'static str, usize) {
        let test = Test {
            suite: "file".to_owned(),
            testcase: testcase.to_owned(),
        };
        let cases = cases.iter().map(|(name, it)| case("c", name, it.clone()));
        let attribution = attribute(&test, cases.collect(), exit_passed, NameMatching::Same);
        let word = match attribution.verdict.map(|it| it.verdict) {
            Err(_) => "not run",
            Ok(TestVerdict::Passed) => "passed",
            Ok(TestVerdict::Failed) => "failed",
            Ok(TestVerdict::Skipped) => "skipped",
        };
        (word, attribution.cases.len())
    }

    #[test]
    fn unselected_tests_are_dropped() {
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
    fn selection_that_matches_nothing_is_not_a_skip() {
        let silent = [("a", skipped("")), ("b", skipped(""))];
        assert_eq!(of("gone", &silent, true), ("not run", 0));
        assert_eq!(of("a", &silent, true), ("not run", 1));
        assert_eq!(of("gone", &silent[..1], true), ("not run", 0));
        let node = [("a", skipped("test name does not match pattern"))];
        assert_eq!(of("gone", &node, true), ("not run", 0));
        assert_eq!(of("gone", &[], true), ("not run", 0));
    }

    #[test]
    fn test_that_skips_itself_is_skipped() {
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
    fn unselected_tests_of_an_upload_are_dropped() {
        let names = |cases: &[(&str, CaseVerdict)]| -> Vec<String> {
            let cases = cases.iter().map(|(name, it)| case("c", name, it.clone()));
            without_unselected(cases.collect())
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
    fn skipped_test_did_not_run_if_another_passed() {
        let another = [("a", skipped("")), ("b", passed())];
        assert_eq!(of("a", &another, true), ("not run", 1));
        let fixture = [("a", skipped("SKIP_RETURN_CODE=77")), ("set_up", passed())];
        assert_eq!(of("a", &fixture, true), ("skipped", 1));
        let broken = [("a", skipped("")), ("set_up", failed("no database"))];
        assert_eq!(of("a", &broken, true).0, "failed");
    }

    #[test]
    fn equal_name_in_another_file_is_another_test() {
        let test = Test {
            suite: "a.test.js".to_owned(),
            testcase: "adds".to_owned(),
        };
        let cases = vec![
            case("a.test.js", "adds", skipped("")),
            case("b.test.js", "adds", passed()),
        ];
        let attribution = attribute(&test, cases, true, NameMatching::Same);
        assert!(attribution.verdict.is_err(), "{attribution:?}");
    }

    #[test]
    fn single_case_with_another_name_is_not_the_test() {
        let another = [("test_smoke", passed())];
        assert_eq!(of("test_pay", &another, true), ("not run", 1));
        let row = [("row", passed())];
        assert_eq!(of("row:one", &row, true), ("passed", 1));
        let test = Test {
            suite: "s".to_owned(),
            testcase: "test_pay".to_owned(),
        };
        let cases = vec![case("c", "test_smoke", passed())];
        let attribution = attribute(&test, cases, true, NameMatching::Any);
        assert!(attribution.verdict.is_ok(), "{attribution:?}");
    }

    #[test]
    fn set_up_without_test_is_not_a_run() {
        let hooks = [("initTestCase", passed()), ("cleanupTestCase", passed())];
        assert_eq!(of("a", &hooks, true), ("not run", 0));
        let skip = [hooks[0].clone(), ("a", skipped("")), hooks[1].clone()];
        assert_eq!(of("a", &skip, true), ("skipped", 1));
        assert_eq!(of("a:gone", &skip, true), ("not run", 0));
        let ran = [hooks[0].clone(), ("a", passed()), hooks[1].clone()];
        assert_eq!(of("a", &ran, true), ("passed", 3));
    }

    #[test]
    fn expected_failure_is_a_skip_if_the_exit_code_is_a_pass() {
        assert_eq!(of("a", &[("a", expected())], true), ("skipped", 1));
        assert_eq!(of("a", &[("a", expected())], false), ("failed", 1));
        assert_eq!(of("a", &[("a", failed("x"))], true), ("failed", 1));
    }
}
