//! What lies beside a report: screenshots, logs and whatever else a test wrote into its results folder.

use std::path::Path;

use super::settings::SquishSettings;
use crate::{
    model::{CaseResult, outcome::CaseVerdict},
    runner::results,
};

/// Most files that are attached to a case beside those that its report names.
const MOST: usize = 200;
/// Most files that a message names.
const SHOWN: usize = 8;

/// Attaches the files that belong to no case yet: to the first case that did not pass, else to the first of all. Without
/// a case they stay where they are. Blocks on the file system.
pub fn attach(squish: &SquishSettings, dir: &Path, cases: &mut [CaseResult]) {
    let mut files = files(squish, dir);
    let named: Vec<&String> = cases.iter().flat_map(|case| &case.attachments).collect();
    files.retain(|file| !named.contains(&file));
    let failed =
        |case: &CaseResult| matches!(case.verdict, CaseVerdict::Failed(_) | CaseVerdict::Error(_));
    let at = cases.iter().position(failed).unwrap_or(0);
    if let Some(case) = cases.get_mut(at) {
        case.attachments.append(&mut files);
    }
}

/// Names them, for an execution without a report; empty if there are none.
pub fn names(squish: &SquishSettings, dir: &Path) -> String {
    let mut names = files(squish, dir);
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    match (names.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!("; kept there: {}", names.join(", ")),
        (false, more) => format!("; kept there: {} and {more} more", names.join(", ")),
    }
}

/// The files beside the report, relative to the results folder, with `/`.
fn files(squish: &SquishSettings, dir: &Path) -> Vec<String> {
    let found = results::collect(dir, "**").unwrap_or_default();
    let relative = found.iter().filter_map(|path| {
        let parts = path.strip_prefix(dir).ok()?.iter();
        let parts: Option<Vec<&str>> = parts.map(|part| part.to_str()).collect();
        Some(parts?.join("/"))
    });
    relative
        .filter(|file| file != squish.report.file() && !file.contains(char::is_control))
        .take(MOST)
        .collect()
}
