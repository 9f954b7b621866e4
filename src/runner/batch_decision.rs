//! What the end of a call that ran many tests means for each of them.
//!
//! A verdict needs a call that ended in order: an exit code of a pass or of a failure, result files that can all be read, and a
//! failure in them if the exit code says so. Otherwise only files count that were complete while the process was still at
//! work; a file that was written at the end may show a test as passed that the end interrupted. A test without a verdict is
//! never passed or failed: it runs alone.

use std::time::Duration;

use super::{
    decision::{self, DecidedOutcome},
    exit_codes::{CodeMeaning, ExitCodes},
    process_end::ProcessEnd,
    results::Results,
    runner_settings::CommandSettings,
};
use crate::{
    attribution::{
        CalledTest, CasePattern, NameMatching, NamedCases, NotRun, Repeats, TestCases,
        attribute_many, keep_named,
    },
    model::{
        CaseResult, TestVerdict, millis,
        outcome::{CaseVerdict, Trouble},
    },
    text,
};

/// How the results of a call are read.
#[derive(Clone, Copy, Debug)]
pub struct CallReading<'a> {
    /// What the exit codes mean.
    pub codes: &'a ExitCodes,
    /// What several cases of one name are.
    pub repeats: Repeats,
    /// What the result file calls a test.
    pub pattern: Option<&'a CasePattern>,
    /// How the reasons of skips begin, if a test that could not be started has another one.
    pub skip_reasons: Option<&'a [&'a str]>,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub struct CallEnd {
    /// How its process ended.
    pub ending: ProcessEnd,
    /// How long it took.
    pub took: Duration,
    /// How many tests the tool may have run at once: processors of the machine.
    pub processors: u64,
    /// What its result files say.
    pub results: Results,
    /// The cases of those files that were complete while the process was still at work.
    pub early: Vec<CaseResult>,
    /// The tests that were running when the process ended, as the command calls them, if an event stream shows them.
    pub suspects: Vec<String>,
    /// The last test that ended before the process did, as the command calls it, if an event stream shows it.
    pub last_ended: Option<String>,
    /// Results of some of its tests were reported while it ran.
    pub has_reported: bool,
}

/// What follows for one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestEnd {
    /// It has a result.
    Decided(DecidedOutcome),
    /// It has none, and runs alone next: why.
    Alone(String),
    /// It has none, and others are suspected: it may share a call again. Why it has none.
    Again(String),
}

/// What follows for all tests of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallDecision {
    /// For each test, in the order in which they were called.
    pub tests: Vec<TestEnd>,
    /// What the call cost beside its tests, if the files name their durations.
    pub start_cost: Option<Duration>,
    /// What is wrong with the call as a whole.
    pub trouble: Option<CallTrouble>,
}

/// Why no test of a call has a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallTrouble {
    /// The tool refused the call: it ended with an error, and ran nothing. It may not know one of the tests.
    Refused,
    /// The process ended in order, and its results do not show these tests.
    NotShown,
    /// The process died.
    Died,
}

/// Decides for each test of a call that ran more than one.
pub fn decide(tests: &[CalledTest<'_>], reading: CallReading<'_>, end: CallEnd) -> CallDecision {
    let CallEnd {
        ending,
        took,
        processors,
        results,
        early,
        suspects,
        last_ended,
        has_reported,
    } = end;
    let meaning = match ending {
        ProcessEnd::Exited(code) => reading.codes.meaning(code),
        ProcessEnd::Signalled(_) | ProcessEnd::TimedOut(_) => CodeMeaning::Neither,
    };
    let exit_passed = meaning == CodeMeaning::Passed;
    let ran_something = results.cases().iter().any(ran);
    let disorder = match (&results, meaning) {
        (_, CodeMeaning::Neither) => Some(format!("the call ended with {ending}")),
        (Results::Read(_), _) => None,
        (Results::Missing(message) | Results::Unreadable { message, .. }, _) => {
            Some(format!("{message} ({ending})"))
        }
        (Results::NotAsked, _) => Some("the call has no result files".to_owned()),
    };
    let is_orderly = disorder.is_none();
    let cases = match results {
        Results::Read(cases) if is_orderly => cases,
        _ => early,
    };
    let mut cases = reading.repeats.merge_attempts(cases);
    if let Some(reasons) = reading.skip_reasons {
        fail_other_skips(&mut cases, reasons);
    }
    let start_cost = is_orderly
        .then(|| start_cost(took, processors, &cases))
        .flatten();
    let many = attribute_many(tests, cases, is_orderly && exit_passed, reading.pattern);
    let why = disorder.or_else(|| {
        // Where names are exact, the failure of a test that was not asked for explains the exit code.
        let is_exact = reading.pattern.is_some_and(CasePattern::is_exact);
        let shows_failure = many.shows_failure || is_exact && many.strangers_failed;
        let is_unexplained = !exit_passed && !shows_failure;
        is_unexplained
            .then(|| format!("the call ended with {ending}, and no result of its tests says why"))
    });
    let is_void = is_orderly && why.is_some();
    let shares = shared_time(took, &many.tests);
    let is_suspect = |test: &CalledTest<'_>| suspects.iter().any(|it| it == test.called);
    // An error that comes after its test, as from a timer, ends the process with a code and without a word of the tool.
    let broke_down = !is_orderly && matches!(ending, ProcessEnd::Exited(code) if code != 0);
    let may_have_broken =
        |test: &CalledTest<'_>| broke_down && last_ended.as_deref() == Some(test.called);
    // At least one of them leaves the calls of many, so that the others do not go round in circles.
    let has_suspect = tests.iter().any(is_suspect);
    let mut decided: Vec<TestEnd> = Vec::with_capacity(tests.len());
    for (test, found) in tests.iter().zip(many.tests) {
        decided.push(match found.verdict {
            Ok(it) if it.verdict == TestVerdict::Passed && may_have_broken(test) => {
                TestEnd::Alone(why.clone().unwrap_or_default())
            }
            Ok(_) if !is_void => TestEnd::Decided(with_result(found, reading.repeats, shares)),
            // The test to blame may be one whose result counts already: alone, these would pass.
            Ok(_) if has_reported => {
                let details = "Results of other tests of the call were reported before. One of them may be to blame.";
                let why = why.clone().unwrap_or_default();
                TestEnd::Decided(decision::could_not_run(why, details.to_owned(), found.cases))
            }
            Ok(_) => TestEnd::Alone(why.clone().unwrap_or_default()),
            Err(NotRun(not_run)) => {
                let why = why.clone().unwrap_or(not_run);
                if has_suspect && !is_suspect(test) {
                    TestEnd::Again(why)
                } else {
                    TestEnd::Alone(why)
                }
            }
        });
    }
    let is_without_result = !decided.iter().any(|it| matches!(it, TestEnd::Decided(_)));
    let trouble = is_without_result.then_some(match ending {
        ProcessEnd::Signalled(_) | ProcessEnd::TimedOut(_) => CallTrouble::Died,
        ProcessEnd::Exited(_) if !exit_passed && !ran_something => CallTrouble::Refused,
        ProcessEnd::Exited(_) if meaning == CodeMeaning::Neither => CallTrouble::Died,
        ProcessEnd::Exited(_) => CallTrouble::NotShown,
    });
    CallDecision {
        tests: decided,
        start_cost,
        trouble,
    }
}

/// Decides for tests whose results are final while their call still runs; `None` for a test that these cases do not prove.
pub fn decide_final(
    tests: &[CalledTest<'_>],
    reading: CallReading<'_>,
    cases: Vec<CaseResult>,
) -> Vec<Option<DecidedOutcome>> {
    let cases = reading.repeats.merge_attempts(cases);
    let many = attribute_many(tests, cases, false, reading.pattern);
    let decided = many.tests.into_iter().map(|found| {
        let is_proved = found.verdict.is_ok();
        is_proved.then(|| with_result(found, reading.repeats, Duration::ZERO))
    });
    decided.collect()
}

/// Decides for a call that ran one test, whose cases are named as a pattern says: by the rules of a process of its own.
pub fn decide_alone(
    command: &CommandSettings,
    test: CalledTest<'_>,
    pattern: &CasePattern,
    (ending, took): (ProcessEnd, Duration),
    mut results: Results,
) -> DecidedOutcome {
    let codes = &command.exit_codes;
    let preset = command.batch.as_ref().and_then(|it| it.preset.as_ref());
    let meaning = match ending {
        ProcessEnd::Exited(code) => Some(codes.meaning(code)),
        ProcessEnd::Signalled(_) | ProcessEnd::TimedOut(_) => None,
    };
    if let (Some(settings), ProcessEnd::Exited(code)) = (preset, ending)
        && settings.preset.unknown_test.contains(&code)
        && results.cases().is_empty()
    {
        return unknown_test(settings.preset.name, ending);
    }
    let mut ending = ending;
    if let Results::Read(cases) = &mut results {
        if let Some(reasons) = preset.and_then(|it| it.preset.skip_reasons) {
            fail_other_skips(cases, reasons);
        }
        let before = cases.len();
        let NamedCases {
            is_named,
            strangers_failed,
        } = keep_named(&test, pattern, cases);
        let is_orderly = meaning.is_some_and(|it| it != CodeMeaning::Neither);
        if let Some(settings) = preset
            && is_orderly
            && !is_named
            && cases.is_empty()
        {
            return unknown_test(settings.preset.name, ending);
        }
        if !is_named && before > 0 && cases.is_empty() {
            let message = format!(
                "its result file shows {}, and none is called {:?}, as runner.case in testplan.yml says",
                text::counted(before, "test"),
                test.called
            );
            let details = format!("The command ended with {ending}.");
            return decision::could_not_run(message, details, Vec::new());
        }
        // The tests that were not asked for have failed, which is all that the exit code says.
        if let Some(settings) = preset
            && strangers_failed
            && is_named
            && !cases.iter().any(|case| case.verdict.is_failure())
            && meaning == Some(CodeMeaning::Failed)
            && let Some(code) = settings.preset.exit_codes.0.first()
        {
            ending = ProcessEnd::Exited(*code);
        }
    }
    let reading = (command.results.repeats(), NameMatching::Any);
    decision::by_codes(codes, reading, test.test, ending, took, results)
}

/// A test that its tool could not start is no skip, although its result file says so.
fn fail_other_skips(cases: &mut [CaseResult], reasons: &[&str]) {
    for case in cases {
        if let CaseVerdict::Skipped { message } = &case.verdict
            && !message.is_empty()
            && !reasons.iter().any(|reason| message.starts_with(reason))
        {
            case.verdict = CaseVerdict::Error(Trouble {
                message: message.clone(),
                ..Trouble::default()
            });
        }
    }
}

fn unknown_test(tool: &str, ending: ProcessEnd) -> DecidedOutcome {
    let message =
        format!("{tool} has no test of this name: it was renamed or removed after it was listed");
    let details = format!("{tool} ended with {ending} and ran no such test. List the tests again.");
    decision::could_not_run(message, details, Vec::new())
}

fn with_result(found: TestCases, repeats: Repeats, share: Duration) -> DecidedOutcome {
    let TestCases { mut cases, verdict } = found;
    let hint = repeats.hint(&cases);
    if let Some(hint) = &hint {
        decision::append(&mut cases, hint);
    }
    let took = known_time(&cases).unwrap_or(share);
    let (verdict, flaky) =
        verdict.map_or((TestVerdict::Failed, false), |it| (it.verdict, it.flaky));
    decision::completed(verdict, took, flaky, cases, hint)
}

/// The sum of the durations of a test's cases, if the file names all of them.
fn known_time(cases: &[CaseResult]) -> Option<Duration> {
    let durations: Option<Vec<u64>> = cases.iter().map(|case| case.duration_ms).collect();
    let sum = durations?.into_iter().fold(0, u64::saturating_add);
    Some(Duration::from_millis(sum))
}

/// What a test took whose file names no duration: an equal share of what is left of the call.
fn shared_time(took: Duration, tests: &[TestCases]) -> Duration {
    let times = tests.iter().map(|test| known_time(&test.cases));
    let (mut known, mut unknown) = (Duration::ZERO, 0);
    for time in times {
        match time {
            Some(time) => known += time,
            None => unknown += 1,
        }
    }
    took.saturating_sub(known) / unknown.max(1)
}

/// What the call cost beside its tests. If they together took longer than the call, the tool ran as many at once as there are
/// processors; unknown if it ran more.
fn start_cost(took: Duration, processors: u64, cases: &[CaseResult]) -> Option<Duration> {
    let mut sum = 0;
    for case in cases.iter().filter(|case| ran(case)) {
        sum += case.duration_ms?;
    }
    let took = millis(took);
    let left = took
        .checked_sub(sum)
        .or_else(|| took.checked_sub(sum / processors.max(1)))?;
    (!cases.is_empty()).then_some(Duration::from_millis(left))
}

fn ran(case: &CaseResult) -> bool {
    !matches!(case.verdict, CaseVerdict::Skipped { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Outcome, Test, TestResult};

    const FAILED: CaseVerdict = CaseVerdict::Failed(Trouble {
        message: String::new(),
        kind: String::new(),
        text: String::new(),
        is_expected: false,
    });

    fn case(name: &str, verdict: CaseVerdict, duration_ms: Option<u64>) -> CaseResult {
        CaseResult {
            classname: "s".to_owned(),
            name: name.to_owned(),
            verdict,
            duration_ms,
            file: None,
            line: None,
            output: String::new(),
            attachments: Vec::new(),
        }
    }

    fn passed(name: &str) -> CaseResult {
        case(name, CaseVerdict::Passed { flaky: false }, Some(100))
    }

    fn decided(ending: ProcessEnd, results: Results, early: Vec<CaseResult>) -> CallDecision {
        decided_with(ending, results, early, &[])
    }

    fn decided_with(
        ending: ProcessEnd,
        results: Results,
        early: Vec<CaseResult>,
        suspects: &[&str],
    ) -> CallDecision {
        decided_at(CallEnd {
            ending,
            took: Duration::from_secs(1),
            processors: 1,
            results,
            early,
            suspects: suspects.iter().map(|it| (*it).to_owned()).collect(),
            last_ended: None,
            has_reported: false,
        })
    }

    fn decided_at(end: CallEnd) -> CallDecision {
        let tests = ["a", "b"].map(named);
        let called: Vec<CalledTest<'_>> = tests.iter().map(called).collect();
        decide(&called, reading(&exit_codes()), end)
    }

    fn named(name: &str) -> Test {
        Test {
            suite: "s".to_owned(),
            testcase: name.to_owned(),
        }
    }

    fn called(test: &Test) -> CalledTest<'_> {
        let called = &test.testcase;
        CalledTest { test, called }
    }

    fn exit_codes() -> ExitCodes {
        ExitCodes {
            passed: [0].into(),
            failed: [1].into(),
            counts_failures: false,
        }
    }

    fn reading(codes: &ExitCodes) -> CallReading<'_> {
        CallReading {
            codes,
            repeats: Repeats::Unknown,
            pattern: None,
            skip_reasons: None,
        }
    }

    fn words(decision: &CallDecision) -> Vec<String> {
        decision.tests.iter().map(word).collect()
    }

    fn word(end: &TestEnd) -> String {
        match end {
            TestEnd::Alone(_) => "alone".to_owned(),
            TestEnd::Again(_) => "again".to_owned(),
            TestEnd::Decided(decided) => match &decided.outcome {
                Outcome::Completed {
                    result:
                        Some(TestResult {
                            verdict,
                            duration_ms,
                            ..
                        }),
                } => format!("{verdict:?} {duration_ms}"),
                other => format!("{other:?}"),
            },
        }
    }

    #[test]
    fn orderly_call_has_the_verdicts_of_its_cases() {
        let results = Results::Read(vec![passed("a"), passed("b")]);
        let decision = decided(ProcessEnd::Exited(0), results, Vec::new());
        assert_eq!(words(&decision), ["Passed 100", "Passed 100"]);
        assert_eq!(decision.start_cost, Some(Duration::from_millis(800)));
        assert_eq!(decision.trouble, None);
        let results = Results::Read(vec![passed("a"), case("b", FAILED, None)]);
        let decision = decided(ProcessEnd::Exited(1), results, Vec::new());
        assert_eq!(words(&decision), ["Passed 100", "Failed 900"]);
        assert_eq!(decision.start_cost, None, "one duration is not known");
    }

    #[test]
    fn test_before_a_breakdown_runs_alone_as_it_may_be_to_blame() {
        let broken = || Results::Unreadable {
            message: "the tool did not come to the end of its run".to_owned(),
            cases: Vec::new(),
        };
        let end = |ending| CallEnd {
            ending,
            took: Duration::from_secs(1),
            processors: 1,
            results: broken(),
            early: vec![passed("a")],
            suspects: vec!["b".to_owned()],
            last_ended: Some("a".to_owned()),
            has_reported: false,
        };
        let words_of = |ending| words(&decided_at(end(ending)));
        assert_eq!(words_of(ProcessEnd::Exited(1)), ["alone", "alone"]);
        // The test that ran has exited, or was killed.
        assert_eq!(words_of(ProcessEnd::Exited(0)), ["Passed 100", "alone"]);
        assert_eq!(words_of(ProcessEnd::Signalled(9)), ["Passed 100", "alone"]);
    }

    #[test]
    fn call_that_fails_after_results_were_reported_leaves_errors() {
        let cases = || vec![passed("a"), passed("b")];
        let end = |has_reported| CallEnd {
            ending: ProcessEnd::Exited(1),
            took: Duration::from_secs(1),
            processors: 1,
            results: Results::Read(cases()),
            early: Vec::new(),
            suspects: Vec::new(),
            last_ended: None,
            has_reported,
        };
        assert_eq!(words(&decided_at(end(false))), ["alone", "alone"]);
        let decision = decided_at(end(true));
        for test in &decision.tests {
            let TestEnd::Decided(decided) = test else {
                panic!("{test:?}")
            };
            assert!(
                matches!(&decided.outcome, Outcome::ExecutionError { message, .. } if message.contains("exit code 1")),
                "{decided:?}"
            );
        }
    }

    #[test]
    fn final_results_decide_about_their_tests_alone() {
        let tests = ["a", "b", "c"].map(named);
        let called: Vec<CalledTest<'_>> = tests.iter().map(called).collect();
        let codes = exit_codes();
        let cases = vec![
            passed("a"),
            case("b", FAILED, Some(7)),
            case("stranger", FAILED, None),
        ];
        let decided = decide_final(&called, reading(&codes), cases);
        let words: Vec<String> = decided
            .into_iter()
            .map(|decided| word(&decided.map_or(TestEnd::Again(String::new()), TestEnd::Decided)))
            .collect();
        assert_eq!(words, ["Passed 100", "Failed 7", "again"]);
    }

    #[test]
    fn start_cost_of_a_tool_that_runs_tests_at_once_counts_processors() {
        let cases = [passed("a"), passed("b"), passed("c"), passed("d")];
        let cost = |took, processors| {
            let cost = start_cost(Duration::from_millis(took), processors, &cases);
            cost.map(|cost| cost.as_millis())
        };
        assert_eq!(cost(500, 2), Some(100), "one after the other");
        assert_eq!(cost(300, 2), Some(100));
        assert_eq!(cost(150, 2), None, "more at once than processors");
        assert_eq!(cost(150, 0), None);
    }

    #[test]
    fn failure_that_nothing_explains_leaves_no_verdict() {
        let results = Results::Read(vec![passed("a"), passed("b"), case("other", FAILED, None)]);
        let decision = decided(ProcessEnd::Exited(1), results, Vec::new());
        assert_eq!(words(&decision), ["alone", "alone"]);
        assert_eq!(decision.trouble, Some(CallTrouble::NotShown));
    }

    #[test]
    fn call_that_died_keeps_what_was_complete_before() {
        for ending in [
            ProcessEnd::Signalled(9),
            ProcessEnd::TimedOut(Duration::from_secs(1)),
            ProcessEnd::Exited(3),
        ] {
            let late = Results::Read(vec![passed("a"), passed("b")]);
            let decision = decided(ending, late.clone(), Vec::new());
            assert_eq!(words(&decision), ["alone", "alone"], "{ending}");
            assert_eq!(decision.trouble, Some(CallTrouble::Died), "{ending}");
            let decision = decided(ending, late, vec![passed("a")]);
            assert_eq!(words(&decision), ["Passed 100", "alone"], "{ending}");
        }
    }

    #[test]
    fn suspects_run_alone_and_the_others_share_a_call_again() {
        let none = || Results::Missing("no file".to_owned());
        let limit = ProcessEnd::TimedOut(Duration::from_secs(1));
        for ending in [ProcessEnd::Signalled(9), ProcessEnd::Exited(0), limit] {
            let decision = decided_with(ending, none(), Vec::new(), &["b", "stranger"]);
            assert_eq!(words(&decision), ["again", "alone"], "{ending}");
            let decision = decided_with(ending, none(), Vec::new(), &["stranger"]);
            assert_eq!(words(&decision), ["alone", "alone"], "{ending}");
        }
        let decision = decided_with(
            ProcessEnd::Signalled(9),
            none(),
            vec![passed("a")],
            &["a", "b"],
        );
        assert_eq!(words(&decision), ["Passed 100", "alone"]);
    }

    #[test]
    fn tool_that_ran_nothing_refused_the_call() {
        let missing = || Results::Missing("no file".to_owned());
        let trouble = |ending, results| decided(ending, results, Vec::new()).trouble;
        for code in [1, 4] {
            let ending = ProcessEnd::Exited(code);
            assert_eq!(trouble(ending, missing()), Some(CallTrouble::Refused));
            let empty = Results::Read(Vec::new());
            assert_eq!(trouble(ending, empty), Some(CallTrouble::Refused));
        }
        let silent = trouble(ProcessEnd::Exited(0), missing());
        assert_eq!(silent, Some(CallTrouble::NotShown));
        let unreadable = Results::Unreadable {
            message: "cut".to_owned(),
            cases: vec![passed("a")],
        };
        let decision = decided(ProcessEnd::Exited(0), unreadable, Vec::new());
        assert_eq!(words(&decision), ["alone", "alone"]);
    }
}
