//! How long tests took, by which later plans are ordered.

use super::write_context::WriteContext;
use crate::{
    model::{TestResult, TestVerdict},
    store::StoreError,
};

/// Updates the average duration of a test. The duration of a skipped test is ignored.
pub(in crate::store) fn learn(
    context: &mut WriteContext<'_>,
    (test, label_set): (i64, i64),
    result: TestResult,
) -> Result<(), StoreError> {
    if result.verdict == TestVerdict::Skipped {
        return Ok(());
    }
    let duration_ms = i64::try_from(result.duration_ms).unwrap_or(i64::MAX);
    context.rows.learn_duration(test, label_set, duration_ms)
}
