//! What the files of an attempt are called, and how much of its output a record keeps.

use std::path::Path;

use crate::{
    client::Granted,
    clock,
    fs::safe_name,
    model::{CaseResult, PlanId},
    runner::tail,
};

/// How many lines of the output of a failed attempt its record keeps.
pub(crate) const TAIL_LINES: usize = 40;
/// Most bytes of them.
pub(crate) const TAIL_BYTES: usize = 8 * 1024;

/// The end of an output, as a record keeps it.
pub(crate) fn output_tail(log: &Path) -> String {
    tail(log, TAIL_LINES, TAIL_BYTES)
}

/// Makes the attachments of cases in the folder `name` below `results/` relative to the `--out` folder.
pub(crate) fn with_whole_paths(name: &str, mut cases: Vec<CaseResult>) -> Vec<CaseResult> {
    for attachment in cases.iter_mut().flat_map(|case| &mut case.attachments) {
        attachment.insert_str(0, &format!("results/{name}/"));
    }
    cases
}

/// Unique per attempt, readable, and safe as a file name for any name of a test.
pub(crate) fn attempt_name(plan: PlanId, granted: &Granted) -> String {
    let test = format!("{}-{}", granted.test.suite, granted.test.testcase);
    let attempt = match granted.attempt {
        Some(attempt) => attempt.to_string(),
        None => clock::wall().0.to_string(),
    };
    format!(
        "{plan}-{}-{attempt}-{}",
        granted.execution,
        safe_name(&test, 80)
    )
}
