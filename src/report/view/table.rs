//! Tables as columns and cells. A surface decides how a cell looks, not what it contains.

use crate::report::{EntryStatus, PlanReport, time_text::millis_between};

use super::mark::Mark;

/// A column with numbers is aligned right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) heading: &'static str,
    pub(crate) is_number: bool,
}

/// The texts are raw.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Text(String),
    Count(u64),
    /// A count that stands out unless it is zero.
    MarkedCount(u64, Mark),
    /// In milliseconds.
    Duration(u64),
    Percent(u64),
    /// A state and its text, which is not foreign.
    Marked(Mark, &'static str),
}

/// The first cell of a row is its heading.
#[derive(Debug)]
pub(crate) struct Table {
    /// Anchor of its section in the page.
    pub(crate) id: &'static str,
    pub(crate) heading: &'static str,
    pub(crate) columns: &'static [Column],
    pub(crate) rows: Vec<Vec<Cell>>,
}

const fn text(heading: &'static str) -> Column {
    Column {
        heading,
        is_number: false,
    }
}

const fn number(heading: &'static str) -> Column {
    Column {
        heading,
        is_number: true,
    }
}

/// One row per set of required capabilities.
pub(super) fn capabilities(report: &PlanReport) -> Table {
    const COLUMNS: [Column; 9] = [
        text("capability"),
        number("tests"),
        number("passed"),
        number("failed"),
        number("could not run"),
        number("missing"),
        number("skipped"),
        number("workers"),
        number("busy"),
    ];
    const WITH_QUARANTINE: [Column; 10] = [
        COLUMNS[0],
        COLUMNS[1],
        COLUMNS[2],
        COLUMNS[3],
        number("quarantined"),
        COLUMNS[4],
        COLUMNS[5],
        COLUMNS[6],
        COLUMNS[7],
        COLUMNS[8],
    ];
    let has_quarantined = report.tests().quarantined > 0;
    let table = report.by_capability();
    let rows = table.iter().map(|(labels, row)| {
        let marked = |count, status| Cell::MarkedCount(count, Mark::of_status(status));
        let quarantined = Cell::MarkedCount(row.counts.quarantined, Mark::QUARANTINED);
        let cells = [
            Cell::Text(labels.to_string()),
            Cell::Count(row.counts.total),
            marked(row.counts.passed, EntryStatus::Passed),
            marked(row.counts.failed, EntryStatus::Failed),
        ];
        let after = [
            marked(row.counts.errors, EntryStatus::CouldNotRun),
            marked(row.counts.missing, EntryStatus::Missing),
            Cell::Count(row.counts.skipped),
            Cell::Count(row.workers as u64),
            Cell::Duration(row.busy_ms),
        ];
        let quarantined = has_quarantined.then_some(quarantined);
        cells.into_iter().chain(quarantined).chain(after).collect()
    });
    Table {
        id: "capabilities",
        heading: "By capability",
        columns: if has_quarantined {
            &WITH_QUARANTINE
        } else {
            &COLUMNS
        },
        rows: rows.collect(),
    }
}

/// One row per worker.
pub(super) fn workers(report: &PlanReport) -> Table {
    const COLUMNS: [Column; 7] = [
        text("worker"),
        text("offers"),
        number("attempts"),
        number("busy"),
        number("present"),
        number("in use"),
        text("left"),
    ];
    let rows = report.workers.iter().map(|worker| {
        let present = millis_between(worker.began, worker.ended);
        vec![
            Cell::Text(worker.name.clone()),
            Cell::Text(worker.capabilities.to_string()),
            Cell::Count(worker.attempts),
            Cell::Duration(worker.busy_ms),
            Cell::Duration(present),
            Cell::Percent(worker.busy_ms.saturating_mul(100) / present.max(1)),
            worker.left.clone().map_or(
                Cell::Marked(Mark::LOST, "killed: its record has no end"),
                Cell::Text,
            ),
        ]
    });
    Table {
        id: "workers",
        heading: "Workers",
        columns: &COLUMNS,
        rows: rows.collect(),
    }
}
