//! What lies beside a report: screenshots, logs and whatever else a test wrote into its results folder.

use std::path::Path;

use super::settings::SquishSettings;
use crate::{
    model::{CaseResult, outcome::CaseVerdict},
    runner::results,
};

/// Most files that are attached to a case beside those that its report names.
const MOST: usize = 200;

/// Attaches the files that belong to no case yet: to the first case that did not pass, else to the first of all. Without
/// a case they stay where they are. Blocks on the file system.
pub fn attach(squish: &SquishSettings, dir: &Path, cases: &mut [CaseResult]) {
    let named: Vec<&String> = cases.iter().flat_map(|case| &case.attachments).collect();
    let found = results::collect(dir, "**").unwrap_or_default();
    let mut files: Vec<String> = found
        .iter()
        .filter_map(|path| Some(path.strip_prefix(dir).ok()?.to_str()?.replace('\\', "/")))
        .filter(|file| file != squish.report.file() && !named.contains(&file))
        .collect();
    files.truncate(MOST);
    let failed =
        |case: &CaseResult| matches!(case.verdict, CaseVerdict::Failed(_) | CaseVerdict::Error(_));
    let at = cases.iter().position(failed).unwrap_or(0);
    if let Some(case) = cases.get_mut(at) {
        case.attachments.append(&mut files);
    }
}
