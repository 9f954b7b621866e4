//! Limits of requests.

use std::time::Duration;

use super::{
    super::{NewImport, PlannedTest, RefusalCode, Reserve, StoreError},
    refuse,
};
use crate::model::{Capabilities, NewSquishServer, SquishServerChange};

/// Most labels of one set.
pub(crate) const MAX_LABELS: usize = 64;
/// Most characters of a label's key or value, a title, a batch, a host name.
pub(crate) const MAX_CHARS: usize = 256;
/// Most bytes kept of the reason of an action.
pub(crate) const MAX_REASON: usize = 500;
/// Longest lease.
pub(crate) const LONGEST_LEASE: Duration = Duration::from_secs(24 * 60 * 60);
/// Shortest lease that a reservation gives.
pub(crate) const SHORTEST_RESERVATION: Duration = Duration::from_secs(1);
/// Shortest lease after a heartbeat: the vendor's clients release a lease by requesting it.
pub(crate) const SHORTEST_HEARTBEAT: Duration = Duration::from_millis(1);
/// How long a repeated request to start a plan or import files is recognised.
pub(crate) const KEY_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Most items of a page.
pub(crate) const MAX_PAGE: u32 = 1_000;
/// Most executions of one reservation, and most entries of a list of heartbeats or results.
pub(crate) const MAX_BATCH: usize = 1_000;
/// Most uncounted results kept per execution, so that a faulty worker does not fill the disk.
pub(crate) const MAX_LATE_RESULTS: u32 = 16;

fn malformed(message: impl Into<String>) -> StoreError {
    refuse(RefusalCode::Malformed, message)
}

/// Checks a name: not empty, not too long, without NUL.
pub(crate) fn name(what: &str, text: &str) -> Result<(), StoreError> {
    if text.trim().is_empty() {
        return Err(malformed(format!("{what} is empty: give it a name.")));
    }
    if text.chars().count() > MAX_CHARS {
        return Err(malformed(format!(
            "{what} is longer than {MAX_CHARS} characters: shorten it."
        )));
    }
    if text.contains('\0') {
        return Err(malformed(format!("{what} contains a NUL: remove it.")));
    }
    Ok(())
}

/// Checks a set of labels.
pub(crate) fn labels(set: &Capabilities) -> Result<(), StoreError> {
    if set.len() > MAX_LABELS {
        return Err(malformed(format!(
            "{} labels are too many: at most {MAX_LABELS}.",
            set.len()
        )));
    }
    for label in set.iter() {
        name("a label's key", &label.key)?;
        if label.value.chars().count() > MAX_CHARS || label.value.contains('\0') {
            return Err(malformed(format!(
                "the value of label {:?} has a NUL or more than {MAX_CHARS} characters.",
                label.key
            )));
        }
    }
    Ok(())
}

/// Checks the tests of a template or plan.
pub(crate) fn tests(list: &[PlannedTest]) -> Result<(), StoreError> {
    let mut checked = None;
    for PlannedTest { test, required } in list {
        if test.testcase.is_empty() {
            return Err(malformed(format!(
                "a test of suite {:?} has an empty test case: give it a name.",
                test.suite
            )));
        }
        if test.suite.contains('\0') || test.testcase.contains('\0') {
            return Err(malformed("a suite or test case contains a NUL: remove it."));
        }
        // Neighbours mostly have the same labels.
        if checked != Some(required) {
            labels(required)?;
            checked = Some(required);
        }
    }
    Ok(())
}

/// Checks a request to reserve.
pub(crate) fn reserve(request: &Reserve) -> Result<(), StoreError> {
    if request.timeout.is_zero() {
        return Err(malformed(
            "the timeout is 0: request at least a second, in milliseconds.",
        ));
    }
    if let Some(batch) = &request.batch {
        if !(1..=MAX_BATCH).contains(&(batch.max as usize)) {
            return Err(malformed(format!(
                "max is {}: request 1 to {MAX_BATCH} executions.",
                batch.max
            )));
        }
        let near = batch.near.as_ref().map_or(0, Vec::len);
        if near > MAX_BATCH {
            return Err(malformed(format!(
                "near has {near} suites: name at most {MAX_BATCH}."
            )));
        }
        if batch.work.is_some_and(|work| work.is_zero()) {
            return Err(malformed("seconds is 0: request more, or leave it out."));
        }
    }
    labels(&request.offered)
}

/// Checks the length of a list of heartbeats or results.
pub(crate) fn entries(count: usize) -> Result<(), StoreError> {
    if (1..=MAX_BATCH).contains(&count) {
        return Ok(());
    }
    Err(malformed(format!(
        "the list has {count} entries: send 1 to {MAX_BATCH}."
    )))
}

/// Checks an upload.
pub(crate) fn import(import: &NewImport) -> Result<(), StoreError> {
    name("the project", &import.project)?;
    name("the batch", &import.batch)?;
    labels(&import.labels)
}

/// Checks a Squish server to register.
pub(crate) fn squish_server(server: &NewSquishServer) -> Result<(), StoreError> {
    name("the host", server.host())?;
    labels(&server.labels)
}

/// Checks a change of a Squish server.
pub(crate) fn squish_server_change(change: &SquishServerChange) -> Result<(), StoreError> {
    change
        .host
        .as_deref()
        .map_or(Ok(()), |h| name("the host", h))?;
    change.labels.as_ref().map_or(Ok(()), labels)
}
