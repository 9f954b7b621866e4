//! What tests require, and how many live workers can take them.

use serde::Serialize;

use crate::{
    model::{Capabilities, Capability},
    report::{
        html::{Markup, tables::table},
        view::{Cell, Column, Mark, Table},
    },
};

/// The executions that require the same capabilities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct CapabilityRow {
    pub(crate) labels: Vec<Capability>,
    pub(crate) open: u64,
    pub(crate) reserved: u64,
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
    pub(crate) could_not_run: u64,
    /// Done without a verdict and without an error.
    pub(crate) no_verdict: u64,
    /// Live workers that offer all of them.
    pub(crate) workers: u64,
}

const fn column(heading: &'static str, is_number: bool) -> Column {
    Column { heading, is_number }
}

const COLUMNS: [Column; 9] = [
    column("Capabilities", false),
    column("Workers", true),
    column("Open", true),
    column("Running", true),
    column("Passed", true),
    column("Failed", true),
    column("Could not run", true),
    column("No verdict", true),
    column("Skipped", true),
];

/// The section; nothing for a plan without tests.
pub(super) fn section(page: &mut Markup, rows: &[CapabilityRow]) {
    let rows = rows.iter().map(|row| {
        let lacks = row.open > 0 && row.workers == 0;
        vec![
            Cell::Text(Capabilities::from(row.labels.clone()).to_string()),
            if lacks {
                Cell::Marked(Mark::COULD_NOT_RUN, "none")
            } else {
                Cell::Count(row.workers)
            },
            Cell::Count(row.open),
            Cell::Count(row.reserved),
            Cell::MarkedCount(row.passed, Mark::PASSED),
            Cell::MarkedCount(row.failed, Mark::FAILED),
            Cell::MarkedCount(row.could_not_run, Mark::COULD_NOT_RUN),
            Cell::MarkedCount(row.no_verdict, Mark::COULD_NOT_RUN),
            Cell::Count(row.skipped),
        ]
    });
    let rows = Table {
        id: "capabilities",
        heading: "By capability",
        columns: &COLUMNS,
        rows: rows.collect(),
    };
    table(page, &rows);
}
