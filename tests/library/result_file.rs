//! Reading result files: every dialect, and files that mean harm.

mod encodings;
mod hostile;
mod junit;
mod squish;
mod tries;

use testplan::model::{CaseResult, outcome::CaseVerdict};

/// One line per case, as `classname | name | verdict: message`.
fn summary(cases: &[CaseResult]) -> Vec<String> {
    let verdict = |case: &CaseResult| match &case.verdict {
        CaseVerdict::Passed { flaky: false } => "passed".to_owned(),
        CaseVerdict::Passed { flaky: true } => "flaky".to_owned(),
        CaseVerdict::Failed(trouble) => format!("failed: {}", trouble.message),
        CaseVerdict::Error(trouble) => format!("error: {}", trouble.message),
        CaseVerdict::Skipped { message } => format!("skipped: {message}"),
    };
    cases
        .iter()
        .map(|case| format!("{} | {} | {}", case.classname, case.name, verdict(case)))
        .collect()
}
