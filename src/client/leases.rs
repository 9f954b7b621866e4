//! Renews a lease, releases it, or ends it with a result; and resets an execution.

use std::time::{Duration, Instant};

use http::Method;

use super::{
    Client, ClientError, ErrorKind,
    answer::accepted,
    call::Call,
    quoted_text::bounded,
    retry_rule::{Repeat, RetryRule},
};
use crate::{
    api::reservation::{FinishedRequest, HeartbeatRequest, ResetRequest},
    model::{ExecutionId, LeaseToken, Outcome, ServerTrouble, signed_millis},
};

/// Longest message of an execution error that is sent, in bytes; the service keeps no more.
const LONGEST_MESSAGE: usize = 8 * 1024;
const LONGEST_DETAILS: usize = 64 * 1024;
const LONGEST_FAILURE: usize = 500;
/// Limit of a release in all: a worker that is leaving should not wait, and expiry does the same later.
pub(super) const RELEASE: Duration = Duration::from_secs(4);

/// A result to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultDelivery {
    /// The execution.
    pub execution: ExecutionId,
    /// The lease; Test Center has none.
    pub lease: Option<LeaseToken>,
    /// The result.
    pub outcome: Outcome,
    /// Why the test failed, if it did and that is known.
    pub failure: String,
    /// What was wrong with the Squish server.
    pub trouble: Option<ServerTrouble>,
}

/// A lease to give back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRelease {
    /// The execution.
    pub execution: ExecutionId,
    /// The lease; Test Center has none.
    pub lease: Option<LeaseToken>,
    /// What was wrong with the Squish server.
    pub trouble: Option<ServerTrouble>,
    /// Whether the execution should next run by itself, on another worker if there is one.
    pub alone: bool,
    /// Why the execution could not even be started here: it prefers another worker, and ends if nobody can start it.
    pub not_started: Option<String>,
}

impl Client {
    /// Renews a lease to `timeout` from now, within `limit`. Sends one request to each URL until one is answered; the
    /// holder decides about retries.
    /// Returns when the request was sent: from then on the lease lasts at least `timeout`.
    pub async fn heartbeat(
        &self,
        execution: ExecutionId,
        lease: Option<&LeaseToken>,
        timeout: Duration,
        limit: Duration,
    ) -> Result<Instant, ClientError> {
        let request = HeartbeatRequest {
            timeout: millis(timeout),
            lease: lease.cloned(),
            release: false,
            server_trouble: None,
            alone: false,
            not_started: None,
        };
        let call = heartbeat_call(execution, &request).limit(limit);
        Ok(self
            .persist(&call, self.beat_rule(), accepted)
            .await?
            .last_sent_at)
    }

    /// Releases a lease, so that another worker can take the execution at once. A lease without token is set to expire
    /// in a millisecond, because the vendor's API has no release.
    ///
    /// The caller makes sure that nothing runs under the lease any more. Takes at most a few seconds.
    pub async fn release(
        &self,
        execution: ExecutionId,
        lease: Option<&LeaseToken>,
    ) -> Result<(), ClientError> {
        self.release_after(execution, lease, None).await
    }

    /// The same, and reports the trouble with its Squish server: `testplan serve` puts that server on cool-down.
    pub async fn release_after(
        &self,
        execution: ExecutionId,
        lease: Option<&LeaseToken>,
        trouble: Option<ServerTrouble>,
    ) -> Result<(), ClientError> {
        self.release_as(&LeaseRelease {
            execution,
            lease: lease.cloned(),
            trouble,
            alone: false,
            not_started: None,
        })
        .await
    }

    /// The same with everything that a release may say.
    pub async fn release_as(&self, release: &LeaseRelease) -> Result<(), ClientError> {
        let call = heartbeat_call(release.execution, &release_request(release))
            .limit(self.patience().request.min(RELEASE / 2));
        let answer = self.persist(&call, self.release_rule(), accepted).await;
        released_before(answer.map(drop))
    }

    /// One try of each URL, all within the limit of the call.
    pub(super) fn beat_rule(&self) -> RetryRule {
        RetryRule {
            budget: Duration::ZERO,
            ..self.service_rule(Repeat::Always)
        }
    }

    pub(super) fn release_rule(&self) -> RetryRule {
        RetryRule {
            budget: RELEASE / 2,
            ..self.service_rule(Repeat::Always)
        }
    }

    /// Sends a result, with retries for up to [`super::Patience::finish`]. The verdict is included if there is a lease
    /// token; Test Center gets it by upload.
    ///
    /// [`Outcome::LeaseLost`] and [`Outcome::Cancelled`] are no results: nothing is sent, and the error says so.
    pub async fn finish(
        &self,
        execution: ExecutionId,
        lease: Option<&LeaseToken>,
        outcome: &Outcome,
    ) -> Result<(), ClientError> {
        let result = ResultDelivery {
            execution,
            lease: lease.cloned(),
            outcome: outcome.clone(),
            failure: String::new(),
            trouble: None,
        };
        self.finish_after(&result).await
    }

    /// The same, with why the test failed, and with the trouble with the Squish server: `testplan serve` puts that server on
    /// cool-down.
    pub async fn finish_after(&self, result: &ResultDelivery) -> Result<(), ClientError> {
        let call = finished_call(result.execution);
        let Some(request) = finished(result) else {
            return Err(not_sendable(result.execution));
        };
        let call = call.json(&request);
        match self.persist(&call, self.finish_rule(), accepted).await {
            Ok(_) => Ok(()),
            // `testplan serve` accepts the same result twice. Elsewhere a refusal may mean that it was counted before.
            Err(error)
                if error.lease_is_lost() && error.may_have_happened && !self.is_testplan() =>
            {
                Err(ClientError {
                    kind: ErrorKind::Unclear {
                        what: "not known whether the result was counted when it was first sent"
                            .to_owned(),
                        because: Box::new(error.kind),
                    },
                    ..error
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Opens an execution again that failed or could not run. With `generation`, `testplan serve` does so only once for
    /// all callers that saw the same failure. [`ErrorKind::Unsupported`] where the service has no reset.
    pub async fn reset(
        &self,
        execution: ExecutionId,
        generation: Option<u32>,
    ) -> Result<(), ClientError> {
        let mut call = Call::new(Method::POST, &format!("reset/{execution}"));
        if generation.is_some() {
            call = call.json(&ResetRequest { generation });
        }
        let rule = self.service_rule(Repeat::IfTestplan);
        let Err(error) = self.persist(&call, rule, accepted).await else {
            return Ok(());
        };
        match error.kind {
            ErrorKind::Refused { status, .. } | ErrorKind::NotUnderstood { status, .. }
                if matches!(status, 404 | 405) =>
            {
                Err(ClientError {
                    kind: ErrorKind::Unsupported { status },
                    may_have_happened: false,
                    ..error
                })
            }
            _ => Err(error),
        }
    }
}

/// The body of a release: `timeout` is what a service without releases understands.
pub(super) fn release_request(release: &LeaseRelease) -> HeartbeatRequest {
    let is_known = release.lease.is_some();
    HeartbeatRequest {
        timeout: 1,
        lease: release.lease.clone(),
        release: is_known,
        server_trouble: release.trouble.filter(|_| is_known),
        alone: release.alone && is_known,
        not_started: release
            .not_started
            .as_ref()
            .filter(|_| is_known)
            .map(|reason| bounded(reason, LONGEST_MESSAGE)),
    }
}

/// A lease that an earlier try may have released, and whose answer was lost, is released.
pub(super) fn released_before(answer: Result<(), ClientError>) -> Result<(), ClientError> {
    match answer {
        Err(error) if error.lease_is_lost() && error.may_have_happened => Ok(()),
        other => other,
    }
}

fn heartbeat_call(execution: ExecutionId, request: &HeartbeatRequest) -> Call {
    Call::new(Method::POST, &format!("heartbeat/{execution}"))
        .json(request)
        .of_lease()
}

fn finished_call(execution: ExecutionId) -> Call {
    Call::new(Method::POST, &format!("finished/{execution}")).of_lease()
}

/// The error for what is no result.
pub(super) fn not_sendable(execution: ExecutionId) -> ClientError {
    let kind = ErrorKind::NotSendable {
        reason: "an execution whose lease was lost or given back has no result".to_owned(),
    };
    finished_call(execution).error(kind, 0, false)
}

/// The body that reports an outcome; `None` for an outcome that is no result.
pub(super) fn finished(result: &ResultDelivery) -> Option<FinishedRequest> {
    let lease = result.lease.clone();
    let server_trouble = result.trouble.filter(|_| lease.is_some());
    let failure = match &lease {
        Some(_) => bounded(&result.failure, LONGEST_FAILURE),
        None => String::new(),
    };
    match &result.outcome {
        Outcome::Completed { result } => Some(FinishedRequest {
            outcome: result.filter(|_| lease.is_some()),
            failure,
            lease,
            server_trouble,
            ..FinishedRequest::default()
        }),
        Outcome::ExecutionError { message, details } => {
            // An empty message would say that the test ran.
            let message = match message.trim() {
                "" => "the execution could not run",
                message => message,
            };
            Some(FinishedRequest {
                message: bounded(message, LONGEST_MESSAGE),
                details: bounded(details, LONGEST_DETAILS),
                lease,
                outcome: None,
                failure: String::new(),
                server_trouble,
            })
        }
        Outcome::LeaseLost | Outcome::Cancelled => None,
    }
}

/// A span as the API writes it: whole milliseconds, at least one.
pub(super) fn millis(span: Duration) -> i64 {
    signed_millis(span).max(1)
}
