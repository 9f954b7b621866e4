//! What an exit code and the result files mean together.
//!
//! A pass needs both: an exit code of a pass, and results in which the requested test ran and nothing failed. A failure needs
//! either. Anything else is an execution error, and its message names the cause.

use std::time::Duration;

use super::{
    exit_codes::{CodeMeaning, ExitCodes},
    process_end::ProcessEnd,
    results::Results,
};
use crate::{
    attribution::{Attribution, NameMatching, NotRun, Repeats, attribute},
    model::{
        CaseCounts, CaseResult, Outcome, Test, TestResult, TestVerdict, millis,
        outcome::{CaseVerdict, Trouble},
    },
    text::format_duration,
};

/// The outcome of an execution, with its cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedOutcome {
    /// For the service and the record.
    pub outcome: Outcome,
    /// The cases of the result files, and an additional one if only the exit code says that the test failed.
    pub cases: Vec<CaseResult>,
    /// How exit code and results contradict each other.
    pub note: Option<String>,
}

/// Decides by the exit codes and results of a command.
pub(super) fn by_codes(
    codes: &ExitCodes,
    (repeats, names): (Repeats, NameMatching),
    test: &Test,
    ending: ProcessEnd,
    took: Duration,
    results: Results,
) -> DecidedOutcome {
    let says_passed = match passed_by_code(codes, ending) {
        Ok(says_passed) => says_passed,
        Err(message) => return could_not_run(message, String::new(), results.into_cases()),
    };
    let cases = match results {
        Results::NotAsked => {
            let verdict = if says_passed {
                TestVerdict::Passed
            } else {
                TestVerdict::Failed
            };
            return completed(verdict, took, false, Vec::new(), None);
        }
        Results::Missing(message) => {
            return could_not_run(message, explain(ending), Vec::new());
        }
        Results::Unreadable { message, cases } => {
            let message = format!("a result file cannot be read: {message}");
            return could_not_run(message, explain(ending), cases);
        }
        Results::Read(cases) => repeats.merge_attempts(cases),
    };
    let hint = repeats.hint(&cases);
    let Attribution { mut cases, verdict } = attribute(test, cases, says_passed, names);
    let combined = match verdict {
        Ok(combined) => combined,
        Err(NotRun(why)) => return could_not_run(why, explain(ending), cases),
    };
    if let Some(hint) = &hint {
        append(&mut cases, hint);
    }
    match (says_passed, combined.verdict) {
        (true, TestVerdict::Failed) => {
            let note = hint.unwrap_or_else(|| {
                format!("{ending}, which means passed, but the results have failures: they count")
            });
            completed(TestVerdict::Failed, took, false, cases, Some(note))
        }
        (false, TestVerdict::Failed) => {
            let note = hint.or_else(|| codes.miscounted(ending, &cases));
            completed(TestVerdict::Failed, took, false, cases, note)
        }
        (true, verdict) => completed(verdict, took, combined.flaky, cases, None),
        (false, TestVerdict::Passed | TestVerdict::Skipped) => {
            unexplained_failure(ending, took, cases)
        }
    }
}

/// Whether the exit code means passed or failed, or why it means neither.
fn passed_by_code(codes: &ExitCodes, ending: ProcessEnd) -> Result<bool, String> {
    match ending {
        ProcessEnd::TimedOut(limit) => Err(format!(
            "stopped after {} (time limit)",
            format_duration(limit)
        )),
        ProcessEnd::Signalled(_) => Err(ending.to_string()),
        ProcessEnd::Exited(code) => match codes.meaning(code) {
            CodeMeaning::Passed => Ok(true),
            CodeMeaning::Failed => Ok(false),
            CodeMeaning::Neither => Err(format!("{ending}: {}", codes.expected())),
        },
    }
}

pub(super) fn completed(
    verdict: TestVerdict,
    took: Duration,
    flaky: bool,
    cases: Vec<CaseResult>,
    note: Option<String>,
) -> DecidedOutcome {
    let duration_ms = millis(took);
    let result = Some(TestResult {
        verdict,
        duration_ms,
        flaky,
    });
    DecidedOutcome {
        outcome: Outcome::Completed { result },
        cases,
        note,
    }
}

pub(crate) fn could_not_run(
    message: String,
    details: String,
    cases: Vec<CaseResult>,
) -> DecidedOutcome {
    DecidedOutcome {
        outcome: Outcome::ExecutionError { message, details },
        cases,
        note: None,
    }
}

/// Adds a hint to the text of the first failure.
pub(super) fn append(cases: &mut [CaseResult], hint: &str) {
    let first = cases.iter_mut().find_map(|case| match &mut case.verdict {
        CaseVerdict::Failed(trouble) | CaseVerdict::Error(trouble) => Some(trouble),
        CaseVerdict::Passed { .. } | CaseVerdict::Skipped { .. } => None,
    });
    if let Some(trouble) = first {
        trouble.text.push_str("\ntestplan: ");
        trouble.text.push_str(hint);
    }
}

/// The exit code means failed, and no case shows why: adds one for the exit code.
fn unexplained_failure(
    ending: ProcessEnd,
    took: Duration,
    mut cases: Vec<CaseResult>,
) -> DecidedOutcome {
    let note = format!("the command said it failed ({ending}), its results do not say why");
    cases.push(CaseResult {
        classname: cases
            .first()
            .map(|case| case.classname.clone())
            .unwrap_or_default(),
        name: "(exit code)".to_owned(),
        verdict: CaseVerdict::Failed(Trouble {
            message: note.clone(),
            ..Trouble::default()
        }),
        duration_ms: None,
        file: None,
        line: None,
        output: String::new(),
        attachments: Vec::new(),
    });
    completed(TestVerdict::Failed, took, false, cases, Some(note))
}

/// Decides by results, beside which so many cases were not kept. Returns how many of those still count: skipped tests that
/// were not asked for are left out of the results, and then those that were not kept as well.
pub(crate) fn with_not_kept(
    mut not_kept: CaseCounts,
    results: Results,
    decide: impl FnOnce(Results) -> DecidedOutcome,
) -> (DecidedOutcome, CaseCounts) {
    let read = count_skipped(results.cases());
    let decided = decide(results);
    if count_skipped(&decided.cases) < read {
        not_kept.skipped = 0;
    }
    (decided, not_kept)
}

fn count_skipped(cases: &[CaseResult]) -> usize {
    let is_skip = |case: &&CaseResult| matches!(case.verdict, CaseVerdict::Skipped { .. });
    cases.iter().filter(is_skip).count()
}

fn explain(ending: ProcessEnd) -> String {
    format!("The command ended with {ending}.")
}
