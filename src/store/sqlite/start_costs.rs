//! What one call of a test tool costs beyond its tests: a running average per template.

use rusqlite::{Connection, params};

use super::statements::Statements as _;
use crate::store::StoreError;

/// How many calls the average remembers.
const CALLS: i64 = 5;

/// Updates the average.
pub(super) fn learn(db: &Connection, template: i64, start_ms: i64) -> Result<(), StoreError> {
    db.change_one(
        "the start cost of a template",
        "INSERT INTO start_costs (template, runs, mean_ms) VALUES (?1, 1, ?2)
         ON CONFLICT (template) DO UPDATE SET runs = min(runs + 1, ?3),
           mean_ms = mean_ms + (excluded.mean_ms - mean_ms) / min(runs + 1, ?3)",
        params![template, start_ms, CALLS],
    )
}

/// The average in milliseconds; 0 if none is known.
pub(super) fn of_template(db: &Connection, template: i64) -> Result<i64, StoreError> {
    let known = db.read_if(
        "SELECT mean_ms FROM start_costs WHERE template = ?1",
        [template],
        |row| row.get(0),
    )?;
    Ok(known.unwrap_or(0))
}
