//! Reserving, keeping, finishing and resetting executions.

use std::{sync::Arc, time::Duration};

use super::{
    http_error::HttpError,
    job_notes,
    lease_requests::{self, batch, timeout},
    live_workers::OpenReserve,
    long_poll::{WaitingWorker, Woken},
    request_parts::{Object, OptionalObject, RequestHead, capabilities},
    service_state::ServiceState,
    to_wire,
};
use crate::{
    api::{
        self,
        reservation::{
            Done, FinishedRequest, HeartbeatRequest, ReserveRequest, ReserveResponse, ResetRequest,
        },
    },
    store::{Reservation, Reserve, Reset},
};

/// `POST reserve/{plan}`; a waiting client is answered when an execution fits, or none that fits is left.
pub(super) async fn reserve(
    shared: Arc<ServiceState>,
    call: RequestHead,
    Object(body): Object<ReserveRequest>,
) -> Result<ReserveResponse, HttpError> {
    let batch = batch(body.max, body.seconds, body.near)?;
    let mut request = Reserve {
        batch,
        plan: call.id()?,
        offered: capabilities("capabilities", body.capabilities)?,
        timeout: timeout(body.timeout)?,
        allocate_server: body.allocate_server,
        worker: call.worker()?,
        key: call.idempotency_key()?,
        principal: call.principal.clone(),
    };
    let plan = request.plan;
    let job = request.worker.clone().zip(call.job());
    let open_reserve = OpenReserve::begin(&shared.live_workers, &shared.clock, &request);
    if let Some(batch) = &mut request.batch {
        let now = shared.clock.now();
        batch.live_workers = shared.live_workers.count(request.plan, now);
    }
    let wait = call.wait(shared.limits.wait);
    let answer = if wait.is_zero() {
        shared
            .ask(move |store, now| store.reserve(request, now))
            .await
    } else {
        reserve_or_wait(&shared, &request, wait).await
    };
    let answer = match answer {
        Ok(Reservation::NoExecution { .. } | Reservation::NoServer { .. })
            if shared.is_stopping() =>
        {
            Err(HttpError::Stopping)
        }
        answer => answer,
    };
    open_reserve.answered(answer.as_ref().ok());
    if let (Some((worker, url)), Ok(Reservation::Granted(_))) = (job, &answer) {
        job_notes::note(&shared, plan, worker, url);
    }
    shared.live_pages.workers_changed(plan);
    answer.map(to_wire::reservation)
}

/// Reserves; waits for a better answer as long as the client does.
async fn reserve_or_wait(
    shared: &Arc<ServiceState>,
    request: &Reserve,
    wait: Duration,
) -> Result<Reservation, HttpError> {
    let mut worker = WaitingWorker::join(shared, request, wait);
    let mut known = worker.known_answer(request);
    loop {
        let answer = match known.take() {
            Some(answer) => answer,
            None => ask_store(shared, request, &mut worker).await?,
        };
        let is_final = matches!(
            answer,
            Reservation::Granted(_)
                | Reservation::NoExecution { pending: 0 }
                | Reservation::NoServer { pending: 0 }
        );
        if is_final {
            return Ok(answer);
        }
        match (worker.woken().await, answer) {
            (Woken::Ask, _) => {}
            (Woken::NothingLeft, _) => return Ok(Reservation::NoExecution { pending: 0 }),
            (Woken::End { pending: None }, answer) => return Ok(answer),
            (
                Woken::End {
                    pending: Some(pending),
                },
                Reservation::NoServer { .. },
            ) => {
                return Ok(Reservation::NoServer { pending });
            }
            (
                Woken::End {
                    pending: Some(pending),
                },
                _,
            ) => {
                return Ok(Reservation::NoExecution { pending });
            }
        }
    }
}

async fn ask_store(
    shared: &Arc<ServiceState>,
    request: &Reserve,
    worker: &mut WaitingWorker,
) -> Result<Reservation, HttpError> {
    let request = request.clone();
    worker.asks();
    let answer = shared
        .ask_for_waiting(move |store, now| store.reserve(request, now))
        .await?;
    worker.answered(&answer);
    Ok(answer)
}

/// `POST heartbeat/{execution}`
pub(super) async fn heartbeat(
    shared: Arc<ServiceState>,
    call: RequestHead,
    Object(body): Object<HeartbeatRequest>,
) -> Result<Done, HttpError> {
    let mut request = lease_requests::heartbeat(call.id()?, body, call.principal)?;
    shared.live_workers.add_to(&mut request, shared.clock.now());
    let status = lease_requests::heartbeat_status(&request);
    let (execution, end) = (
        request.execution,
        (!request.release).then_some(request.timeout),
    );
    shared
        .ask(move |store, now| store.heartbeat(request, now))
        .await?;
    let now = shared.clock.now();
    let end = end.map(|timeout| now.plus(timeout));
    shared.live_workers.lease_changed(execution, end, now);
    Ok(done(status))
}

/// `POST finished/{execution}`
pub(super) async fn finished(
    shared: Arc<ServiceState>,
    call: RequestHead,
    Object(body): Object<FinishedRequest>,
) -> Result<Done, HttpError> {
    let request = lease_requests::finish(call.id()?, body, call.principal);
    let execution = request.execution;
    shared
        .ask(move |store, now| store.finish(request, now))
        .await?;
    shared
        .live_workers
        .lease_changed(execution, None, shared.clock.now());
    Ok(done(api::FINISHED))
}

/// `POST reset/{execution}`
pub(super) async fn reset(
    shared: Arc<ServiceState>,
    call: RequestHead,
    OptionalObject(body): OptionalObject<ResetRequest>,
) -> Result<Done, HttpError> {
    let request = Reset {
        execution: call.id()?,
        generation: body.generation,
        principal: call.principal,
    };
    shared
        .ask(move |store, now| store.reset(request, now))
        .await?;
    Ok(done("Execution reset"))
}

fn done(status: &str) -> Done {
    Done {
        status: status.to_owned(),
    }
}
