//! From the bodies of calls about leases to requests to the store: what a single call and an entry of a list have in
//! common.

use std::time::Duration;

use super::http_error::HttpError;
use crate::{
    api::reservation::{FinishedRequest, HeartbeatRequest},
    model::{ExecutionId, TestResult},
    store::{
        BatchRequest, Finish, Heartbeat, NotStarted, Refusal, RefusalCode,
        protocol::payload::{MAX_DETAILS, MAX_FAILURE, MAX_MESSAGE, cut},
    },
};

/// Longest duration of a test in milliseconds, one year; a longer one is cut.
const LONGEST_MS: u64 = 366 * 24 * 3600 * 1000;
/// Most predicted work that one reservation may ask for, in seconds.
const MOST_SECONDS: f64 = 86_400.0;

/// How many executions a reserve request asks for; `None` for one, as in the vendor's API.
pub(super) fn batch(
    max: Option<u32>,
    seconds: Option<f64>,
    near: Option<Vec<String>>,
) -> Result<Option<BatchRequest>, HttpError> {
    let work = match seconds {
        None => None,
        Some(seconds) if (0.001..=MOST_SECONDS).contains(&seconds) => {
            Some(Duration::from_secs_f64(seconds))
        }
        Some(seconds) => {
            return Err(HttpError::malformed(format!(
                "seconds is {seconds}: expected 0.001 to {MOST_SECONDS}"
            )));
        }
    };
    if max.is_none() && work.is_some() {
        return Err(HttpError::malformed(
            "seconds needs max: the most executions to reserve, 1 to 1000",
        ));
    }
    let is_batch = max.is_some() || near.is_some();
    Ok(is_batch.then(|| BatchRequest {
        work,
        near,
        ..BatchRequest::of(max.unwrap_or(1))
    }))
}

/// A heartbeat.
pub(super) fn heartbeat(
    execution: ExecutionId,
    body: HeartbeatRequest,
    principal: String,
) -> Result<Heartbeat, Refusal> {
    if body.release && body.lease.is_none() {
        return Err(malformed(
            "release needs lease: only the holder can release a reservation",
        ));
    }
    if body.server_trouble.is_some() && !body.release {
        return Err(malformed(
            "server_trouble needs release: a kept lease still uses the Squish server",
        ));
    }
    if body.alone && !body.release {
        return Err(malformed(
            "alone needs release: it says how the execution is handed out next",
        ));
    }
    if body.not_started.is_some() && !body.release {
        return Err(malformed(
            "not_started needs release: an execution that did not start has no lease to keep",
        ));
    }
    Ok(Heartbeat {
        execution,
        timeout: timeout(body.timeout)?,
        lease: body.lease,
        release: body.release,
        server_trouble: body.server_trouble,
        alone: body.alone,
        not_started: body.not_started.map(|reason| NotStarted {
            reason,
            live: Vec::new(),
        }),
        principal,
    })
}

/// The `status` of an accepted heartbeat.
pub(super) fn heartbeat_status(request: &Heartbeat) -> &'static str {
    if request.release {
        "Reservation released"
    } else {
        "Heartbeat received"
    }
}

/// A result.
pub(super) fn finish(execution: ExecutionId, body: FinishedRequest, principal: String) -> Finish {
    Finish {
        execution,
        lease: body.lease,
        message: cut(&body.message, MAX_MESSAGE),
        details: cut(&body.details, MAX_DETAILS),
        result: body.outcome.map(|result| TestResult {
            // The database has no larger numbers.
            duration_ms: result.duration_ms.min(LONGEST_MS),
            ..result
        }),
        failure: cut(&body.failure, MAX_FAILURE),
        server_trouble: body.server_trouble,
        principal,
    }
}

/// The length of a lease.
pub(super) fn timeout(milliseconds: i64) -> Result<Duration, Refusal> {
    u64::try_from(milliseconds)
        .ok()
        .filter(|milliseconds| *milliseconds > 0)
        .map(Duration::from_millis)
        .ok_or_else(|| {
            malformed(&format!(
                "timeout is {milliseconds}: expected milliseconds, at least 1"
            ))
        })
}

fn malformed(message: &str) -> Refusal {
    Refusal {
        code: RefusalCode::Malformed,
        message: message.to_owned(),
    }
}
