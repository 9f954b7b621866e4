//! Small things that every statement needs: row counts that are checked, numbers, JSON.

use std::time::Duration;

use crate::{model::PlanKind, model::signed_millis, store::StoreError};

/// Random bytes of the operating system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::Broken(format!("no random numbers: {error}")))?;
    Ok(bytes)
}

/// A guarded statement that was sure to hit changed exactly one row.
pub(super) fn exactly_one(rows: usize, what: &str) -> Result<(), StoreError> {
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::Broken(format!(
            "BUG: {what}: {rows} rows changed, not one"
        )))
    }
}

/// A guarded statement changed the row (`true`) or its guard refused (`false`).
pub(super) fn one_or_none(rows: usize, what: &str) -> Result<bool, StoreError> {
    if rows == 0 {
        return Ok(false);
    }
    exactly_one(rows, what).map(|()| true)
}

pub(super) fn kind(number: i64) -> PlanKind {
    if number == 0 {
        PlanKind::Template
    } else {
        PlanKind::Instance
    }
}

pub(super) fn ms(span: Duration) -> i64 {
    signed_millis(span)
}

pub(super) fn span(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

pub(super) fn number(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Broken(format!("BUG: {error}")))
}

pub(super) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Broken(format!("unreadable in the database: {error}")))
}
