//! How long tests took: a running average per test and label set, by which later plans are ordered.

use rusqlite::{Connection, params};

use super::statements::Statements as _;
use crate::{
    model::{TestResult, TestVerdict},
    store::StoreError,
};

/// How many runs the average remembers.
const RUNS: i64 = 5;

/// Updates the average duration of a test. The duration of a skipped test is ignored.
pub(super) fn learn(
    db: &Connection,
    test: i64,
    label_set: i64,
    result: TestResult,
) -> Result<(), StoreError> {
    if result.verdict == TestVerdict::Skipped {
        return Ok(());
    }
    let duration_ms = i64::try_from(result.duration_ms).unwrap_or(i64::MAX);
    db.change_one(
        "the history of a test",
        "INSERT INTO history (test, label_set, runs, mean_ms) VALUES (?1, ?2, 1, ?3)
         ON CONFLICT (test, label_set) DO UPDATE SET runs = min(runs + 1, ?4),
           mean_ms = mean_ms + (excluded.mean_ms - mean_ms) / min(runs + 1, ?4)",
        params![test, label_set, duration_ms, RUNS],
    )
}
