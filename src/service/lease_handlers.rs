//! Reserving, keeping, finishing and resetting executions.

use std::{sync::Arc, time::Duration};

use super::{
    http_error::HttpError,
    lease_requests::{self, batch, timeout},
    live_workers::OpenReserve,
    long_poll::LongPoll,
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

/// The store does not report the end of a cool-down after an expiry, so a client that waits for a Squish server asks
/// again at least this often.
const SERVER_LOOK: Duration = Duration::from_secs(1);

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
    let open_reserve = OpenReserve::begin(&shared.live_workers, &shared.clock, &request);
    if let Some(batch) = &mut request.batch {
        let now = shared.clock.now();
        batch.live_workers = shared.live_workers.count(request.plan, now);
    }
    let poll = LongPoll::new(&shared, call.wait(shared.limits.wait));
    let answer = reserve_or_wait(&shared, &request, poll).await;
    open_reserve.answered(answer.as_ref().ok());
    answer.map(to_wire::reservation)
}

/// Reserves; waits for a better answer as long as the client does.
async fn reserve_or_wait(
    shared: &ServiceState,
    request: &Reserve,
    mut poll: LongPoll,
) -> Result<Reservation, HttpError> {
    loop {
        let request = request.clone();
        let plan = request.plan;
        let answer = shared
            .ask(move |store, now| store.reserve(request, now))
            .await?;
        let look = shared.limits.look;
        let (pending, look) = match &answer {
            Reservation::Granted(_) => (0, look),
            Reservation::NoExecution { pending } => (*pending, look),
            Reservation::NoServer { pending } => (*pending, look.min(SERVER_LOOK)),
        };
        if pending == 0 || !poll.wait_for_change(shared, plan, look).await? {
            if shared.is_stopping() && !matches!(answer, Reservation::Granted(_)) {
                return Err(HttpError::Stopping);
            }
            return Ok(answer);
        }
    }
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
