//! Values of columns in any database: kinds, milliseconds, counts, JSON, random bytes.

use std::time::Duration;

pub(in crate::store) use crate::model::signed_millis as ms;
use crate::{
    model::PlanKind,
    store::{StoreError, protocol::StartFailures},
};

/// Random bytes from the operating system.
pub(in crate::store) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::Broken(format!("no random numbers: {error}")))?;
    Ok(bytes)
}

pub(in crate::store) fn kind(number: i64) -> PlanKind {
    if number == 0 {
        PlanKind::Template
    } else {
        PlanKind::Instance
    }
}

pub(in crate::store) fn span(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// A count as databases store it.
pub(in crate::store) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(in crate::store) fn number(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

pub(in crate::store) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Broken(format!("BUG: {error}")))
}

pub(in crate::store) fn from_json<T: serde::de::DeserializeOwned>(
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Broken(format!("unreadable in the database: {error}")))
}

/// The column of failed starts. Nearly no execution has any: those have an empty column.
pub(in crate::store) fn failures_to_text(failures: &StartFailures) -> Result<String, StoreError> {
    if *failures == StartFailures::default() {
        return Ok(String::new());
    }
    to_json(failures)
}

/// The failed starts of a column.
pub(in crate::store) fn failures_from_text(text: &str) -> Result<StartFailures, StoreError> {
    if text.is_empty() {
        return Ok(StartFailures::default());
    }
    from_json(text)
}
