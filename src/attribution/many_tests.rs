//! Decides for a process that ran many tests: which cases belong to which requested test, and what each of them proves.
//!
//! A case belongs to the test whose name it has most surely, and to none if two tests have it equally. A test without a case
//! of its own is not run: nothing follows from its absence, neither a pass nor a failure. A failure that belongs to no
//! test counts if it speaks for a hook, a class or a file: for the tests there that have no case, and if all have one, their
//! passes are not believed, because the failure would be lost. Other cases are those of tests that were not asked for.

use super::{
    case_pattern::CasePattern,
    combined_verdict::{CombinedVerdict, combine},
    outside_failure::{OutsideKind, outside_kind},
    requested_name::{CaseWords, NameLikeness, RequestedName, words},
    requested_test::{NotRun, excuse_expected_failure, has_own_reason, is_skip},
};
use crate::model::{CaseResult, Test, TestVerdict, outcome::CaseVerdict};

/// A test of a call.
#[derive(Clone, Copy, Debug)]
pub struct CalledTest<'a> {
    /// The test.
    pub test: &'a Test,
    /// What the command calls it.
    pub called: &'a str,
}

/// The cases of one test, and what they prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCases {
    /// The cases that belong to it.
    pub cases: Vec<CaseResult>,
    /// Its verdict, or why there is none.
    pub verdict: Result<CombinedVerdict, NotRun>,
}

/// What the cases of a call say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManyTests {
    /// One for each requested test, in their order.
    pub tests: Vec<TestCases>,
    /// How many cases ran that belong to no requested test.
    pub strangers: usize,
    /// Whether one of those failed.
    pub strangers_failed: bool,
    /// Whether a requested test, or a hook, class or file of one, failed.
    pub shows_failure: bool,
}

/// Decides for all tests of a call. `exit_passed` is the verdict of the exit code: if it is a pass, a failure that the tool
/// expects counts as a skip.
pub fn attribute_many(
    requested: &[CalledTest<'_>],
    mut cases: Vec<CaseResult>,
    exit_passed: bool,
    pattern: Option<&CasePattern>,
) -> ManyTests {
    if exit_passed {
        cases.iter_mut().for_each(excuse_expected_failure);
    }
    let names: Vec<RequestedName<'_>> = requested
        .iter()
        .map(|it| RequestedName::new(it.test))
        .collect();
    let matcher = Matcher {
        called: match pattern {
            Some(_) => requested.iter().map(|it| words(it.called)).collect(),
            None => Vec::new(),
        },
        requested,
        names: &names,
        pattern,
    };
    let owners: Vec<Owner> = cases.iter().map(|case| matcher.owner(case)).collect();
    let mut found: Vec<FoundCases> = Vec::new();
    found.resize_with(requested.len(), FoundCases::default);
    let mut outside = Vec::new();
    let mut strangers = 0;
    let mut strangers_failed = false;
    let mut has_unselected = false;
    for (case, owner) in cases.into_iter().zip(owners) {
        match owner {
            Owner::Test(index, likeness) => found[index].cases.push((likeness, case)),
            Owner::Unclear(tests, likeness) => {
                for index in tests {
                    let found = &mut found[index];
                    found.unclear = found.unclear.max(Some(likeness));
                }
            }
            Owner::Outside(kind, scope) => outside.push((kind, scope, case)),
            Owner::Stranger => {
                strangers += usize::from(!is_skip(&case));
                strangers_failed |= case.verdict.is_failure();
                has_unselected |= !has_own_reason(&case);
            }
        }
    }
    let mut tests: Vec<TestCases> = found
        .into_iter()
        .map(|found| found.decide(exit_passed, has_unselected))
        .collect();
    let has_outside = !outside.is_empty();
    let states: Vec<CaseState> = tests.iter().map(CaseState::of).collect();
    for (kind, scope, case) in outside {
        apply_outside(&mut tests, &states, (kind, &scope), &case);
    }
    let failed = |it: &TestCases| {
        let verdict = it.verdict.as_ref().ok();
        verdict.is_some_and(|it| it.verdict == TestVerdict::Failed)
    };
    ManyTests {
        shows_failure: has_outside || tests.iter().any(failed),
        tests,
        strangers,
        strangers_failed,
    }
}

/// What [`keep_named`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NamedCases {
    /// There was a case of the test.
    pub(crate) is_named: bool,
    /// A failure of another test was left out.
    pub(crate) strangers_failed: bool,
}

/// Keeps the cases that are the test according to a pattern, and failures. If the pattern is exact, failures of other tests
/// are left out.
pub(crate) fn keep_named(
    requested: &CalledTest<'_>,
    pattern: &CasePattern,
    cases: &mut Vec<CaseResult>,
) -> NamedCases {
    let names = [RequestedName::new(requested.test)];
    let matcher = Matcher {
        requested: std::slice::from_ref(requested),
        names: &names,
        pattern: Some(pattern),
        called: vec![words(requested.called)],
    };
    let mut found = NamedCases {
        is_named: false,
        strangers_failed: false,
    };
    cases.retain(|case| match matcher.owner(case) {
        Owner::Test(..) | Owner::Unclear(..) => {
            found.is_named = true;
            true
        }
        Owner::Outside(..) => true,
        Owner::Stranger if case.verdict.is_failure() && pattern.is_exact() => {
            found.strangers_failed = true;
            false
        }
        Owner::Stranger => case.verdict.is_failure(),
    });
    found
}

/// Whose a case is.
enum Owner {
    /// That of the test at this place.
    Test(usize, NameLikeness),
    /// That of one of these tests.
    Unclear(Vec<usize>, NameLikeness),
    /// A failure that belongs to no test, but to what these tests are in.
    Outside(OutsideKind, Vec<usize>),
    /// That of a test that was not asked for.
    Stranger,
}

/// Finds whose a case is.
struct Matcher<'a> {
    requested: &'a [CalledTest<'a>],
    names: &'a [RequestedName<'a>],
    pattern: Option<&'a CasePattern>,
    /// The words of what the command calls the tests, if there is a pattern.
    called: Vec<Vec<&'a str>>,
}

impl Matcher<'_> {
    fn owner(&self, case: &CaseResult) -> Owner {
        let words = CaseWords::new(case);
        let name = self.pattern.map(|pattern| pattern.name(case));
        let mut best = None;
        let mut owners = Vec::new();
        for (index, test) in self.names.iter().enumerate() {
            let likeness = match (self.pattern, &name) {
                (Some(pattern), Some(name)) => {
                    pattern.likeness(name, self.requested[index].called, &self.called[index])
                }
                _ => test.likeness(&words),
            };
            let Some(likeness) = likeness else { continue };
            let is_exact = self.pattern.is_some_and(CasePattern::is_exact);
            if is_exact && likeness == NameLikeness::Part && !case.verdict.is_failure() {
                continue;
            }
            if best < Some(likeness) {
                best = Some(likeness);
                owners.clear();
            }
            if best == Some(likeness) {
                owners.push(index);
            }
        }
        match (best, &owners[..]) {
            (Some(likeness), [only]) => Owner::Test(*only, likeness),
            (Some(likeness), _) => Owner::Unclear(owners, likeness),
            (None, _) if case.verdict.is_failure() => self.outside(&words),
            (None, _) => Owner::Stranger,
        }
    }

    /// What a failure says that belongs to no test.
    fn outside(&self, case: &CaseWords<'_>) -> Owner {
        let tests = |belongs: &dyn Fn(&RequestedName<'_>) -> bool| -> Vec<usize> {
            let numbered = self.names.iter().enumerate();
            numbered
                .filter(|(_, name)| belongs(name))
                .map(|(index, _)| index)
                .collect()
        };
        let Some(kind) = outside_kind(case.case) else {
            let inside = tests(&|name| name.is_inside(case));
            return if inside.is_empty() {
                Owner::Stranger
            } else {
                Owner::Outside(OutsideKind::Hook, inside)
            };
        };
        let behind = tests(&|name| name.is_behind_hook(case) || name.is_inside(case));
        if behind.is_empty() {
            // It may be about any of them.
            return Owner::Outside(OutsideKind::Crash, (0..self.names.len()).collect());
        }
        Owner::Outside(kind, behind)
    }
}

/// The cases of one test, before they are decided on.
#[derive(Default)]
struct FoundCases {
    cases: Vec<(NameLikeness, CaseResult)>,
    /// How surely a case may be that of this test or of another one.
    unclear: Option<NameLikeness>,
}

impl FoundCases {
    fn decide(self, exit_passed: bool, has_unselected: bool) -> TestCases {
        let best = self.cases.iter().map(|(likeness, _)| *likeness).max();
        let mut found = self.cases;
        if best >= Some(NameLikeness::Literal) {
            // The others are tests with a similar name.
            found.retain(|(likeness, _)| *likeness != NameLikeness::Words);
        }
        let names = |found: &[(NameLikeness, CaseResult)]| {
            let mut names = found.iter().map(|(_, case)| case.name.as_str());
            let first = names.next();
            names.any(|name| Some(name) != first)
        };
        let has_several = best == Some(NameLikeness::Words) && names(&found);
        let cases: Vec<CaseResult> = found.into_iter().map(|(_, case)| case).collect();
        let verdict = if self.unclear.is_some() && self.unclear >= best || has_several {
            not_run("its name in the result file is also that of another test")
        } else if cases.is_empty() {
            not_run("the result file of the call does not name it")
        } else if !exit_passed && cases.iter().any(is_expected) {
            not_run("its failure may be an expected one, and the exit code is that of all tests")
        } else if cases.iter().all(is_skip) && has_unselected && !cases.iter().any(has_own_reason) {
            not_run(
                "the result file shows it as skipped without a reason, like tests that were not asked for",
            )
        } else {
            combine(&cases).ok_or_else(|| NotRun("it ran no test".to_owned()))
        };
        TestCases { cases, verdict }
    }
}

/// What is known about a test before failures that belong to no test are applied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CaseState {
    NoCase,
    /// It has cases, which prove nothing.
    NoVerdict,
    Verdict,
}

impl CaseState {
    fn of(test: &TestCases) -> Self {
        match (&test.verdict, test.cases.is_empty()) {
            (Ok(_), _) => Self::Verdict,
            (Err(_), true) => Self::NoCase,
            (Err(_), false) => Self::NoVerdict,
        }
    }
}

/// Applies a failure that belongs to what these tests are in.
fn apply_outside(
    tests: &mut [TestCases],
    states: &[CaseState],
    (kind, scope): (OutsideKind, &[usize]),
    case: &CaseResult,
) {
    // A test without a verdict shows the failure, now or when it runs alone.
    let is_shown = scope
        .iter()
        .any(|index| states[*index] != CaseState::Verdict);
    for index in scope {
        let test = &mut tests[*index];
        if kind == OutsideKind::Hook && states[*index] == CaseState::NoCase {
            test.cases.push(case.clone());
            test.verdict = combine(&test.cases).ok_or_else(|| NotRun(case.name.clone()));
        }
        let Ok(verdict) = test.verdict else { continue };
        // A tool that lost a process writes all its tests as passed, in no time.
        let took_no_time = test.cases.iter().all(|it| it.duration_ms.unwrap_or(0) == 0);
        let is_doubtful = !is_shown || kind == OutsideKind::Crash && took_no_time;
        if verdict.verdict != TestVerdict::Failed && is_doubtful {
            test.verdict = not_run(&format!(
                "beside it the result file has a failure of no test, {:?}",
                case.name
            ));
        }
    }
}

fn not_run(why: &str) -> Result<CombinedVerdict, NotRun> {
    Err(NotRun(why.to_owned()))
}

fn is_expected(case: &CaseResult) -> bool {
    matches!(&case.verdict, CaseVerdict::Failed(trouble) | CaseVerdict::Error(trouble) if trouble.is_expected)
}
