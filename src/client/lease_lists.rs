//! Renews, releases and finishes many executions of a plan: by lists where the service takes them, by single calls
//! elsewhere. Every entry has an answer of its own, the same that its single call would have.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::Method;

use super::{
    Client, ClientError, ErrorKind, answer,
    call::Call,
    leases::{
        LeaseRelease, RELEASE, ResultDelivery, finished, millis, not_sendable, release_request,
        released_before,
    },
    retry_rule::Answered,
};
use crate::{
    api::{
        entry_list::{
            EntryList, EntryResponse, FinishedEntry, FinishedList, HeartbeatEntry, HeartbeatList,
            MAX_ENTRIES, finished_path, heartbeat_path,
        },
        reservation::{FinishedRequest, HeartbeatRequest},
    },
    model::{ExecutionId, LeaseToken, PlanId},
};

/// Most bytes of texts in one list of results, beside its first entry.
const LIST_BYTES: usize = 4 * 1024 * 1024;
/// How many single calls are under way at once where there are no lists.
const SINGLE_CALLS: usize = 8;

/// A lease to renew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRenewal {
    /// The execution.
    pub execution: ExecutionId,
    /// The lease; Test Center has none.
    pub lease: Option<LeaseToken>,
    /// The new length from now on.
    pub timeout: Duration,
}

impl Client {
    /// Renews leases within `limit`, as [`Self::heartbeat`] does one: one try. Answers in order, each with when its request
    /// was sent.
    pub async fn heartbeat_many(
        &self,
        plan: PlanId,
        renewals: &[LeaseRenewal],
        limit: Duration,
    ) -> Vec<Result<Instant, ClientError>> {
        if !self.takes_lists(renewals.iter().map(|it| it.lease.as_ref())) {
            return self.heartbeat_singly(renewals, limit).await;
        }
        let mut answers = Vec::with_capacity(renewals.len());
        for chunk in renewals.chunks(MAX_ENTRIES) {
            let entries = chunk.iter().map(|it| HeartbeatEntry {
                execution_id: it.execution,
                request: HeartbeatRequest {
                    timeout: millis(it.timeout),
                    lease: it.lease.clone(),
                    release: false,
                    server_trouble: None,
                    alone: false,
                    not_started: None,
                },
            });
            let list = HeartbeatList {
                entries: entries.collect(),
            };
            let call = list_call(heartbeat_path(plan)).json(&list).limit(limit);
            let executions: Vec<_> = chunk.iter().map(|it| it.execution).collect();
            match self
                .persist(&call, self.beat_rule(), read_list(&executions))
                .await
            {
                Ok(got) => answers.extend(each(&call, got, |got| got.last_sent_at)),
                Err(error) if has_no_lists(&error) => {
                    answers.extend(self.heartbeat_singly(chunk, limit).await);
                }
                Err(error) => answers.extend(chunk.iter().map(|_| Err(error.clone()))),
            }
        }
        answers
    }

    /// Delivers results, each as [`Self::finish_after`] does, and as patiently. Answers in order. `start_cost` is what the call
    /// of the tool cost beyond these tests, if all are from one call.
    pub async fn finish_many(
        &self,
        plan: PlanId,
        results: &[ResultDelivery],
        start_cost: Option<Duration>,
    ) -> Vec<Result<(), ClientError>> {
        if !self.takes_lists(results.iter().map(|it| it.lease.as_ref())) {
            return self.finish_singly(results).await;
        }
        let mut answers: Vec<Option<Result<(), ClientError>>> = Vec::new();
        let mut sendable = Vec::new();
        for (at, result) in results.iter().enumerate() {
            match finished(result) {
                Some(request) => {
                    sendable.push((at, request));
                    answers.push(None);
                }
                None => answers.push(Some(Err(not_sendable(result.execution)))),
            }
        }
        let mut start_ms =
            start_cost.map(|cost| u64::try_from(cost.as_millis()).unwrap_or(u64::MAX));
        for chunk in chunks(sendable) {
            let executions: Vec<_> = chunk.iter().map(|(at, _)| results[*at].execution).collect();
            let (places, entries): (Vec<_>, Vec<_>) = chunk
                .into_iter()
                .map(|(at, request)| {
                    let execution_id = results[at].execution;
                    (
                        at,
                        FinishedEntry {
                            execution_id,
                            request,
                        },
                    )
                })
                .unzip();
            let call = list_call(finished_path(plan)).json(&FinishedList {
                entries,
                start_ms: start_ms.take(),
            });
            let rule = self.finish_rule();
            let got: Vec<_> = match self.persist(&call, rule, read_list(&executions)).await {
                Ok(got) => each(&call, got, |_| ()).collect(),
                Err(error) if has_no_lists(&error) => {
                    let all: Vec<_> = places.iter().map(|at| results[*at].clone()).collect();
                    self.finish_singly(&all).await
                }
                Err(error) => places.iter().map(|_| Err(error.clone())).collect(),
            };
            for (at, answer) in places.into_iter().zip(got) {
                answers[at] = Some(answer);
            }
        }
        answers.into_iter().flatten().collect()
    }

    /// Gives leases back, each as [`Self::release_after`] does. Answers in order.
    pub async fn release_many(
        &self,
        plan: PlanId,
        releases: &[LeaseRelease],
    ) -> Vec<Result<(), ClientError>> {
        if !self.takes_lists(releases.iter().map(|it| it.lease.as_ref())) {
            return self.release_singly(releases).await;
        }
        let mut answers = Vec::with_capacity(releases.len());
        for chunk in releases.chunks(MAX_ENTRIES) {
            let entries = chunk.iter().map(|it| HeartbeatEntry {
                execution_id: it.execution,
                request: release_request(it),
            });
            let list = HeartbeatList {
                entries: entries.collect(),
            };
            let limit = self.patience().request.min(RELEASE / 2);
            let call = list_call(heartbeat_path(plan)).json(&list).limit(limit);
            let executions: Vec<_> = chunk.iter().map(|it| it.execution).collect();
            let rule = self.release_rule();
            match self.persist(&call, rule, read_list(&executions)).await {
                Ok(got) => answers.extend(each(&call, got, |_| ()).map(released_before)),
                Err(error) if has_no_lists(&error) => {
                    answers.extend(self.release_singly(chunk).await);
                }
                Err(error) => answers.extend(chunk.iter().map(|_| Err(error.clone()))),
            }
        }
        answers
    }

    async fn release_singly(&self, releases: &[LeaseRelease]) -> Vec<Result<(), ClientError>> {
        let mut answers = Vec::with_capacity(releases.len());
        for some in releases.chunks(SINGLE_CALLS) {
            let mut calls = Vec::with_capacity(some.len());
            for it in some {
                calls.push(self.release_as(it));
            }
            answers.extend(join_all(calls).await);
        }
        answers
    }

    async fn heartbeat_singly(
        &self,
        renewals: &[LeaseRenewal],
        limit: Duration,
    ) -> Vec<Result<Instant, ClientError>> {
        let mut answers = Vec::with_capacity(renewals.len());
        for some in renewals.chunks(SINGLE_CALLS) {
            let mut calls = Vec::with_capacity(some.len());
            for it in some {
                calls.push(self.heartbeat(it.execution, it.lease.as_ref(), it.timeout, limit));
            }
            answers.extend(join_all(calls).await);
        }
        answers
    }

    async fn finish_singly(&self, results: &[ResultDelivery]) -> Vec<Result<(), ClientError>> {
        let mut answers = Vec::with_capacity(results.len());
        for some in results.chunks(SINGLE_CALLS) {
            let calls = some.iter().map(|it| self.finish_after(it));
            answers.extend(join_all(calls).await);
        }
        answers
    }

    /// Whether lists are worth a try: the service is ours and every entry has its lease.
    fn takes_lists<'a>(&self, mut leases: impl Iterator<Item = Option<&'a LeaseToken>>) -> bool {
        self.is_testplan() && leases.all(|lease| lease.is_some())
    }
}

fn list_call(path: String) -> Call {
    Call::at(Method::POST, path).of_lease()
}

/// Cuts results into lists that the service takes.
fn chunks(results: Vec<(usize, FinishedRequest)>) -> Vec<Vec<(usize, FinishedRequest)>> {
    let mut chunks = Vec::new();
    let mut chunk = Vec::new();
    let mut bytes = 0;
    for (at, request) in results {
        let more = request.message.len() + request.details.len();
        if chunk.len() == MAX_ENTRIES || (!chunk.is_empty() && bytes + more > LIST_BYTES) {
            chunks.push(std::mem::take(&mut chunk));
            bytes = 0;
        }
        bytes += more;
        chunk.push((at, request));
    }
    if !chunk.is_empty() {
        chunks.push(chunk);
    }
    chunks
}

/// A release before lists: no such path.
fn has_no_lists(error: &ClientError) -> bool {
    matches!(
        error.kind,
        ErrorKind::Refused {
            status: 404 | 405,
            ..
        }
    )
}

/// Reads the answers to a list; they must be about these executions in this order.
fn read_list(executions: &[ExecutionId]) -> impl Fn(&[u8]) -> Result<EntryList, String> + '_ {
    move |body| {
        let list: EntryList = answer::json("an answer to each entry")(body)?;
        let answered = list.entries.iter().map(|it| it.execution_id);
        if answered.eq(executions.iter().copied()) {
            Ok(list)
        } else {
            Err("an answer to each entry, in order".to_owned())
        }
    }
}

/// The answers to the entries of a list, as single calls would have them.
fn each<'a, T>(
    call: &'a Call,
    got: Answered<EntryList>,
    value: impl Fn(&Answered<()>) -> T + 'a,
) -> impl Iterator<Item = Result<T, ClientError>> + 'a {
    let (list, got) = got.split();
    list.entries.into_iter().map(move |entry| {
        let EntryResponse { code, message, .. } = entry;
        if code.is_none() {
            return Ok(value(&got));
        }
        let kind = ErrorKind::Refused {
            status: 400,
            code,
            message: message.unwrap_or_default(),
        };
        Err(call.error(kind, got.tries, got.tries > 1))
    })
}
