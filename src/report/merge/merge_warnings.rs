//! Warnings about a whole report.

use std::collections::BTreeSet;

use crate::{
    report::{PlanReport, ReportEntry},
    text::{counted, short_commit},
};

use super::missing_reasons::{UnservedWorker, reasons_for_unnamed};

/// Most commits that a warning names.
const MOST_COMMITS: usize = 4;

pub(super) fn add(report: &mut PlanReport, unserved: &[UnservedWorker]) {
    let warnings = [
        different_commits(report),
        not_uploaded(report),
        cases_not_kept(report),
    ];
    report.warnings.extend(warnings.into_iter().flatten());
    if report.unnamed_missing > 0 {
        report.warnings.extend(reasons_for_unnamed(unserved));
    }
    report.warnings.extend(open_at_service(report));
}

fn different_commits(report: &PlanReport) -> Option<String> {
    let checkouts = report.checkouts.iter().flatten();
    let commits: BTreeSet<&str> = checkouts.map(|checkout| checkout.commit.as_str()).collect();
    if commits.len() < 2 {
        return None;
    }
    let commits: Vec<_> = commits
        .into_iter()
        .take(MOST_COMMITS)
        .map(short_commit)
        .collect();
    Some(format!(
        "the workers ran at different commits ({}), so this is a result of none of them",
        commits.join(", ")
    ))
}

fn not_uploaded(report: &PlanReport) -> Option<String> {
    (report.not_uploaded > 0).then(|| {
        format!(
            "the results of {} were not uploaded; `testplan upload --records OUT` uploads them, OUT being the folder of \
             that run",
            counted(report.not_uploaded, "execution")
        )
    })
}

fn cases_not_kept(report: &PlanReport) -> Option<String> {
    let crowded = |entry: &ReportEntry| entry.cases_not_kept().is_some();
    let mut crowded = report.entries.iter().filter(|entry| crowded(entry));
    let first = crowded.next()?;
    let sentence = first.cases_not_kept()?;
    let more = match crowded.count() as u64 {
        0 => String::new(),
        count => format!(" (and of {})", counted(count, "more execution")),
    };
    Some(format!("{}: {sentence}{more}", first.test))
}

fn open_at_service(report: &PlanReport) -> Option<String> {
    let missing = report.executions().missing;
    (report.open_at_service > missing).then(|| {
        format!(
            "the service has {} executions open or reserved, but the records lack only {missing} results: \
             something was reset or is still running",
            report.open_at_service
        )
    })
}
