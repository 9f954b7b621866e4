//! Reserving, keeping, finishing and resetting executions.

use std::{sync::Arc, time::Duration};

use super::{
    http_error::HttpError,
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
    model::TestResult,
    store::{
        Finish, Heartbeat, Reservation, Reserve, Reset,
        protocol::payload::{MAX_DETAILS, MAX_MESSAGE, cut},
    },
};

/// The store does not report the end of a cool-down after an expiry, so a client that waits for a Squish server asks
/// again at least this often.
const SERVER_LOOK: Duration = Duration::from_secs(1);

/// Longest duration of a test in milliseconds, one year; a longer one is cut.
const LONGEST_MS: u64 = 366 * 24 * 3600 * 1000;

/// `POST reserve/{plan}`; a waiting client is answered when an execution fits, or none that fits is left.
pub(super) async fn reserve(
    shared: Arc<ServiceState>,
    call: RequestHead,
    Object(body): Object<ReserveRequest>,
) -> Result<ReserveResponse, HttpError> {
    let request = Reserve {
        plan: call.id()?,
        offered: capabilities("capabilities", body.capabilities)?,
        timeout: timeout(body.timeout)?,
        allocate_server: body.allocate_server,
        worker: call.worker()?,
        key: call.idempotency_key()?,
        principal: call.principal.clone(),
    };
    let open_reserve = OpenReserve::begin(&shared.live_workers, &shared.clock, &request);
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
    if body.release && body.lease.is_none() {
        return Err(HttpError::malformed(
            "release needs lease: only the holder can release a reservation",
        ));
    }
    if body.server_trouble.is_some() && !body.release {
        return Err(HttpError::malformed(
            "server_trouble needs release: a kept lease still uses the Squish server",
        ));
    }
    let request = Heartbeat {
        execution: call.id()?,
        timeout: timeout(body.timeout)?,
        lease: body.lease,
        release: body.release,
        server_trouble: body.server_trouble,
        principal: call.principal,
    };
    let status = if request.release {
        "Reservation released"
    } else {
        "Heartbeat received"
    };
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
    let request = Finish {
        execution: call.id()?,
        lease: body.lease,
        message: cut(&body.message, MAX_MESSAGE),
        details: cut(&body.details, MAX_DETAILS),
        result: body.outcome.map(|result| TestResult {
            // The database has no larger numbers.
            duration_ms: result.duration_ms.min(LONGEST_MS),
            ..result
        }),
        server_trouble: body.server_trouble,
        principal: call.principal,
    };
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

fn timeout(milliseconds: i64) -> Result<Duration, HttpError> {
    u64::try_from(milliseconds)
        .ok()
        .filter(|milliseconds| *milliseconds > 0)
        .map(Duration::from_millis)
        .ok_or_else(|| {
            HttpError::malformed(format!(
                "timeout is {milliseconds}: expected milliseconds, at least 1"
            ))
        })
}
