//! Reading result files: every dialect, and files that mean harm.
#![expect(
    clippy::unwrap_used,
    reason = "tests set their stage themselves and fail where they cannot"
)]

#[path = "result_file/encodings.rs"]
mod encodings;
#[path = "result_file/hostile.rs"]
mod hostile;
#[path = "result_file/junit.rs"]
mod junit;
#[path = "result_file/squish.rs"]
mod squish;
#[path = "result_file/tries.rs"]
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
