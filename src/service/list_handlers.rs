//! Lists of heartbeats and results of one plan: one call to the store for the list, one answer for each entry.

use std::{sync::Arc, time::Duration};

use super::{
    http_error::HttpError,
    lease_requests,
    request_parts::{Object, RequestHead},
    service_state::ServiceState,
};
use crate::{
    api::{
        self,
        entry_list::{EntryList, EntryResponse, FinishedList, HeartbeatList, MAX_ENTRIES},
    },
    model::{ExecutionId, PlanId},
    store::{EntryAnswers, FinishList, Refusal},
};

/// Longest cost of a start of the tool that is believed.
const LONGEST_START: Duration = Duration::from_secs(3600);

/// `POST plans/{id}/heartbeat`
pub(super) async fn heartbeats(
    shared: Arc<ServiceState>,
    call: RequestHead,
    Object(body): Object<HeartbeatList>,
) -> Result<EntryList, HttpError> {
    let plan: PlanId = call.id()?;
    check_length(body.entries.len())?;
    let mut list = Entries::default();
    for entry in body.entries {
        let mut request =
            lease_requests::heartbeat(entry.execution_id, entry.request, call.principal.clone());
        if let Ok(request) = &mut request {
            shared.live_workers.add_to(request, shared.clock.now());
        }
        list.add(entry.execution_id, request);
    }
    let ends: Vec<_> = list
        .accepted
        .iter()
        .map(|beat| {
            let end = (!beat.release).then_some(beat.timeout);
            (beat.execution, end, lease_requests::heartbeat_status(beat))
        })
        .collect();
    let requests = std::mem::take(&mut list.accepted);
    let answers = if requests.is_empty() {
        EntryAnswers::new()
    } else {
        shared
            .ask(move |store, now| store.heartbeat_many(plan, requests, now))
            .await?
    };
    let now = shared.clock.now();
    let answers = std::iter::zip(ends, answers).map(|((execution, end, status), answer)| {
        answer.map(|()| {
            let end = end.map(|timeout| now.plus(timeout));
            shared.live_workers.lease_changed(execution, end, now);
            status
        })
    });
    Ok(list.answered(answers))
}

/// `POST plans/{id}/finished`
pub(super) async fn results(
    shared: Arc<ServiceState>,
    call: RequestHead,
    Object(body): Object<FinishedList>,
) -> Result<EntryList, HttpError> {
    let plan: PlanId = call.id()?;
    check_length(body.entries.len())?;
    let executions: Vec<_> = body.entries.iter().map(|it| it.execution_id).collect();
    // A cost of hours is a mistake, and one list should not spoil the average for long.
    let start_cost = body
        .start_ms
        .map(|ms| Duration::from_millis(ms).min(LONGEST_START));
    let entries = body
        .entries
        .into_iter()
        .map(|it| lease_requests::finish(it.execution_id, it.request, call.principal.clone()))
        .collect();
    let list = FinishList {
        entries,
        start_cost,
    };
    let answers = shared
        .ask(move |store, now| store.finish_many(plan, list, now))
        .await?;
    let now = shared.clock.now();
    let entries = std::iter::zip(executions, answers).map(|(execution, answer)| {
        let answer = answer.map(|()| {
            shared.live_workers.lease_changed(execution, None, now);
            api::FINISHED
        });
        entry(execution, answer)
    });
    Ok(EntryList {
        entries: entries.collect(),
    })
}

/// The entries of a list, some of which are refused before the store sees them.
struct Entries<T> {
    accepted: Vec<T>,
    refused: Vec<(ExecutionId, Option<Refusal>)>,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self {
            accepted: Vec::new(),
            refused: Vec::new(),
        }
    }
}

impl<T> Entries<T> {
    fn add(&mut self, execution: ExecutionId, request: Result<T, Refusal>) {
        let refusal = match request {
            Ok(request) => {
                self.accepted.push(request);
                None
            }
            Err(refusal) => Some(refusal),
        };
        self.refused.push((execution, refusal));
    }

    /// The answers to all entries, with those of the store to the accepted ones.
    fn answered(
        self,
        mut answers: impl Iterator<Item = Result<&'static str, Refusal>>,
    ) -> EntryList {
        let entries = self.refused.into_iter().filter_map(|(execution, refusal)| {
            let answer = match refusal {
                Some(refusal) => Err(refusal),
                None => answers.next()?,
            };
            Some(entry(execution, answer))
        });
        EntryList {
            entries: entries.collect(),
        }
    }
}

fn entry(execution_id: ExecutionId, answer: Result<&'static str, Refusal>) -> EntryResponse {
    let (status, refusal) = match answer {
        Ok(status) => (Some(status.to_owned()), None),
        Err(refusal) => (None, Some(refusal)),
    };
    EntryResponse {
        execution_id,
        status,
        code: refusal.as_ref().map(|it| it.code.number().into()),
        message: refusal.map(|it| it.message),
    }
}

fn check_length(count: usize) -> Result<(), HttpError> {
    if (1..=MAX_ENTRIES).contains(&count) {
        return Ok(());
    }
    Err(HttpError::malformed(format!(
        "entries has {count} items: expected 1 to {MAX_ENTRIES}"
    )))
}
