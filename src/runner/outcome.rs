//! What an exit code and the result files mean together.
//!
//! A pass needs both: an exit code of a pass, and results in which the requested test ran and nothing failed. A failure needs
//! either. Anything else is an execution error, whose message names which of the two is to blame.

use std::{fmt, time::Duration};

use super::{
    exit_codes::CodeMeaning,
    results::Results,
    settings::{ExitCodes, RunnerSettings, Tool},
    squish,
};
use crate::{
    attribution::{Attributed, Found, NameMatching, Repeats, attribute},
    model::millis,
    model::{
        CaseResult, Outcome, Test, TestResult, TestVerdict,
        outcome::{CaseVerdict, Trouble},
    },
};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With an exit code.
    Exited(i32),
    /// By a signal that it did not handle (Unix).
    Signalled(i32),
    /// testplan stopped it at its time limit.
    TimedOut(Duration),
}

impl Ending {
    /// Whether the process may have been asked to stop: it ended by SIGHUP, SIGINT, SIGTERM or SIGKILL, or a shell reports
    /// one of them.
    pub fn may_be_a_stop(self) -> bool {
        let number = match self {
            Self::Signalled(number) => number,
            Self::Exited(code) => code.saturating_sub(128),
            Self::TimedOut(_) => return false,
        };
        matches!(number, 1 | 2 | 9 | 15)
    }
}

/// What became of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// For the service and the record.
    pub outcome: Outcome,
    /// The cases of the result files, and one of ours where the exit code alone says that the test failed.
    pub cases: Vec<CaseResult>,
    /// How exit code and results contradict each other.
    pub note: Option<String>,
}

/// Decides what became of an execution of `test` that took `took`.
pub fn decide(
    settings: &RunnerSettings,
    test: &Test,
    ending: Ending,
    took: Duration,
    results: Results,
) -> Decision {
    match &settings.tool {
        Tool::Command(tool) => {
            let reading = (tool.results.repeats(), tool.results.names());
            by_codes(&tool.exit_codes, reading, test, ending, took, results)
        }
        Tool::Squish(_) => squish::outcome::decide(test, ending, took, results),
    }
}

/// Decides for a tool of which only the exit codes are known.
pub(super) fn by_codes(
    codes: &ExitCodes,
    (repeats, names): (Repeats, NameMatching),
    test: &Test,
    ending: Ending,
    took: Duration,
    results: Results,
) -> Decision {
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
        Results::Read(cases) => repeats.settle(cases),
    };
    let hint = repeats.hint(&cases);
    let Attributed { mut cases, found } = attribute(test, cases, says_passed, names);
    let sum = match found {
        Found::Result(sum) => sum,
        Found::NotRun(why) => return could_not_run(why, explain(ending), cases),
    };
    if let Some(hint) = &hint {
        append(&mut cases, hint);
    }
    match (says_passed, sum.verdict) {
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
        (true, verdict) => completed(verdict, took, sum.flaky, cases, None),
        (false, TestVerdict::Passed | TestVerdict::Skipped) => {
            unexplained_failure(ending, took, cases)
        }
    }
}

/// Whether the exit code means passed or failed, or why it means neither.
fn passed_by_code(codes: &ExitCodes, ending: Ending) -> Result<bool, String> {
    match ending {
        Ending::TimedOut(limit) => Err(format!("stopped after {} (time limit)", span(limit))),
        Ending::Signalled(_) => Err(ending.to_string()),
        Ending::Exited(code) => match codes.meaning(code) {
            CodeMeaning::Passed => Ok(true),
            CodeMeaning::Failed => Ok(false),
            CodeMeaning::Neither => Err(format!("{ending}: {}", codes.expected())),
        },
    }
}

fn completed(
    verdict: TestVerdict,
    took: Duration,
    flaky: bool,
    cases: Vec<CaseResult>,
    note: Option<String>,
) -> Decision {
    let duration_ms = millis(took);
    let result = Some(TestResult {
        verdict,
        duration_ms,
        flaky,
    });
    Decision {
        outcome: Outcome::Completed { result },
        cases,
        note,
    }
}

/// An execution error.
pub(super) fn could_not_run(message: String, details: String, cases: Vec<CaseResult>) -> Decision {
    Decision {
        outcome: Outcome::ExecutionError { message, details },
        cases,
        note: None,
    }
}

/// Adds a hint to the text of the first failure.
fn append(cases: &mut [CaseResult], hint: &str) {
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
fn unexplained_failure(ending: Ending, took: Duration, mut cases: Vec<CaseResult>) -> Decision {
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

/// How many of these cases were skipped.
pub fn count_skipped(cases: &[CaseResult]) -> usize {
    let is_skip = |case: &&CaseResult| matches!(case.verdict, CaseVerdict::Skipped { .. });
    cases.iter().filter(is_skip).count()
}

fn explain(ending: Ending) -> String {
    format!("The command ended with {ending}.")
}

impl fmt::Display for Ending {
    /// With what the number usually means.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TimedOut(limit) => write!(f, "the time limit of {}", span(limit)),
            Self::Signalled(number) => match signal(number) {
                Some((name, "")) => write!(f, "killed by {name} ({number})"),
                Some((name, why)) => write!(f, "killed by {name} ({number}): {why}"),
                None => write!(f, "killed by signal {number}"),
            },
            Self::Exited(code) => match meaning(code) {
                Some(meaning) => write!(f, "exit code {code} ({meaning})"),
                None => write!(f, "exit code {code}"),
            },
        }
    }
}

/// What a code means by custom of shells and of Windows.
fn meaning(code: i32) -> Option<String> {
    // Windows gives the status of a crash as a negative number.
    let status = match code.cast_unsigned() {
        0xC000_0005 => "access violation",
        0xC000_0017 => "out of memory",
        0xC000_001D => "illegal instruction",
        0xC000_0094 => "division by zero",
        0xC000_00FD => "stack overflow",
        0xC000_0135 => "a DLL was not found",
        0xC000_0139 => "an entry point of a DLL was not found",
        0xC000_013A => "stopped by Ctrl-C",
        0xC000_0142 => "a DLL failed to start",
        0xC000_0374 => "heap corruption",
        0xC000_0409 => "stack buffer overrun or abort",
        126 => "as a shell says: found but not executable",
        127 => "as a shell says: command not found",
        _ => {
            let (name, _) = signal(code.checked_sub(128)?)?;
            return Some(format!("as a shell says: killed by {name}"));
        }
    };
    Some(status.to_owned())
}

fn signal(number: i32) -> Option<(&'static str, &'static str)> {
    let linux = cfg!(any(target_os = "linux", target_os = "android"));
    Some(match number {
        1 => ("SIGHUP", ""),
        2 => ("SIGINT", ""),
        3 => ("SIGQUIT", ""),
        4 => ("SIGILL", "a crash"),
        5 => ("SIGTRAP", "a crash"),
        6 => ("SIGABRT", "an assertion or a fatal error in the program"),
        8 => ("SIGFPE", "a crash"),
        9 => ("SIGKILL", "often the system, out of memory"),
        11 => ("SIGSEGV", "a crash"),
        13 => ("SIGPIPE", ""),
        14 => ("SIGALRM", ""),
        15 => ("SIGTERM", ""),
        24 => ("SIGXCPU", "its limit of processor time"),
        25 => ("SIGXFSZ", "its limit of file size"),
        7 if linux => ("SIGBUS", "a crash"),
        10 if !linux => ("SIGBUS", "a crash"),
        31 if linux => ("SIGSYS", "a forbidden system call"),
        12 if !linux => ("SIGSYS", "a forbidden system call"),
        _ => return None,
    })
}

/// A duration as it is written in `testplan.yml`: `90s` is `1m 30s`.
fn span(duration: Duration) -> String {
    let all = duration.as_secs();
    if all == 0 {
        return format!("{}ms", duration.as_millis());
    }
    let parts = [(all / 3600, "h"), (all / 60 % 60, "m"), (all % 60, "s")];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    parts.join(" ")
}
