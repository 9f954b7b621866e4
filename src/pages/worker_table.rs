//! What each worker reported: one on which much could not run is seen at once.

use std::cmp::Reverse;

use serde::Serialize;

use crate::{
    report::{
        html::{Markup, tables::table},
        view::{Cell, Column, Mark, Table},
    },
    store::WorkerResults,
};

/// Most workers that a page lists.
pub(crate) const MAX_WORKERS: u32 = 200;

/// A worker's ended tests, as they are now: a test that ran again counts for the worker that ran it last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct WorkerRow {
    pub(crate) worker: String,
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) could_not_run: u64,
    pub(crate) no_verdict: u64,
    pub(crate) skipped: u64,
    /// How long its tests took together.
    pub(crate) test_time_ms: u64,
}

const fn column(heading: &'static str, is_number: bool) -> Column {
    Column { heading, is_number }
}

const COLUMNS: [Column; 7] = [
    column("Worker", false),
    column("Passed", true),
    column("Failed", true),
    column("Could not run", true),
    column("No verdict", true),
    column("Skipped", true),
    column("Test time", true),
];

/// The rows, those workers first on which most could not run.
pub(super) fn rows(results: Vec<WorkerResults>) -> Vec<WorkerRow> {
    let rows = results.into_iter().map(|it| WorkerRow {
        worker: it.worker,
        passed: it.passed,
        failed: it.failed,
        could_not_run: it.could_not_run,
        no_verdict: it.unjudged,
        skipped: it.skipped,
        test_time_ms: crate::model::millis(it.test_time),
    });
    let mut rows: Vec<WorkerRow> = rows.collect();
    rows.sort_by_key(|row| Reverse(row.could_not_run + row.no_verdict));
    rows
}

/// The section; nothing before the first result.
pub(super) fn section(page: &mut Markup, rows: &[WorkerRow]) {
    let rows = rows.iter().map(|row| {
        vec![
            Cell::Text(row.worker.clone()),
            Cell::MarkedCount(row.passed, Mark::PASSED),
            Cell::MarkedCount(row.failed, Mark::FAILED),
            Cell::MarkedCount(row.could_not_run, Mark::COULD_NOT_RUN),
            Cell::MarkedCount(row.no_verdict, Mark::COULD_NOT_RUN),
            Cell::Count(row.skipped),
            Cell::Duration(row.test_time_ms),
        ]
    });
    let rows = Table {
        id: "by-worker",
        heading: "By worker",
        columns: &COLUMNS,
        rows: rows.collect(),
    };
    table(page, &rows);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_on_which_most_could_not_run_are_first() {
        let of = |worker: &str, could_not_run, unjudged, failed| WorkerResults {
            worker: worker.to_owned(),
            could_not_run,
            unjudged,
            failed,
            ..WorkerResults::default()
        };
        let found = rows(vec![
            of("a", 0, 0, 9),
            of("b", 1, 0, 0),
            of("c", 0, 2, 0),
            of("d", 0, 0, 0),
        ]);
        let names: Vec<_> = found.iter().map(|row| row.worker.as_str()).collect();
        assert_eq!(names, ["c", "b", "a", "d"]);
    }
}
